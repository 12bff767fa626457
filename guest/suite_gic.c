/* SPDX-License-Identifier: MIT */
/*
 * A GICv3 as a test suite takes it (Arm IHI 0069): the distributor's registers, an
 * SGI to oneself, to another, to all but oneself; what is disabled, of too low a
 * priority or active is held back; and LPIs, which the ITS sends, moves from one
 * CPU to the other, also while they are pending, clears and forgets. Wants two
 * CPUs.
 *
 * BREAK 1: an SGI is not enabled
 * BREAK 2: a pending LPI is not moved
 * BREAK 3: a pending LPI is not cleared
 */
#include "guest/rt/msi.h"
#include "guest/rt/suite.h"

#define ICC_PMR_EL1    S3_0_C4_C6_0
#define ICC_SGI1R_EL1  S3_0_C12_C11_5
#define SGI1R_INTID(n) ((uint64_t)(n) << 24)
#define SGI1R_ALL      (1ull << 40)

#define GICD(reg)      (MAP_GICD_BASE + (reg))
#define TYPER	       0x004u
#define IIDR	       0x008u
#define IPRIORITYR     0x400u
#define SGI_BASE       0x10000u
#define ISENABLER      (SGI_BASE + 0x100u)
#define ICENABLER      (SGI_BASE + 0x180u)
#define ISPENDR	       (SGI_BASE + 0x200u)
#define ISACTIVER      (SGI_BASE + 0x300u)
#define ICACTIVER      (SGI_BASE + 0x380u)
#define SGI_IPRIORITYR (SGI_BASE + 0x400u)

#define SGI    3u
#define SPI    40u
#define DEVID  0x55u
#define EVENT  7u
#define LPI    (MSI_FIRST_LPI + 1)
#define DEV(c) ((c) | (uint64_t)DEVID << 32)

/* Of each CPU: interrupts taken, the last one's number. */
static volatile unsigned taken[2], last[2];
static volatile bool ready, mask_other, other_masked, stop;

static unsigned me(void)
{
	return sysreg_read(mpidr_el1) & 0xff;
}

static void on_irq(unsigned got)
{
	last[me()] = got;
	taken[me()] = taken[me()] + 1;
}

static void receive_interrupts(void)
{
	gic_enable();
	gic_enable_intid(SGI);
}

/* The other CPU takes what comes, unless it is to have interrupts masked. */
void secondary_main(uint64_t n)
{
	if (at_el2())
		suite_el2();
	receive_interrupts();
	if (tree_node(suite_tree, "its", 0))
		msi_enable_cpu(n);
	ready = true;
	while (!stop) {
		if (mask_other)
			irq_off();
		else
			irq_on();
		isb();
		other_masked = mask_other;
	}
	irq_off();
}

static void send(uint64_t to)
{
	dsb();
	sysreg_write(ICC_SGI1R_EL1, to | SGI1R_INTID(SGI));
	isb();
}

static void forget(void)
{
	taken[0] = taken[1] = 0;
	last[0] = last[1] = 0;
}

/* Time for what must not happen. */
static bool nothing_comes(void)
{
	const uint64_t t0 = sysreg_read(cntpct_el0);

	while (!passed(t0, 20))
		;
	return !taken[0] && !taken[1];
}

static void distributor(void)
{
	const uint32_t typer = mmio_read32(GICD(TYPER));
	const uint32_t iidr = mmio_read32(GICD(IIDR));
	const uint64_t prio = GICD(IPRIORITYR + SPI);
	uint32_t bits;

	expect(typer && iidr && typer != ~0u, "it says what it is");
	mmio_write32(GICD(TYPER), ~typer);
	expect(mmio_read32(GICD(TYPER)) == typer, "TYPER is read-only");
	mmio_write32(prio, 0xffffffff);
	bits = mmio_read32(prio) & 0xff;
	expect(bits >= 0xf0 && mmio_read32(prio) == bits * 0x01010101,
	       "each interrupt has at least four bits of priority");
	mmio_write8(prio + 1, 0);
	expect(mmio_read32(prio) == (bits * 0x01010101 & 0xffff00ff) &&
		       mmio_read8(prio + 1) == 0 && mmio_read8(prio) == bits,
	       "they are bytes, each by itself");
}

static void sgis(void)
{
	forget();
	if (BROKEN(1))
		mmio_write32(gicr_base() + ICENABLER, 1u << SGI);
	send(1);
	expect(SOON(taken[0] == 1) && last[0] == SGI && !taken[1],
	       "an SGI to oneself");
	forget();
	send(2);
	expect(SOON(taken[1] == 1) && last[1] == SGI && !taken[0],
	       "an SGI to the other");
	forget();
	send(SGI1R_ALL);
	expect(SOON(taken[1] == 1) && !taken[0], "an SGI to all but oneself");
	forget();
	send(3);
	expect(SOON(taken[0] == 1 && taken[1] == 1), "an SGI to both");
}

