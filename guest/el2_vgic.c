/* SPDX-License-Identifier: MIT */
/*
 * Virtual interrupts by list registers: what EL2 writes to ICH_LR<n>_EL2 is
 * pending in L2's GIC. L2 takes, acknowledges and ends it by ICC_IAR1_EL1 and
 * ICC_EOIR1_EL1 as on a CPU of its own, and its hypervisor hears of the end
 * only if it asked for the maintenance interrupt.
 *
 * What does exit is an SGI: L2's write of ICC_SGI1R_EL1 traps, and its
 * hypervisor interrupts the CPU that runs the other vCPU, which finds the SGI
 * for its list register in a mailbox. Takes two vCPUs.
 *
 * BREAK 1: the list register is not written
 * BREAK 2: ICH_HCR_EL2.En is clear
 * BREAK 3: the list register does not ask to hear of the end
 * BREAK 4: ICH_HCR_EL2.UIE is clear
 * BREAK 5: HCR_EL2.IMO and FMO are clear
 * BREAK 6: the other CPU is not interrupted
 */
#include "guest/rt/vgic.h"

#define DEVICE	 48u /* an SPI of L2's */
#define PRIORITY 0xa0u
#define PING	 3u /* SGIs between vCPUs of L2 */
#define KICK	 1u /* an SGI of ours, from CPU to CPU */

static struct vcpu {
	struct l2 l2;
	/* What L2's handler has seen. */
	volatile unsigned taken, last;
	/* For the list register of the CPU that runs it; 0 is none. */
	volatile uint64_t mail;
	volatile bool up;
	char stack[4096] __attribute__((aligned(16)));
} vcpus[2];
static uint64_t esr_of_sgi;

/* --- L2 --- */

static bool l2_irq(struct frame *f, unsigned kind)
{
	struct vcpu *v = &vcpus[sysreg_read(TPIDR_EL1)];
	unsigned intid;

	(void)f;
	if (kind != EXC_IRQ)
		return false;
	intid = sysreg_read(ICC_IAR1_EL1);
	v->last = intid;
	v->taken++;
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
	return true;
}

/* What is pending is taken here. */
static uint64_t take(uint64_t n)
{
	irq_on();
	isb();
	irq_off();
	return vcpus[n].taken;
}

static void await_irq(struct vcpu *v)
{
	while (!v->taken) {
		wfi();
		take(0);
	}
}

static uint64_t ping(uint64_t n)
{
	if (n == 1)
		await_irq(&vcpus[n]);
	dsb();
	sysreg_write(ICC_SGI1R_EL1, SGI(PING, 1u << (1 - n)));
	isb();
	if (n == 0)
		await_irq(&vcpus[n]);
	return vcpus[n].last;
}

/* --- its hypervisor --- */

static void vgic_init(void)
{
	el2_write(ICC_SRE_EL2, 0xf);
	el2_write(HCR_EL2, hcr_base() | (BROKEN(5) ? 0 : HCR_VGIC));
	el2_write(ICH_VMCR_EL2, ICH_VMCR_PMR | ICH_VMCR_ENG1);
	el2_write(ICH_HCR_EL2, BROKEN(2) ? 0 : ICH_HCR_EN);
	isb();
}

static void vcpu_init(unsigned n, uint64_t (*entry)(uint64_t))
{
	struct vcpu *v = &vcpus[n];

	v->taken = 0;
	v->last = INTID_NONE;
	l2_init(&v->l2, entry, n, v->stack + sizeof(v->stack));
	v->l2.el1.tpidr = n;
	l2_load(&v->l2);
}

/* Of several, L2 takes those from DEVICE on in the order of their numbers. */
static uint64_t lr_of(unsigned intid, uint64_t flags)
{
	return LR_PENDING | LR_GROUP1 | LR_INTID(intid) |
	       LR_PRIO(PRIORITY + intid % 4 * 8) | flags;
}

