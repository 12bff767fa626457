/* SPDX-License-Identifier: MIT */
/*
 * Asks for as much work of the VMM's as one request, or one register, can, and
 * again without end. By what the machine has: with a balloon, its queue full of
 * pages; with several CPUs, crashes told through pvpanic by all of them; with a
 * virtio console, one chain of 2^32 - 1 newlines; else newlines on the UART.
 * Wants 128 MiB of RAM.
 */
#include "guest/rt/virtio.h"

#define ID_CONSOLE   3
#define ID_BALLOON   5
#define CRASH_LOADED 2
#define MEMORY	     (MAP_RAM_BASE + (64ull << 20))
#define SIZE	     (64u << 20)

static struct ring ring;
static struct vdev dev = { .ring = &ring };
static struct desc table[64] __attribute__((aligned(4096)));

static void fill(uint64_t at, uint64_t len, uint64_t val)
{
	uint64_t i;

	for (i = 0; i < len; i += 8)
		*(volatile uint64_t *)(at + i) = val;
	vq_sync((void *)at, len);
}

/* All that the ring holds, and what comes back at once again. */
static _Noreturn void offer_for_ever(unsigned q)
{
	unsigned i;

	print("flooding\n");
	for (i = 0; i < RING; i++)
		vdev_offer(&dev, i);
	for (;;) {
		vdev_notify(&dev, q);
		while (vdev_used(&dev, 1)) {
			vdev_offer(&dev, ring.used.ring[dev.seen % RING].id);
			dev.seen++;
		}
	}
}

/* Each of the 4 MiB at MEMORY says which page the balloon gets: the same. */
static void flood_balloon(void)
{
	const uint64_t page = (MEMORY + SIZE / 2) >> 12;
	unsigned i;

	fill(MEMORY, 4u << 20, page << 32 | page);
	vdev_negotiate(&dev, F_VERSION);
	vdev_queue(&dev, 0);
	vdev_go(&dev);
	for (i = 0; i < RING; i++)
		vdev_desc(&dev, i, (void *)MEMORY, 4u << 20, 0, 0);
	offer_for_ever(0);
}

static _Noreturn void crash_for_ever(void)
{
	for (;;)
		mmio_write8(MAP_PVPANIC_BASE, CRASH_LOADED);
}

void secondary_main(uint64_t n)
{
	(void)n;
	crash_for_ever();
}

static void flood_console(void)
{
	unsigned i;

	fill(MEMORY, SIZE, 0x0a0a0a0a0a0a0a0aull);
	for (i = 0; i < 64; i++)
		table[i] = (struct desc){ MEMORY, SIZE, i < 63 ? DESC_NEXT : 0,
					  i + 1 };
	table[63].len--;
	vq_sync(table, sizeof(table));
	vdev_negotiate(&dev, F_INDIRECT | F_VERSION);
	vdev_queue(&dev, 1);
	vdev_go(&dev);
	for (i = 0; i < RING; i++)
		vdev_desc(&dev, i, table, sizeof(table), DESC_INDIRECT, 0);
	offer_for_ever(1);
}

int main(uint64_t fdt)
{
	unsigned n;

	(void)fdt;
	dev.base = vdev_find(ID_BALLOON, 0);
	if (dev.base)
		flood_balloon();
	for (n = 1; psci_cpu_on(n) == 0; n++)
		;
	if (n > 1) {
		print("flooding\n");
		crash_for_ever();
	}
	dev.base = vdev_find(ID_CONSOLE, 0);
	if (dev.base)
		flood_console();
	print("flooding\n");
	for (;;)
		mmio_write32(MAP_UART_BASE, '\n');
}
