/* SPDX-License-Identifier: MIT */
/*
 * The generic timers as a test suite takes them (Arm ARM, D12): each fires at its
 * time as the interrupt that the tree says, not before; TVAL is CVAL less the
 * counter; what is cancelled or masked does not interrupt.
 *
 * At EL1 these are the virtual and the physical one. At EL2 without VHE their
 * interrupts come to EL2, which has a physical one of its own; with VHE their
 * names mean EL2's two.
 *
 * BREAK 1: a timer is not enabled
 */
#include "guest/rt/el2.h"
#include "guest/rt/suite.h"

#define GICR_ISPENDR 0x10200u
#define GICD_ISPENDR 0x200u

#define ENABLE	1ull
#define IMASK	2ull
#define ISTATUS 4ull
#define NEVER	~0ull

/* Where each stands in the tree's "interrupts" of "timer". */
enum { NONSECURE = 1, VIRTUAL, HYP, HYP_VIRTUAL };

struct timer {
	const char *name;
	unsigned n;
	uint64_t (*count)(void);
	uint64_t (*ctl)(void);
	void (*set_ctl)(uint64_t);
	uint64_t (*cval)(void);
	void (*set_cval)(uint64_t);
	uint64_t (*tval)(void);
	void (*set_tval)(uint64_t);
};

#define READ(timer, what, reg)               \
	static uint64_t timer##_##what(void) \
	{                                    \
		isb();                       \
		return sysreg_read(reg);     \
	}
#define WRITE(timer, what, reg)                    \
	static void timer##_set_##what(uint64_t v) \
	{                                          \
		sysreg_write(reg, v);              \
		isb();                             \
	}
#define TIMER(timer, cnt, el)                 \
	READ(timer, count, cnt)               \
	READ(timer, ctl, timer##_ctl_##el)    \
	WRITE(timer, ctl, timer##_ctl_##el)   \
	READ(timer, cval, timer##_cval_##el)  \
	WRITE(timer, cval, timer##_cval_##el) \
	READ(timer, tval, timer##_tval_##el)  \
	WRITE(timer, tval, timer##_tval_##el)
#define OPS(timer)                                                 \
	timer##_count, timer##_ctl, timer##_set_ctl, timer##_cval, \
		timer##_set_cval, timer##_tval, timer##_set_tval

TIMER(cntv, cntvct_el0, el0)
TIMER(cntp, cntpct_el0, el0)
TIMER(cnthp, cntpct_el0, el2)

static const struct timer at_el1[] = { { "virtual", VIRTUAL, OPS(cntv) },
				       { "physical", NONSECURE, OPS(cntp) },
				       {} };
static const struct timer at_nvhe[] = {
	{ "EL1's virtual", VIRTUAL, OPS(cntv) },
	{ "EL1's physical", NONSECURE, OPS(cntp) },
	{ "EL2's physical", HYP, OPS(cnthp) },
	{},
};
static const struct timer at_vhe[] = {
	{ "EL2's virtual", HYP_VIRTUAL, OPS(cntv) },
	{ "EL2's physical", HYP, OPS(cntp) },
	{},
};

static const struct timer *using;
static unsigned intid;
static volatile unsigned fired, others;
static volatile uint64_t fired_at;

static void on_irq(unsigned got)
{
	if (got == intid) {
		fired_at = using->count();
		fired = fired + (using->ctl() == (ENABLE | ISTATUS));
	} else {
		others = others + 1;
	}
	using->set_ctl(0);
}

static bool pending(void)
{
	const uint64_t at = gic_is_v3() ? gicr_base() + GICR_ISPENDR
					: MAP_GICD_BASE + GICD_ISPENDR;

	return mmio_read32(at) >> intid & 1;
}

static uint64_t ms(unsigned n)
{
	return sysreg_read(cntfrq_el0) / 1000 * n;
}

static void arm(const struct timer *t, uint64_t cval, uint64_t ctl)
{
	t->set_cval(cval);
	t->set_ctl(ctl);
}

static void interrupts_at_its_time(const struct timer *t)
{
	const uint64_t cval = t->count() + ms(10);

	fired = others = 0;
	arm(t, cval, BROKEN(1) ? 0 : ENABLE);
	irq_on();
	expect(SOON(fired || others) && !others,
	       "it fires as the interrupt in the tree");
	irq_off();
	expect(fired == 1 && fired_at >= cval, "once, and not before its time");
}

static void tval_is_the_difference(const struct timer *t)
{
	uint64_t before, after;
	uint64_t left;

	t->set_ctl(0);
	before = t->count();
	t->set_tval(ms(1000));
	after = t->count();
	expect(t->cval() - ms(1000) >= before && t->cval() - ms(1000) <= after,
	       "writing TVAL sets CVAL");
	left = t->tval();
	expect(left && left <= ms(1000), "TVAL counts down");
	fired = 0;
	t->set_tval(-1ull);
	t->set_ctl(ENABLE);
	irq_on();
	expect(SOON(fired), "a negative TVAL fires at once");
	irq_off();
}

static void what_is_taken_back_does_not_come(const struct timer *t)
{
	fired = 0;
	arm(t, NEVER, ENABLE);
	expect(t->ctl() == ENABLE && !pending(), "far away, it is not pending");
	arm(t, 0, ENABLE);
	expect(SOON(pending()) && t->ctl() == (ENABLE | ISTATUS),
	       "in the past, it is");
	t->set_cval(NEVER);
	expect(SOON(!pending()), "put off, it is no more");
	arm(t, 0, ENABLE);
	expect(SOON(pending()), "it is again");
	t->set_ctl(ENABLE | IMASK);
	expect(SOON(!pending()) && t->ctl() == (ENABLE | IMASK | ISTATUS),
	       "masked, its condition holds, and it is not pending");
	t->set_ctl(0);
	irq_on();
	isb();
	irq_off();
	expect(!fired, "and nothing has come");
}

int main(uint64_t fdt)
{
	const struct timer *t = at_el1;

	suite_begin(fdt, "timer");
	interrupt_hook = on_irq;
	if (at_el2())
		t = el2_vhe ? at_vhe : at_nvhe;
	gic_enable();
	for (; t->name; t++) {
		using = t;
		intid = suite_intid("timer", t->n);
		gic_enable_intid(intid);
		print("INFO: timer: %s, INTID %u\n", t->name, (uint64_t)intid);
		interrupts_at_its_time(t);
		tval_is_the_difference(t);
		what_is_taken_back_does_not_come(t);
	}
	return suite_end();
}