static void held_back(void)
{
	const uint64_t r = gicr_base();

	forget();
	mmio_write32(r + ICENABLER, 1u << SGI);
	send(1);
	expect(nothing_comes() && mmio_read32(r + ISPENDR) >> SGI & 1,
	       "a disabled SGI is pending");
	mmio_write32(r + ISENABLER, 1u << SGI);
	expect(SOON(taken[0] == 1), "and comes when enabled");

	forget();
	mmio_write8(r + SGI_IPRIORITYR + SGI, 0xa0);
	sysreg_write(ICC_PMR_EL1, 0xa0);
	isb();
	send(1);
	expect(nothing_comes(), "a priority that is masked waits");
	sysreg_write(ICC_PMR_EL1, 0xff);
	isb();
	expect(SOON(taken[0] == 1), "until it is not");

	forget();
	mmio_write32(r + ISACTIVER, 1u << SGI);
	send(1);
	expect(nothing_comes(), "an active interrupt does not come again");
	mmio_write32(r + ICACTIVER, 1u << SGI);
	expect(SOON(taken[0] == 1), "before it is deactivated");
}

static void sync(void)
{
	its_command(ITS_SYNC, 0, 0);
	its_command(ITS_SYNC, 0, 1ull << 16);
}

static void move_to(unsigned collection)
{
	its_command(DEV(ITS_MOVI), EVENT, collection);
	sync();
}

static void trigger(void)
{
	its_command(DEV(ITS_INT), EVENT, 0);
	sync();
}

static void lpis(void)
{
	/* Collection n is redistributor n. */
	its_command(ITS_MAPC, 0, ITS_VALID | 1ull << 16 | 1);
	msi_add_device(DEVID);
	msi_map(DEVID, EVENT, LPI - MSI_FIRST_LPI);
	its_command(ITS_INVALL, 0, 1);
	forget();
	trigger();
	expect(SOON(taken[0] == 1) && last[0] == LPI && !taken[1],
	       "INT is an LPI");
	forget();
	move_to(1);
	trigger();
	expect(SOON(taken[1] == 1) && last[1] == LPI && !taken[0],
	       "MOVI, and it goes to the other CPU");
}

static void set_enabled(bool on)
{
	msi_set_enabled(LPI - MSI_FIRST_LPI, on);
	its_command(DEV(ITS_INV), EVENT, 0);
	sync();
}

/*
 * One that is disabled waits at its redistributor. KVM may have handed an enabled one
 * to the CPU, whatever that masks, and does not take it back for CLEAR.
 */
static void cleared_lpis(void)
{
	forget();
	set_enabled(false);
	trigger();
	expect(nothing_comes(), "a disabled LPI is pending");
	set_enabled(true);
	expect(SOON(taken[1] == 1), "and comes when enabled");
	forget();
	set_enabled(false);
	trigger();
	if (!BROKEN(3))
		its_command(DEV(ITS_CLEAR), EVENT, 0);
	set_enabled(true);
	expect(nothing_comes(), "CLEAR, and nothing is pending");
	forget();
	trigger();
	expect(SOON(taken[1] == 1), "but the next comes");
}

/* The other masks interrupts, so that the LPI is pending there. */
static void pending_lpis(void)
{
	mask_other = true;
	while (!other_masked)
		;
	forget();
	trigger();
	expect(nothing_comes(), "an LPI is pending at a CPU that masks it");
	if (!BROKEN(2))
		move_to(0);
	expect(SOON(taken[0] == 1) && last[0] == LPI,
	       "MOVI moves what is pending");
	move_to(1);
	forget();
	trigger();
	expect(nothing_comes(), "again it is pending there");
	its_command(ITS_MOVALL, 0, 1ull << 16);
	its_command(ITS_SYNC, 0, 0);
	/* MOVALL is from the third word's redistributor to the fourth word's, 0. */
	expect(SOON(taken[0] == 1) && last[0] == LPI, "MOVALL does, too");

	move_to(1);
	mask_other = false;
	while (other_masked)
		;
	cleared_lpis();
	forget();
	its_command(DEV(ITS_DISCARD), EVENT, 0);
	trigger();
	expect(nothing_comes(), "DISCARD, and there is no such event");
}

int main(uint64_t fdt)
{
	suite_begin(fdt, "gic");
	if (!gic_is_v3())
		fail("this wants a GICv3");
	interrupt_hook = on_irq;
	receive_interrupts();
	if (psci_cpu_on(1))
		fail("this wants two CPUs");
	while (!ready)
		;
	irq_on();
	distributor();
	sgis();
	held_back();
	if (tree_node(suite_tree, "its", 0)) {
		msi_enable();
		lpis();
		pending_lpis();
	}
	stop = true;
	return suite_end();
}
