/* SPDX-License-Identifier: MIT */
/*
 * Self-hosted debug as a test suite takes it (Arm ARM, D2): at the exception level
 * that we run at, BRK, a hardware breakpoint, a watchpoint and single steps are
 * exceptions, at the address where they belong.
 *
 * BREAK 1: debug exceptions of the own level are not enabled
 */
#include "guest/rt/el2.h"
#include "guest/rt/suite.h"

#define EC_BREAKPOINT 0x31u
#define EC_STEP	      0x33u
#define EC_WATCHPOINT 0x35u
#define EC_BRK	      0x3cu

#define KDE	(1ull << 13) /* MDSCR_EL1 */
#define MDE	(1ull << 15)
#define SS	(1ull << 0)
#define TDE	(1ull << 8) /* MDCR_EL2 */
#define SPSR_SS (1ull << 21)

#define BCR_ON (1ull | 1ull << 1 | 0xfull << 5) /* E, EL1, BAS */
#define WCR_ON \
	(1ull | 1ull << 1 | 2ull << 3 | 0xffull << 5) /* E, EL1, stores */

#define HMC (1ull << 13) /* and EL2 */

#define BRK_STEP 7
#define STEPS	 3u

static volatile uint64_t watched;
static volatile unsigned hits[64];
static volatile uint64_t hit_at[64];
static volatile uint64_t stepped[STEPS];
static volatile unsigned steps;

extern char at_break[], at_steps[];

static void step_on(struct frame *f)
{
	if (steps < STEPS) {
		f->pstate |= SPSR_SS;
		f->pstate &= ~SPSR_D;
		return;
	}
	sysreg_write(mdscr_el1, sysreg_read(mdscr_el1) & ~SS);
	isb();
}

static bool on_debug(struct frame *f, unsigned kind)
{
	const unsigned ec = ESR_EC(f->esr);

	if (kind != EXC_SYNC)
		return false;
	hits[ec] = hits[ec] + 1;
	hit_at[ec] = ec == EC_WATCHPOINT ? f->far : f->pc;
	switch (ec) {
	case EC_BREAKPOINT:
		sysreg_write(dbgbcr0_el1, 0);
		break;
	case EC_WATCHPOINT:
		sysreg_write(dbgwcr0_el1, 0);
		break;
	case EC_BRK:
		f->pc += 4;
		if (ESR_IMM16(f->esr) != BRK_STEP)
			return true;
		sysreg_write(mdscr_el1, sysreg_read(mdscr_el1) | SS);
		step_on(f);
		break;
	case EC_STEP:
		stepped[steps] = f->pc;
		steps = steps + 1;
		step_on(f);
		break;
	default:
		return false;
	}
	isb();
	return true;
}

static void debug_exceptions_on(void)
{
	if (at_el2())
		el2_write(MDCR_EL2, el2_read(MDCR_EL2) | TDE);
	sysreg_write(oslar_el1, 0);
	sysreg_write(dbgbcr0_el1, 0);
	sysreg_write(dbgwcr0_el1, 0);
	sysreg_write(mdscr_el1, MDE | (BROKEN(1) ? 0 : KDE));
	isb();
	asm volatile("msr daifclr, #8" ::: "memory");
}

static void breakpoint(void)
{
	sysreg_write(dbgbvr0_el1, (uintptr_t)at_break);
	sysreg_write(dbgbcr0_el1, BCR_ON | (at_el2() ? HMC : 0));
	isb();
	asm volatile(".globl at_break\nat_break: nop" ::: "memory");
	expect(hits[EC_BREAKPOINT] == 1 &&
		       hit_at[EC_BREAKPOINT] == (uintptr_t)at_break,
	       "a breakpoint is hit, at its address");
	sysreg_write(dbgbcr0_el1, 0);
}

static void watchpoint(void)
{
	uint64_t v;

	sysreg_write(dbgwvr0_el1, (uintptr_t)&watched);
	sysreg_write(dbgwcr0_el1, WCR_ON | (at_el2() ? HMC : 0));
	isb();
	v = watched;
	expect(!v && !hits[EC_WATCHPOINT],
	       "a watchpoint of stores lets loads be");
	watched = 1;
	expect(hits[EC_WATCHPOINT] == 1 &&
		       hit_at[EC_WATCHPOINT] == (uintptr_t)&watched &&
		       watched == 1,
	       "a store to it is one hit");
	sysreg_write(dbgwcr0_el1, 0);
}

static void single_steps(void)
{
	asm volatile("brk %0\n"
		     ".globl at_steps\nat_steps: nop\n nop\n nop\n nop" ::"i"(
			     BRK_STEP)
		     : "memory");
	expect(steps == STEPS && stepped[0] == (uintptr_t)at_steps + 4 &&
		       stepped[1] == (uintptr_t)at_steps + 8 &&
		       stepped[2] == (uintptr_t)at_steps + 12,
	       "each instruction is a step");
}

int main(uint64_t fdt)
{
	suite_begin(fdt, "debug");
	exception_hook = on_debug;
	debug_exceptions_on();
	asm volatile("brk #0");
	expect(hits[EC_BRK] == 1, "BRK is an exception");
	breakpoint();
	watchpoint();
	single_steps();
	return suite_end();
}
