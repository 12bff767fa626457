/* SPDX-License-Identifier: MIT */
/*
 * What a request to a device costs, and its parts, over the transport that its
 * entropy source is on: in ticks of the virtual counter, and in exits if there is
 * an exit counter (--exit-counter).
 *
 *	notify		a notification of a queue with nothing in it
 *	poll		a request whose end is seen by polling the ring
 *	interrupt	a request that ends with an interrupt, which is
 *			acknowledged as the transport wants it
 */
#include "guest/rt/msi.h"
#include "guest/rt/virtio.h"

#define N      500u
#define NO_IRQ 1 /* in avail.flags */

static struct ring ring;
static struct vdev rng = { .ring = &ring };
static uint8_t data[64] __attribute__((aligned(256)));
static unsigned intid;
static volatile unsigned taken;

static bool on_irq(struct frame *f, unsigned kind)
{
	unsigned got;

	(void)f;
	if ((kind & 3) != EXC_IRQ)
		return false;
	got = gic_ack();
	if (got == intid) {
		taken++;
		if (!vdev_on_pci(rng.base))
			vdev_write(&rng, REG_INT_ACK,
				   vdev_read(&rng, REG_INT_STATUS));
	}
	gic_eoi(got);
	return true;
}

static void listen_to_messages(void)
{
	unsigned slot = VPCI_SLOT(rng.base);
	uint64_t table = VPCI_MSIX_AT(slot);
	struct msi_message m;

	msi_enable();
	msi_add_device(slot << 3);
	m = msi_map(slot << 3, 0, 0);
	intid = m.intid;
	mmio_write16(pci_cap(slot, PCI_CAP_MSIX) + 2, 0x8000);
	mmio_write32(table + 0, m.addr);
	mmio_write32(table + 4, m.addr >> 32);
	mmio_write32(table + 8, m.data);
	mmio_write32(table + 12, 0);
}

static void listen_to_line(void)
{
	unsigned n = (rng.base - MAP_VIRTIO_BASE) / MAP_VIRTIO_STRIDE;

	intid = 32 + SPI_VIRTIO + n;
	mmio_write32(MAP_GICD_BASE + 0xc00 + intid / 16 * 4,
		     2u << intid % 16 * 2); /* an edge */
	gic_enable_intid(intid);
}

static void submit(void)
{
	vdev_desc(&rng, 0, data, sizeof(data), DESC_WRITE, 0);
	vdev_offer(&rng, 0);
	vdev_notify(&rng, 0);
}

static void notify(void)
{
	vdev_notify(&rng, 0);
}

static void poll(void)
{
	submit();
	vdev_wait(&rng);
}

static void interrupt(void)
{
	unsigned before = taken;

	submit();
	while (taken == before)
		;
	vdev_wait(&rng);
}

static uint64_t exits(void)
{
	return mmio_read64(MAP_EXITS_BASE);
}

static void measure(const char *what, void (*op)(void))
{
	uint64_t t0, t1, e0, least = ~0ull;
	unsigned i;

	/* The first ones set up eventfds and routes. */
	for (i = 0; i < 10; i++)
		op();
	isb();
	t0 = sysreg_read(cntvct_el0);
	for (i = 0; i < N; i++)
		op();
	isb();
	t1 = sysreg_read(cntvct_el0);
	/* Of many, the least: a host's own interrupts are exits too. */
	for (i = 0; i < N; i++) {
		e0 = exits();
		op();
		e0 = exits() - e0 - 1;
		if (e0 < least)
			least = e0;
	}
	print("%s %u ticks %u exits\n", what, (t1 - t0) / N, least);
}

int main(uint64_t fdt)
{
	(void)fdt;
	exception_hook = on_irq;
	rng.base = vdev_find(ID_RNG, 0);
	if (!rng.base)
		fail("there is no entropy source");
	gic_enable();
	vdev_negotiate(&rng, F_VERSION);
	if (vdev_on_pci(rng.base)) {
		listen_to_messages();
		vdev_write(&rng, REG_QUEUE_SEL, 0);
		mmio_write16(rng.base + VPCI_QUEUE_VECTOR, 0);
	} else {
		listen_to_line();
	}
	vdev_queue(&rng, 0);
	vdev_go(&rng);
	ring.avail.flags = NO_IRQ;
	vq_sync(&ring.avail, sizeof(ring.avail));
	measure("notify", notify);
	measure("poll", poll);
	ring.avail.flags = 0;
	vq_sync(&ring.avail, sizeof(ring.avail));
	irq_on();
	measure("interrupt", interrupt);
	pass("requests are measured");
	return 0;
}