static void inject(uint64_t lr)
{
	if (!BROKEN(1))
		el2_write(ICH_LR0_EL2, lr);
}

static void inject_and_run(void)
{
	struct vcpu *v = &vcpus[0];

	l2_init(&v->l2, take, 0, v->stack + sizeof(v->stack));
	inject(lr_of(DEVICE, 0));
	l2_run(&v->l2);
}

/* One entry, one exit, which is the HVC after all that L2 does. */
static void check_lr(void)
{
	struct vcpu *v = &vcpus[0];
	struct cost cost;

	step("vgic.lr");
	vcpu_init(0, take);
	inject(lr_of(DEVICE, 0));
	reg("ICH_LR0_EL2", el2_read(ICH_LR0_EL2));
	reg("ICH_HCR_EL2", el2_read(ICH_HCR_EL2));
	reg("ICH_VMCR_EL2", el2_read(ICH_VMCR_EL2));
	l2_expect(&v->l2, EC_HVC64);
	if (v->taken != 1 || v->last != DEVICE)
		fail("L2 took %u interrupts, the last was %u",
		     (uint64_t)v->taken, (uint64_t)v->last);
	if (el2_read(ICH_LR0_EL2) & LR_STATE)
		fail("ICH_LR0_EL2 is still %x", el2_read(ICH_LR0_EL2));
	cost = cost_of(inject_and_run);
	cost_print(cost);
	pass("L2 takes and ends a list register's interrupt by itself");
}

/* The next exit of L2 is our maintenance interrupt, for that reason. */
static void await_maintenance(struct vcpu *v, uint64_t reason)
{
	unsigned intid;

	watchdog_start();
	if (l2_run(&v->l2) != -1)
		fail("L2 came out with ESR_EL2 %x, not by an interrupt",
		     v->l2.esr);
	intid = gic_ack();
	if (intid != INTID_MAINTENANCE)
		fail("it was interrupt %u", (uint64_t)intid);
	watchdog_stop();
	reg("ICH_MISR_EL2", el2_read(ICH_MISR_EL2));
	if (!(el2_read(ICH_MISR_EL2) & reason))
		fail("the maintenance interrupt has another reason");
}

/* Level-triggered: what it was about is done, and then it ends. */
static void end_maintenance(void)
{
	if (el2_read(ICH_MISR_EL2))
		fail("ICH_MISR_EL2 is still %x", el2_read(ICH_MISR_EL2));
	gic_eoi(INTID_MAINTENANCE);
}

static void check_eoi(void)
{
	struct vcpu *v = &vcpus[0];

	step("vgic.eoi");
	vcpu_init(0, take);
	inject(lr_of(DEVICE, BROKEN(3) ? 0 : LR_EOI));
	await_maintenance(v, ICH_MISR_EOI);
	reg("ICH_EISR_EL2", el2_read(ICH_EISR_EL2));
	reg("ICH_LR0_EL2", el2_read(ICH_LR0_EL2));
	if (el2_read(ICH_EISR_EL2) != 1 || el2_read(ICH_LR0_EL2) & LR_STATE)
		fail("it is not list register 0 that L2 has ended");
	el2_write(ICH_LR0_EL2, 0);
	end_maintenance();
	l2_expect(&v->l2, EC_HVC64);
	if (v->taken != 1)
		fail("L2 took %u interrupts", (uint64_t)v->taken);
	pass("L2's end of interrupt comes to EL2 as the maintenance interrupt");
}

