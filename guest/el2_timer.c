/* SPDX-License-Identifier: MIT */
/*
 * Time at EL2: four timers, each with its PPI, and a virtual time for L2.
 *
 * EL2 has a physical timer, with VHE a virtual one too; the two of EL1 are
 * L2's, and fire at EL2 while we have them. CNTVOFF_EL2 is what L2's virtual
 * time lacks. When L2's timer fires, IMO brings the interrupt to us, and we
 * pass it on by a list register whose HW bit lets L2 deactivate the real one:
 * only then can the timer fire again.
 *
 * BREAK 1: a timer fires when its time has come, but is not enabled
 * BREAK 2: CNTVOFF_EL2 is not set
 * BREAK 3: the list register is not written
 * BREAK 4: the list register's HW bit is clear
 * BREAK 5: HCR_EL2.IMO and FMO are clear
 */
#include "guest/rt/vgic.h"

#define CNTP_CTL_EL02  S3_5_C14_C2_1
#define CNTP_CVAL_EL02 S3_5_C14_C2_2
#define CNTV_CTL_EL02  S3_5_C14_C3_1
#define CNTV_CVAL_EL02 S3_5_C14_C3_2
#define CNTHV_CTL_EL2  S3_4_C14_C3_1
#define CNTHV_CVAL_EL2 S3_4_C14_C3_2

#define CTL_ENABLE  1ull
#define CTL_ISTATUS 4ull
#define ROUNDS	    3u

