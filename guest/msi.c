/* SPDX-License-Identifier: MIT */
/*
 * Interrupts by message from a device on PCI: each arrives, none is lost while
 * its vector is masked, changed or its BARs are moved. Wants an entropy source
 * on PCI, and 64 MiB of RAM. With two CPUs, the other changes the vector all the
 * time.
 *
 * Each request waits for its interrupt in wfi, and for nothing else: if one is
 * lost, the VM times out.
 */
#include "guest/rt/msi.h"
#include "guest/rt/virtio.h"

#define STORM  300u
#define EVENTS 4u

static struct ring ring;
static struct vdev rng = { .ring = &ring };
static uint8_t data[64] __attribute__((aligned(256)));
static unsigned slot;
static uint64_t table; /* MSI-X, of the vector that the queue has */
static struct msi_message message[EVENTS];
static volatile unsigned taken[EVENTS], total;
static volatile unsigned changes;
static volatile bool stop, stopped;

static void on_irq(unsigned intid)
{
	unsigned i;

	for (i = 0; i < EVENTS; i++) {
		if (intid != message[i].intid)
			continue;
		taken[i]++;
		total++;
	}
}

static void set_message(const struct msi_message *m)
{
	mmio_write32(table + 0, m->addr);
	mmio_write32(table + 4, m->addr >> 32);
	mmio_write32(table + 8, m->data);
}

static void set_mask(bool on)
{
	mmio_write32(table + 12, on);
}

static void set_vectors(void)
{
	/* The configuration has none, the queue number 1. */
	mmio_write16(rng.base + VPCI_CONFIG_VECTOR, 0xffff);
	vdev_write(&rng, REG_QUEUE_SEL, 0);
	mmio_write16(rng.base + VPCI_QUEUE_VECTOR, 1);
	if (mmio_read16(rng.base + VPCI_QUEUE_VECTOR) != 1)
		fail("the device has no vector 1");
}

static void start(void)
{
	uint64_t cap = pci_cap(slot, PCI_CAP_MSIX);

	vpci_place(slot);
	table = VPCI_MSIX_AT(slot) + 16;
	mmio_write16(cap + 2, MSIX_ENABLE);
	vdev_negotiate(&rng, F_VERSION);
	set_vectors();
	vdev_queue(&rng, 0);
	vdev_go(&rng);
	set_message(&message[0]);
	set_mask(false);
}

static void submit(void)
{
	vdev_desc(&rng, 0, data, sizeof(data), DESC_WRITE, 0);
	vdev_offer(&rng, 0);
	vdev_notify(&rng, 0);
}

/* Until more interrupts than @before have come, and one buffer. */
static void await(unsigned before)
{
	irq_off();
	while (total == before) {
		wfi();
		irq_on();
		isb();
		irq_off();
	}
	irq_on();
	vdev_wait(&rng);
}

static void each_request_interrupts_once(void)
{
	unsigned i, before;

	for (i = 0; i < STORM; i++) {
		before = total;
		submit();
		await(before);
		if (total != before + 1)
			fail("request %u: %u interrupts", (uint64_t)i,
			     (uint64_t)(total - before));
	}
	if (taken[0] != STORM)
		fail("%u interrupts by vector 0", (uint64_t)taken[0]);
	pass("each request interrupts once");
}

static void a_mask_holds_back(uint64_t cap)
{
	uint64_t pba = VPCI_MSIX_AT(slot) + VPCI_MSIX_PBA;
	unsigned before = total;

	set_mask(true);
	submit();
	while (!(mmio_read32(pba) & 2))
		;
	if (total != before)
		fail("a masked vector has interrupted");
	set_mask(false);
	await(before);
	if (mmio_read32(pba) & 2)
		fail("the pending bit has stayed");
	before = total;
	mmio_write16(cap + 2, MSIX_ENABLE | MSIX_MASKALL);
	submit();
	while (!(mmio_read32(pba) & 2))
		;
	mmio_write16(cap + 2, MSIX_ENABLE);
	await(before);
	pass("what a mask holds back comes when it goes");
}

static void a_changed_vector_is_used(void)
{
	unsigned i, before;

	for (i = 0; i < EVENTS * 16; i++) {
		unsigned e = i % EVENTS, was = taken[e];

		set_mask(true);
		set_message(&message[e]);
		set_mask(false);
		before = total;
		submit();
		await(before);
		if (taken[e] != was + 1)
			fail("event %u did not come", (uint64_t)e);
	}
	pass("a changed vector is used at once");
}

/* On the other CPU. */
void secondary_main(uint64_t n)
{
	unsigned i = 0;

	(void)n;
	while (!stop) {
		set_mask(true);
		set_message(&message[++i % EVENTS]);
		set_mask(false);
		changes++;
	}
	stopped = true;
	psci_cpu_off();
}

static void a_vector_that_changes_all_the_time_loses_nothing(void)
{
	unsigned i, before;

	if (psci_cpu_on(1)) {
		print("one CPU: no vector changes meanwhile\n");
		return;
	}
	for (i = 0; i < STORM || changes < STORM; i++) {
		before = total;
		submit();
		await(before);
	}
	stop = true;
	while (!stopped)
		;
	set_mask(true);
	set_message(&message[0]);
	set_mask(false);
	pass("a vector that changes all the time loses nothing");
}

static void move(uint64_t to)
{
	mmio_write32(pci_cfg(slot, PCI_BAR(4)), to);
	mmio_write32(pci_cfg(slot, PCI_BAR(5)), to >> 32);
	rng.base = to;
}

/* Requests are under way meanwhile. */
static void a_moved_bar_works_where_it_is(void)
{
	const uint64_t home = rng.base, away = home + 0x100000;
	unsigned i, before;

	for (i = 0; i < 32; i++) {
		before = total;
		submit();
		move(i % 2 ? home : away);
		await(before);
		if (mmio_read32(i % 2 ? away : home) != 0xffffffff)
			fail("the BAR still answers where it was");
		if (mmio_read8(rng.base + 0x14) != 0xf)
			fail("the device's status is not where the BAR is");
	}
	pass("a moved BAR works where it is");
}

static void a_reset_function_starts_again(void)
{
	uint64_t cap = pci_cap(slot, PCI_CAP_EXPRESS);
	unsigned before;

	submit();
	mmio_write16(cap + 8, 0x8000);
	if (mmio_read32(pci_cfg(slot, PCI_BAR(1))) ||
	    mmio_read16(pci_cfg(slot, PCI_COMMAND)))
		fail("a function-level reset has left the BARs");
	/* An interrupt of the request before it may have come. */
	irq_on();
	isb();
	start();
	before = total;
	submit();
	await(before);
	pass("a function that was reset starts again");
}

int main(uint64_t fdt)
{
	uint32_t devid;
	unsigned i;

	(void)fdt;
	rng.base = vdev_find_pci(ID_RNG, 0);
	if (!rng.base)
		fail("there is no entropy source on PCI");
	slot = VPCI_SLOT(rng.base);
	devid = slot << 3;
	interrupt_hook = on_irq;
	gic_enable();
	msi_enable();
	msi_add_device(devid);
	for (i = 0; i < EVENTS; i++)
		message[i] = msi_map(devid, i, i);
	irq_on();
	start();
	each_request_interrupts_once();
	a_mask_holds_back(pci_cap(slot, PCI_CAP_MSIX));
	a_changed_vector_is_used();
	a_moved_bar_works_where_it_is();
	a_reset_function_starts_again();
	a_vector_that_changes_all_the_time_loses_nothing();
	return 0;
}
