/* SPDX-License-Identifier: MIT */
/*
 * A disk as a teaching kernel written for QEMU's virt has it: at a fixed place,
 * slot 0, with a vendor that is compared; features taken from the low half alone,
 * so no VIRTIO_F_VERSION_1; one queue of 8, its buffers in fixed places; requests
 * one at a time, slept through until the interrupt.
 *
 * Registers of version 1 (--virtio-legacy): DRIVER_OK comes before the queue,
 * which is given by the number of its page, and the interrupt is a level, as the
 * GIC has it after a reset. Of version 2: the queue comes before FEATURES_OK, and
 * the interrupt is an edge, as the tree says. Other slots are looked at, and are
 * empty.
 */
#include "guest/rt/virtio.h"

#define DISK	       MAP_VIRTIO_BASE
#define INTID	       (32 + SPI_VIRTIO)
#define REG_MAGIC      0x000
#define REG_VERSION    0x004
#define REG_VENDOR     0x00c
#define REG_PAGE_SIZE  0x028
#define REG_QUEUE_PFN  0x040
#define STATUS_ACK     0x01
#define ROUNDS	       200
#define PAGE	       4096u
#define VENDOR	       0x554d4551
#define INDIRECT_EVENT (3u << 28)

/* As version 1 has it: used entries on the next page. */
static struct {
	struct desc desc[RING];
	struct {
		uint16_t flags, idx, ring[RING];
	} avail;
	struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[RING];
	} used __attribute__((aligned(PAGE)));
} queue __attribute__((aligned(PAGE)));

static struct {
	uint32_t type, reserved;
	uint64_t sector;
} header __attribute__((aligned(256)));
static uint8_t block[1024] __attribute__((aligned(256)));
static uint8_t status __attribute__((aligned(256)));
static volatile unsigned done;
static uint16_t seen;

static uint32_t reg(unsigned off)
{
	return mmio_read32(DISK + off);
}

static void set(unsigned off, uint32_t val)
{
	mmio_write32(DISK + off, val);
}

static void look_around(void)
{
	const uint32_t version = reg(REG_VERSION);
	unsigned i;

	if (reg(REG_MAGIC) != 0x74726976 || reg(REG_DEVICE_ID) != ID_BLK ||
	    reg(REG_VENDOR) != VENDOR)
		fail("no disk in slot 0");
	for (i = 1; i < MAP_VIRTIO_SLOTS; i++) {
		const uint64_t at = DISK + i * MAP_VIRTIO_STRIDE;

		if (mmio_read32(at + REG_MAGIC) != 0x74726976 ||
		    mmio_read32(at + REG_VERSION) != version ||
		    mmio_read32(at + REG_DEVICE_ID) != 0)
			fail("slot %u is not empty", (uint64_t)i);
	}
	print("PASS found a disk of version %u and 31 empty slots\n",
	      (uint64_t)version);
}

static void set_queue(bool legacy)
{
	vq_sync(&queue, sizeof(queue));
	set(REG_QUEUE_SEL, 0);
	if (reg(REG_QUEUE_NUM_MAX) < RING)
		fail("the queue is too short");
	set(REG_QUEUE_NUM, RING);
	if (legacy) {
		set(REG_PAGE_SIZE, PAGE);
		set(REG_QUEUE_PFN, (uintptr_t)&queue / PAGE);
		return;
	}
	set(REG_QUEUE_DESC, (uintptr_t)queue.desc);
	set(REG_QUEUE_DESC + 4, 0);
	set(REG_QUEUE_AVAIL, (uintptr_t)&queue.avail);
	set(REG_QUEUE_AVAIL + 4, 0);
	set(REG_QUEUE_USED, (uintptr_t)&queue.used);
	set(REG_QUEUE_USED + 4, 0);
	set(REG_QUEUE_READY, 1);
	if (!reg(REG_QUEUE_READY))
		fail("the queue does not get ready");
}

static void start(void)
{
	const bool legacy = reg(REG_VERSION) == 1;

	set(REG_STATUS, 0);
	set(REG_STATUS, STATUS_ACK);
	set(REG_STATUS, STATUS_DRIVER);
	set(REG_DRIVER, reg(REG_FEATURES) & ~INDIRECT_EVENT);
	if (!legacy)
		set_queue(false);
	set(REG_STATUS, STATUS_DRIVER | STATUS_FEATURES_OK);
	if (!(reg(REG_STATUS) & STATUS_FEATURES_OK))
		fail("FEATURES_OK does not stick");
	set(REG_STATUS, STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
	if (legacy)
		set_queue(true);
}

static void on_irq(unsigned got)
{
	if (got == INTID) {
		set(REG_INT_ACK, reg(REG_INT_STATUS) & 3);
		vq_sync(&queue.used, sizeof(queue.used));
		while (seen != *(volatile uint16_t *)&queue.used.idx) {
			seen++;
			done = done + 1;
		}
	}
}

static void sleep_until(unsigned n)
{
	irq_off();
	while (done != n) {
		wfi();
		irq_on();
		isb();
		irq_off();
	}
}

static void transfer(bool write, uint64_t sector)
{
	static uint16_t idx;
	const unsigned before = done;
	const struct desc d[] = {
		{ (uintptr_t)&header, sizeof(header), DESC_NEXT, 1 },
		{ (uintptr_t)block, sizeof(block),
		  DESC_NEXT | (write ? 0 : DESC_WRITE), 2 },
		{ (uintptr_t)&status, 1, DESC_WRITE, 0 },
	};
	unsigned i;

	header.type = write;
	header.reserved = 0;
	header.sector = sector;
	status = 0xff;
	for (i = 0; i < 3; i++)
		queue.desc[i] = d[i];
	queue.avail.ring[idx % RING] = 0;
	vq_sync(&header, sizeof(header));
	vq_sync(&status, 1);
	vq_sync(block, sizeof(block));
	vq_sync(&queue, sizeof(queue.desc) + sizeof(queue.avail));
	queue.avail.idx = ++idx;
	vq_sync(&queue.avail, sizeof(queue.avail));
	set(REG_QUEUE_NOTIFY, 0);
	sleep_until(before + 1);
	vq_sync(&status, 1);
	vq_sync(block, sizeof(block));
	if (*(volatile uint8_t *)&status != 0)
		fail("a request failed");
}

int main(uint64_t fdt)
{
	unsigned i, k;

	(void)fdt;
	interrupt_hook = on_irq;
	look_around();
	start();
	gic_enable();
	gic_enable_intid(INTID);
	if (reg(REG_VERSION) != 1)
		mmio_write32(MAP_GICD_BASE + 0xc00 + INTID / 16 * 4,
			     2u << INTID % 16 * 2);
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < sizeof(block); k++)
			block[k] = i + k;
		transfer(true, 2 * (i % 50));
		for (k = 0; k < sizeof(block); k++)
			block[k] = 0xee;
		transfer(false, 2 * (i % 50));
		for (k = 0; k < sizeof(block); k++)
			if (block[k] != (uint8_t)(i + k))
				fail("other data came back");
	}
	pass("wrote and read blocks, each by its interrupt");
	return 0;
}