static uint64_t now(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

/* --- four timers --- */

/* CVAL, then CTL. At EL2 with VHE, the _EL0 names are those of EL2's timers. */
static void el1_virtual(uint64_t cval, uint64_t ctl)
{
	if (el2_vhe) {
		el2_write(CNTV_CVAL_EL02, cval);
		el2_write(CNTV_CTL_EL02, ctl);
	} else {
		sysreg_write(cntv_cval_el0, cval);
		sysreg_write(cntv_ctl_el0, ctl);
	}
	isb();
}

static void el1_physical(uint64_t cval, uint64_t ctl)
{
	if (el2_vhe) {
		el2_write(CNTP_CVAL_EL02, cval);
		el2_write(CNTP_CTL_EL02, ctl);
	} else {
		sysreg_write(cntp_cval_el0, cval);
		sysreg_write(cntp_ctl_el0, ctl);
	}
	isb();
}

static void el2_physical(uint64_t cval, uint64_t ctl)
{
	el2_write(CNTHP_CVAL_EL2, cval);
	el2_write(CNTHP_CTL_EL2, ctl);
	isb();
}

static void el2_virtual(uint64_t cval, uint64_t ctl)
{
	el2_write(CNTHV_CVAL_EL2, cval);
	el2_write(CNTHV_CTL_EL2, ctl);
	isb();
}

static const struct timer {
	const char *id, *sentence;
	void (*set)(uint64_t cval, uint64_t ctl);
	unsigned intid;
	bool vhe_only;
} timers[] = {
	{ "timer.cnthp", "EL2's physical timer fires at EL2 as INTID 26",
	  el2_physical, 26, false },
	{ "timer.cnthv", "EL2's virtual timer fires at EL2 as INTID 28",
	  el2_virtual, 28, true },
	{ "timer.cntv", "EL1's virtual timer fires at EL2 as INTID 27",
	  el1_virtual, 27, false },
	{ "timer.cntp", "EL1's physical timer fires at EL2 as INTID 30",
	  el1_physical, 30, false },
};

static void check_timer(const struct timer *t)
{
	uint64_t cval = now() + sysreg_read(cntfrq_el0) / 1000;
	unsigned intid;

	step(t->id);
	gic_enable_intid(t->intid);
	if (t->set != el2_physical)
		watchdog_start();
	t->set(cval, BROKEN(1) && t->set != el2_physical ? 0 : CTL_ENABLE);
	/* Masked, an interrupt still ends this. */
	while ((intid = gic_ack()) == INTID_NONE)
		wfi();
	reg("INTID", intid);
	if (intid != t->intid)
		fail("INTID %u is another timer's", (uint64_t)intid);
	if (now() < cval)
		fail("it is %u ticks early", cval - now());
	t->set(cval, 0);
	gic_eoi(intid);
	if (t->set != el2_physical)
		watchdog_stop();
	pass(t->sentence);
}

/* --- L2's time --- */

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t what_time(uint64_t v)
{
	(void)v;
	isb();
	return sysreg_read(cntvct_el0);
}

static void check_offset(void)
{
	uint64_t before = now(), after;
	uint64_t offset = before;

	step("timer.cntvoff");
	el2_write(CNTVOFF_EL2, BROKEN(2) ? 0 : offset);
	isb();
	l2_init(&l2, what_time, 0, stack + sizeof(stack));
	l2_load(&l2);
	l2_expect(&l2, EC_HVC64);
	after = now();
	reg("CNTVOFF_EL2", offset);
	reg("CNTVCT_EL0", l2.x[0]);
	if (l2.x[0] + offset < before || l2.x[0] + offset > after)
		fail("L2's time is %u, ours was %u to %u", l2.x[0],
		     before - offset, after - offset);
	pass("with CNTVOFF_EL2, L2's virtual time begins now");
}

/* --- L2's timer --- */

static volatile unsigned fired;

static bool l2_irq(struct frame *f, unsigned kind)
{
	uint64_t ctl = sysreg_read(cntv_ctl_el0);
	unsigned intid;

	(void)f;
	if (kind != EXC_IRQ)
		return false;
	intid = sysreg_read(ICC_IAR1_EL1);
	if (intid != 27 || !(ctl & CTL_ISTATUS))
		fail("L2 took INTID %u, its timer's CTL is %u", (uint64_t)intid,
		     ctl);
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
	fired++;
	return true;
}

static uint64_t use_timer(uint64_t rounds)
{
	uint64_t n;

	for (n = 1; n <= rounds; n++) {
		sysreg_write(cntv_cval_el0,
			     what_time(0) + sysreg_read(cntfrq_el0) / 1000);
		sysreg_write(cntv_ctl_el0, CTL_ENABLE);
		isb();
		while (fired < n) {
			wfi();
			irq_on();
			isb();
			irq_off();
		}
	}
	return fired;
}

/* The interrupt stays active at our GIC: it is L2's now. */
static void pass_on(unsigned intid)
{
	uint64_t hw = BROKEN(4) ? 0 : LR_HW | LR_PINTID(intid);

	if (intid != 27)
		fail("INTID %u came while L2 waited for its timer",
		     (uint64_t)intid);
	gic_eoi(intid);
	if (!BROKEN(3))
		el2_write(ICH_LR0_EL2, LR_PENDING | LR_GROUP1 | LR_PRIO(0xa0) |
					       LR_INTID(intid) | hw);
}

static void check_l2(void)
{
	unsigned exits = 0;
	int ec;

	step("timer.l2");
	el2_write(ICH_VMCR_EL2, ICH_VMCR_PMR | ICH_VMCR_ENG1);
	el2_write(ICH_HCR_EL2, ICH_HCR_EN);
	sysreg_write(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
	exception_hook = l2_irq;
	l2_init(&l2, use_timer, ROUNDS, stack + sizeof(stack));
	l2_load(&l2);
	watchdog_start();
	while ((ec = l2_run(&l2)) == -1) {
		pass_on(gic_ack());
		exits++;
	}
	watchdog_stop();
	reg("ICH_LR0_EL2", el2_read(ICH_LR0_EL2));
	if (ec != EC_HVC64 || l2.x[0] != ROUNDS || exits != ROUNDS)
		fail("L2's timer fired %u times, %u at EL2", l2.x[0],
		     (uint64_t)exits);
	pass("L2's timer fires at EL2, and a list register passes it on");
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	el2_init();
	el2_write(ICC_SRE_EL2, 0xf);
	el2_write(HCR_EL2, hcr_base() | (BROKEN(5) ? 0 : HCR_VGIC));
	isb();
	gic_enable();
	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		if (el2_vhe || !timers[i].vhe_only)
			check_timer(&timers[i]);
	}
	check_offset();
	check_l2();
	return 0;
}
