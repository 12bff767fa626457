/* SPDX-License-Identifier: MIT */
/*
 * A virtual interrupt without a GIC: HCR_EL2.VI makes an IRQ pending for L2,
 * for as long as it is set, while IMO says that L2's IRQs are virtual. L2 takes
 * it to its own EL1, without EL2, and asks by HVC to have it withdrawn.
 *
 * The Arm ARM has VI ignored where IMO is clear. KVM as L0 has an IMO of its
 * own set for every guest, so that ours makes no difference there.
 *
 * BREAK 1: HCR_EL2.VI is clear
 * BREAK 2: HCR_EL2.VI stays set after L2 has taken it
 */
#include "guest/rt/el2.h"

#define ISR_I	  (1u << 7)
#define HVC_TAKEN 1
#define PATIENCE  100000u

static struct l2 l2;
static char stack[8192] __attribute__((aligned(16)));
static volatile unsigned injected, seen;
static volatile bool enough;

/* L2's handler, at EL1. */
static bool on_irq(struct frame *f, unsigned kind)
{
	if (kind != EXC_IRQ)
		return false;
	seen = seen + 1;
	if (seen > injected)
		f->pstate |= SPSR_I;
	else
		hvc(HVC_TAKEN);
	return true;
}

/* What ISR_EL1 says is pending while all is masked. */
static uint64_t look(uint64_t arg)
{
	(void)arg;
	return sysreg_read(isr_el1) & ISR_I;
}

static uint64_t unmask(uint64_t arg)
{
	unsigned i;

	(void)arg;
	irq_on();
	for (i = 0; i < PATIENCE && !enough; i++)
		asm volatile("yield");
	irq_off();
	return seen;
}

static void set_hcr(uint64_t bits)
{
	el2_write(HCR_EL2, hcr_base() | bits);
	isb();
}

static void begin(uint64_t (*entry)(uint64_t))
{
	l2_init(&l2, entry, 0, stack + sizeof(stack));
	l2_load(&l2);
}

static uint64_t run_look(void)
{
	begin(look);
	l2_expect(&l2, EC_HVC64);
	return l2.x[0];
}

static void inject(void)
{
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | HCR_VI);
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC);
}

static void check_pending(void)
{
	struct cost cost;
	uint64_t vi = BROKEN(1) ? 0 : HCR_VI;

	step("virq.pending");
	set_hcr(HCR_VGIC);
	if (run_look())
		fail("an IRQ is pending, but nobody has made it so");
	set_hcr(HCR_VGIC | vi);
	reg("HCR_EL2", el2_read(HCR_EL2));
	if (!run_look())
		fail("VI makes no IRQ pending");
	cost = cost_of(inject);
	cost_print(cost);
	pass("VI makes an IRQ pending, and a masked L2 only sees it");
}

/* L2 has an interrupt, and stops where its handler asks to be rid of it. */
static void interrupt(void)
{
	injected = injected + 1;
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | HCR_VI);
	l2_run(&l2);
	if (!BROKEN(2))
		el2_write(HCR_EL2, hcr_base() | HCR_VGIC);
}

static void check_taken(void)
{
	struct cost cost;

	step("virq.taken");
	begin(unmask);
	interrupt();
	reg("HCR_EL2", hcr_base() | HCR_VGIC | HCR_VI);
	reg("ESR_EL2", l2.esr);
	if (ESR_EC(l2.esr) != EC_HVC64 || ESR_IMM16(l2.esr) != HVC_TAKEN)
		fail("L2 has not taken an IRQ");
	cost = cost_of(interrupt);
	enough = true;
	do
		l2_expect(&l2, EC_HVC64);
	while (ESR_IMM16(l2.esr) != HVC_RETURN);
	if (l2.x[0] != injected)
		fail("L2 took %u interrupts, not %u", l2.x[0],
		     (uint64_t)injected);
	cost_print(cost);
	pass("L2 takes each to its EL1, and no exit but its own HVC");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	exception_hook = on_irq;
	check_pending();
	check_taken();
	return 0;
}
