/* SPDX-License-Identifier: MIT */
/*
 * What a request to a device costs, and its parts, over the transport that the
 * device is on: in ticks of the virtual counter, and in exits if there is an exit
 * counter (--exit-counter). Of its entropy source, then of its disk, if it has them;
 * one that fails does so at its first request:
 *
 *	notify		a notification of a queue with nothing in it
 *	poll		a request whose end is seen by polling the ring
 *	interrupt	a request that ends with an interrupt, which is
 *			acknowledged as the transport wants it
 *	disk		the same of a disk, which reads 4 KiB
 */
#include "guest/rt/msi.h"
#include "guest/rt/virtio.h"

#define N      500u
#define NO_IRQ 1 /* in avail.flags */

static struct ring ring;
static struct vdev dev = { .ring = &ring };
static uint8_t data[64] __attribute__((aligned(256)));
static uint8_t block[4096] __attribute__((aligned(4096)));
static struct {
	uint32_t type, reserved; /* 0: VIRTIO_BLK_T_IN */
	uint64_t sector;
	uint8_t status;
} request __attribute__((aligned(256)));
static unsigned intid;
static volatile unsigned taken;

static void on_irq(unsigned got)
{
	if (got == intid) {
		taken++;
		if (!vdev_on_pci(dev.base))
			vdev_write(&dev, REG_INT_ACK,
				   vdev_read(&dev, REG_INT_STATUS));
	}
}

static void listen_to_messages(void)
{
	static unsigned n;
	unsigned slot = VPCI_SLOT(dev.base);
	uint64_t table = VPCI_MSIX_AT(slot);
	struct msi_message m;

	if (!n)
		msi_enable();
	msi_add_device(slot << 3);
	m = msi_map(slot << 3, 0, n++);
	intid = m.intid;
	mmio_write16(pci_cap(slot, PCI_CAP_MSIX) + 2, 0x8000);
	mmio_write32(table + 0, m.addr);
	mmio_write32(table + 4, m.addr >> 32);
	mmio_write32(table + 8, m.data);
	mmio_write32(table + 12, 0);
}

static void listen_to_line(void)
{
	unsigned n = (dev.base - MAP_VIRTIO_BASE) / MAP_VIRTIO_STRIDE;

	intid = 32 + SPI_VIRTIO + n;
	mmio_write32(MAP_GICD_BASE + 0xc00 + intid / 16 * 4,
		     2u << intid % 16 * 2); /* an edge */
	gic_enable_intid(intid);
}

static void submit(void)
{
	vdev_desc(&dev, 0, data, sizeof(data), DESC_WRITE, 0);
	vdev_offer(&dev, 0);
	vdev_notify(&dev, 0);
}

static void notify(void)
{
	vdev_notify(&dev, 0);
}

static void poll(void)
{
	submit();
	vdev_wait(&dev);
}

static void interrupt(void)
{
	unsigned before = taken;

	submit();
	while (taken == before)
		;
	vdev_wait(&dev);
}

static void disk(void)
{
	unsigned before = taken;

	vdev_desc(&dev, 0, &request, 16, DESC_NEXT, 1);
	vdev_desc(&dev, 1, block, sizeof(block), DESC_NEXT | DESC_WRITE, 2);
	vdev_desc(&dev, 2, &request.status, 1, DESC_WRITE, 0);
	vdev_offer(&dev, 0);
	vdev_notify(&dev, 0);
	while (taken == before)
		;
	vdev_wait(&dev);
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

/* Makes it @dev, with one queue; false if there is none. */
static bool begin(unsigned id)
{
	dev = (struct vdev){ .ring = &ring, .base = vdev_find(id, 0) };
	if (!dev.base)
		return false;
	vdev_negotiate(&dev, F_VERSION);
	if (vdev_on_pci(dev.base)) {
		listen_to_messages();
		vdev_write(&dev, REG_QUEUE_SEL, 0);
		mmio_write16(dev.base + VPCI_QUEUE_VECTOR, 0);
	} else {
		listen_to_line();
	}
	vdev_queue(&dev, 0);
	vdev_go(&dev);
	return true;
}

static void want_interrupts(bool want)
{
	ring.avail.flags = want ? 0 : NO_IRQ;
	vq_sync(&ring.avail, sizeof(ring.avail));
}

static void check_disk(void)
{
	vq_sync(&request, sizeof(request));
	if (request.status)
		fail("the disk reports %u", request.status);
}

int main(uint64_t fdt)
{
	bool any = false;

	(void)fdt;
	interrupt_hook = on_irq;
	gic_enable();
	irq_on();
	if (begin(ID_RNG)) {
		any = true;
		want_interrupts(false);
		measure("notify", notify);
		measure("poll", poll);
		want_interrupts(true);
		measure("interrupt", interrupt);
	}
	if (begin(ID_BLK)) {
		any = true;
		vq_sync(&request, sizeof(request));
		disk();
		check_disk();
		measure("disk", disk);
		check_disk();
	}
	if (!any)
		fail("there is no entropy source, nor a disk");
	pass("requests are measured");
	return 0;
}
