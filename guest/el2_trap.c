/* SPDX-License-Identifier: MIT */
/*
 * Trap and emulate: HCR_EL2 says what L2 may not do by itself, ESR_EL2.EC what
 * it tried, and its hypervisor does that in its stead, on the saved registers.
 *
 * TVM traps writes of EL1's translation controls, TID3 reads of ID registers,
 * TWI the wait for an interrupt, TSC the call to the secure monitor.
 *
 * BREAK 1: HCR_EL2.TVM is clear
 * BREAK 2: HCR_EL2.TID3 is clear
 * BREAK 3: HCR_EL2.TWI is clear
 * BREAK 4: HCR_EL2.TSC is clear
 * BREAK 5: ELR_EL2 stays at the trapped instruction
 */
#include "guest/rt/el2.h"

#define ASKED 0x1234u
#define GIVEN 0x4321u

static uint64_t write_contextidr(uint64_t v)
{
	sysreg_write(contextidr_el1, v);
	isb();
	return sysreg_read(contextidr_el1);
}

static uint64_t read_id(uint64_t v)
{
	(void)v;
	return sysreg_read(id_aa64isar0_el1);
}

static uint64_t wait_for_interrupt(uint64_t v)
{
	asm volatile("mov x0, %0\n"
		     "wfi\n"
		     "mov %0, x0"
		     : "+r"(v)
		     :
		     : "x0", "memory");
	return v;
}

static uint64_t call_monitor(uint64_t v)
{
	asm volatile("mov x0, %0\n"
		     "smc #7\n"
		     "mov %0, x0"
		     : "+r"(v)
		     :
		     : "x0", "memory");
	return v;
}

/* What the hypervisor does about it: L2 must end with GIVEN in its hands. */
static void store_contextidr(struct l2 *l2)
{
	if (ESR_SYS_REG(l2->esr) != ESR_SYS(3, 0, 13, 0, 1) ||
	    ESR_SYS_READ(l2->esr))
		fail("ESR_EL2 does not tell of a write to CONTEXTIDR_EL1");
	if (l2->x[ESR_RT(l2->esr)] != ASKED)
		fail("x%u does not hold what L2 wanted to write",
		     (uint64_t)ESR_RT(l2->esr));
	el1_write(CONTEXTIDR, GIVEN);
}

static void invent_id(struct l2 *l2)
{
	if (ESR_SYS_REG(l2->esr) != ESR_SYS(3, 0, 0, 6, 0) ||
	    !ESR_SYS_READ(l2->esr))
		fail("ESR_EL2 does not tell of a read of ID_AA64ISAR0_EL1");
	l2->x[ESR_RT(l2->esr)] = GIVEN;
}

static void answer(struct l2 *l2)
{
	l2->x[0] = GIVEN;
}

static const struct trap {
	const char *id, *sentence;
	unsigned broken_by;
	uint64_t bit;
	uint64_t (*guest)(uint64_t);
	int ec;
	void (*emulate)(struct l2 *);
} traps[] = {
	{ "trap.tvm", "TVM traps a write of CONTEXTIDR_EL1, L2 reads another",
	  1, HCR_TVM, write_contextidr, EC_SYS64, store_contextidr },
	{ "trap.tid3", "TID3 traps a read of ID_AA64ISAR0_EL1, L2 sees ours", 2,
	  HCR_TID3, read_id, EC_SYS64, invent_id },
	{ "trap.twi", "TWI traps WFI, L2 goes on after it", 3, HCR_TWI,
	  wait_for_interrupt, EC_WFX, answer },
	{ "trap.tsc", "TSC traps SMC, L2 takes our answer for its monitor's", 4,
	  HCR_TSC, call_monitor, EC_SMC64, answer },
};

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

/* The instruction stays where it is, and so traps each time. */
static void trap_again(void)
{
	l2_run(&l2);
}

static void set_hcr(uint64_t bits)
{
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | bits);
	isb();
}

static void check(const struct trap *t)
{
	struct cost cost;

	step(t->id);
	set_hcr(BREAK == t->broken_by ? 0 : t->bit);
	l2_init(&l2, t->guest, ASKED, stack + sizeof(stack));
	l2_load(&l2);
	l2_expect(&l2, t->ec);
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("ESR_EL2", l2.esr);
	reg("ELR_EL2", l2.pc);
	cost = cost_of(trap_again);
	t->emulate(&l2);
	if (!BROKEN(5))
		l2.pc += 4;
	l2_expect(&l2, EC_HVC64);
	if (l2.x[0] != GIVEN)
		fail("L2 has %x, not what its hypervisor gave", l2.x[0]);
	cost_print(cost);
	pass(t->sentence);
}

/* The other side of it: what is not trapped does not come to EL2. */
static void check_untrapped(void)
{
	step("trap.none");
	set_hcr(0);
	l2_init(&l2, write_contextidr, ASKED, stack + sizeof(stack));
	l2_load(&l2);
	l2_expect(&l2, EC_HVC64);
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("ESR_EL2", l2.esr);
	if (l2.x[0] != ASKED || el1_read(CONTEXTIDR) != ASKED)
		fail("L2's write of CONTEXTIDR_EL1 was lost");
	pass("without a trap bit, L2 writes CONTEXTIDR_EL1 by itself");
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	el2_init();
	check_untrapped();
	for (i = 0; i < sizeof(traps) / sizeof(traps[0]); i++)
		check(&traps[i]);
	return 0;
}
