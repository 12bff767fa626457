/* SPDX-License-Identifier: MIT */
/*
 * What proves that FEAT_NV2 works: exits to L0 of 500 operations of each kind.
 *
 * Deferred: the register is in the page at L0's VNCR_EL2, until L2 runs.
 * Redirected: the instruction reaches the EL1 register that stands in for it.
 * Trapped: hardware must act at once, and L0 does it. HVC ping-pong is the
 * least that a guest hypervisor can cost: L2's HVC, and the ERET back.
 *
 * Wants nestor run --exit-counter.
 *
 * BREAK 1: a trapped register is accessed where deferred ones are
 * BREAK 2: the world switch reads HPFAR_EL2 at each exit
 */
#include "guest/rt/el2.h"

#define OPERATIONS 500u
#define AT_ONCE	   25u	/* too few for the host's timer to come each time */
#define TRIES	   100u /* more, for those in which it does */
#define SLACK	   50u	/* and what may be left of it */

enum kind { DEFERRED, REDIRECTED, TRAPPED };

#define REPEAT(name, ...)                       \
	static void name(void)                  \
	{                                       \
		unsigned i;                     \
                                                \
		for (i = 0; i < AT_ONCE; i++) { \
			__VA_ARGS__;            \
		}                               \
	}

REPEAT(vttbr, el2_write(VTTBR_EL2, 0); if (BROKEN(1)) el2_read(HPFAR_EL2))
REPEAT(hcr, el2_write(HCR_EL2, hcr_base()))
REPEAT(cntvoff, el2_write(CNTVOFF_EL2, 0))
REPEAT(tpidr, el2_write(TPIDR_EL2, 0))
REPEAT(lr0, el2_write(ICH_LR0_EL2, 0))
REPEAT(vbar_el12, el2_write(VBAR_EL12, 0))
REPEAT(cpacr_el12, el2_write(CPACR_EL12, 0))
REPEAT(vbar_nvhe, el2_write(VBAR_EL1, 0))
REPEAT(elr, el2_write(ELR_EL2, 0))
REPEAT(esr, el2_read(ESR_EL2))
/* Not one of EL2's by name, so it would not trap without FEAT_NV2 either. */
REPEAT(ttbr0_el1, sysreg_write(TTBR0_EL1, 0))
REPEAT(cptr, el2_read(CPTR_EL2))
REPEAT(mdcr, el2_read(MDCR_EL2))
REPEAT(hpfar, el2_read(HPFAR_EL2))
REPEAT(ttbr0, el2_write(TTBR0_EL2, 0))
REPEAT(cnthctl, el2_read(CNTHCTL_EL2))
REPEAT(vtr, el2_read(ICH_VTR_EL2))
REPEAT(at, el2_ops++; asm volatile("at s1e1r, xzr" ::: "memory"))
REPEAT(tlbi, el2_tlbi_all(vmalls12e1))

/* From EL2h to EL2h: KVM does it on the way in, and counts that as no exit. */
REPEAT(eret, el2_ops += 3; asm volatile("adr x0, 1f\n"
					"msr elr_el2, x0\n"
					"mov x0, #0x3c9\n"
					"msr spsr_el2, x0\n"
					"eret\n"
					"1:" ::
						: "x0", "memory"))

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t ping(uint64_t arg)
{
	for (;;)
		hvc(1);
	return arg;
}

static void pong(void)
{
	l2_run(&l2);
	if (BROKEN(2))
		el2_read(HPFAR_EL2);
}

static const struct row {
	const char *id;
	enum kind kind;
	bool vhe, nvhe;
	void (*run)(void);
} rows[] = {
	{ "cost.deferred.VTTBR_EL2", DEFERRED, true, true, vttbr },
	{ "cost.deferred.HCR_EL2", DEFERRED, true, true, hcr },
	{ "cost.deferred.CNTVOFF_EL2", DEFERRED, true, true, cntvoff },
	{ "cost.deferred.TPIDR_EL2", DEFERRED, true, true, tpidr },
	{ "cost.deferred.ICH_LR0_EL2", DEFERRED, true, true, lr0 },
	{ "cost.deferred.VBAR_EL12", DEFERRED, true, false, vbar_el12 },
	{ "cost.deferred.CPACR_EL12", DEFERRED, true, false, cpacr_el12 },
	{ "cost.deferred.VBAR_EL1", DEFERRED, false, true, vbar_nvhe },
	{ "cost.redirected.ELR_EL2", REDIRECTED, true, true, elr },
	{ "cost.redirected.ESR_EL2", REDIRECTED, true, true, esr },
	{ "cost.redirected.TTBR0_EL1", REDIRECTED, true, false, ttbr0_el1 },
	{ "cost.redirected.ERET-to-EL2", REDIRECTED, true, true, eret },
	{ "cost.trapped.CPTR_EL2", TRAPPED, true, true, cptr },
	{ "cost.trapped.MDCR_EL2", TRAPPED, true, true, mdcr },
	{ "cost.trapped.HPFAR_EL2", TRAPPED, true, true, hpfar },
	{ "cost.trapped.TTBR0_EL2", TRAPPED, true, true, ttbr0 },
	{ "cost.trapped.CNTHCTL_EL2", TRAPPED, true, true, cnthctl },
	{ "cost.trapped.ICH_VTR_EL2", TRAPPED, true, true, vtr },
	{ "cost.trapped.AT-S1E1R", TRAPPED, true, true, at },
	{ "cost.trapped.TLBI-VMALLS12E1", TRAPPED, true, true, tlbi },
};

/* Part by part; one with more exits than @each an operation is tried again. */
static struct cost cost_of_all(void (*run)(void), unsigned each)
{
	struct cost sum = { 0 }, c;
	unsigned i, tries = 0;

	for (i = 0; i < OPERATIONS; i += AT_ONCE) {
		do {
			exits_begin(&c);
			run();
			exits_end(&c);
		} while (c.exits > each * AT_ONCE && tries++ < TRIES);
		sum.exits += c.exits;
		sum.ops += c.ops;
	}
	return sum;
}

static void check(const struct row *r)
{
	struct cost cost;

	if (!(el2_vhe ? r->vhe : r->nvhe))
		return;
	step(r->id);
	cost = cost_of_all(r->run, r->kind == TRAPPED);
	cost_print(cost);
	if (r->kind != TRAPPED && cost.exits)
		fail("%u exits, where none is needed", cost.exits);
	if (r->kind == TRAPPED &&
	    (cost.exits < OPERATIONS || cost.exits > OPERATIONS + SLACK))
		fail("%u exits, not one each", cost.exits);
}

static void check_pingpong(void)
{
	struct cost cost;

	l2_init(&l2, ping, 0, stack + sizeof(stack));
	l2_load(&l2);
	step("cost.hvc");
	l2_expect(&l2, EC_HVC64);
	cost = cost_of(pong);
	cost_print(cost);
	if (cost.exits != 2)
		fail("HVC and ERET took %u exits, not two", cost.exits);
	pass("L2's HVC and the ERET back are two exits, no more");
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	el2_init();
	if (!exits_counted())
		fail("nothing counts exits: it takes nestor run "
		     "--exit-counter");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
	pass("deferred and redirected registers cost no exit, trapped ones "
	     "one");
	check_pingpong();
	return 0;
}