/* Three interrupts by two list registers: the third follows the first. */
static void check_underflow(void)
{
	struct vcpu *v = &vcpus[0];

	step("vgic.underflow");
	vcpu_init(0, take);
	el2_write(ICH_LR0_EL2, lr_of(DEVICE, 0));
	el2_write(ICH_LR1_EL2, lr_of(DEVICE + 1, 0));
	el2_write(ICH_HCR_EL2, ICH_HCR_EN | (BROKEN(4) ? 0 : ICH_HCR_UIE));
	await_maintenance(v, ICH_MISR_U);
	el2_write(ICH_HCR_EL2, ICH_HCR_EN);
	if (!(el2_read(ICH_ELRSR_EL2) & 1))
		fail("list register 0 is not free: %x",
		     el2_read(ICH_ELRSR_EL2));
	el2_write(ICH_LR0_EL2, lr_of(DEVICE + 2, 0));
	end_maintenance();
	l2_expect(&v->l2, EC_HVC64);
	/* L2 may have masked interrupts again before the third was there. */
	if (v->taken == 2) {
		l2_init(&v->l2, take, 0, v->stack + sizeof(v->stack));
		l2_expect(&v->l2, EC_HVC64);
	}
	if (v->taken != 3 || v->last != DEVICE + 2)
		fail("L2 took %u interrupts, the last was %u",
		     (uint64_t)v->taken, (uint64_t)v->last);
	pass("underflow has EL2 refill a list register while L2 runs");
}

static void send_sgi(struct vcpu *v)
{
	uint64_t sgi = v->l2.x[ESR_RT(v->l2.esr)];
	unsigned target = SGI_TARGETS(sgi) == 1 ? 0 : 1;

	if (ESR_SYS_REG(v->l2.esr) != ESR_SYS(3, 0, 12, 11, 5))
		fail("ESR_EL2 does not tell of a write to ICC_SGI1R_EL1");
	esr_of_sgi = v->l2.esr;
	vcpus[target].mail = lr_of(SGI_INTID(sgi), 0);
	dsb();
	if (!BROKEN(6))
		sysreg_write(ICC_SGI1R_EL1, SGI(KICK, 1u << target));
	isb();
	v->l2.pc += 4;
}

static void take_mail(struct vcpu *v)
{
	unsigned intid = gic_ack();

	if (intid != KICK)
		fail("interrupt %u came while L2 waited", (uint64_t)intid);
	gic_eoi(intid);
	el2_write(ICH_LR0_EL2, v->mail);
}

static void vcpu_run(struct vcpu *v)
{
	int ec;

	while ((ec = l2_run(&v->l2)) != EC_HVC64) {
		if (ec == EC_SYS64)
			send_sgi(v);
		else if (ec == -1)
			take_mail(v);
		else
			fail("L2 came out with ESR_EL2 %x", v->l2.esr);
	}
	if (v->l2.x[0] != PING)
		fail("L2 took %u, not the SGI", v->l2.x[0]);
}

static void be_up(struct vcpu *v)
{
	v->up = true;
	dsb();
	asm volatile("sev");
}

static void await_up(struct vcpu *v, bool up)
{
	while (v->up != up)
		asm volatile("wfe");
}

void secondary_main(uint64_t n)
{
	el2_init();
	vgic_init();
	gic_enable();
	gic_enable_intid(KICK);
	vcpu_init(n, ping);
	be_up(&vcpus[n]);
	vcpu_run(&vcpus[n]);
	vcpus[n].up = false;
	dsb();
	asm volatile("sev");
}

static void check_sgi(void)
{
	step("vgic.sgi");
	gic_enable_intid(KICK);
	vcpu_init(0, ping);
	if (psci_cpu_on(1))
		fail("this takes two vCPUs: nestor run -c 2");
	await_up(&vcpus[1], true);
	watchdog_start();
	vcpu_run(&vcpus[0]);
	watchdog_stop();
	await_up(&vcpus[1], false);
	reg("ESR_EL2", esr_of_sgi);
	pass("an SGI from one vCPU of L2 to another goes by way of EL2");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	exception_hook = l2_irq;
	vgic_init();
	gic_enable();
	gic_enable_intid(INTID_MAINTENANCE);
	check_lr();
	check_eoi();
	check_underflow();
	check_sgi();
	return 0;
}
