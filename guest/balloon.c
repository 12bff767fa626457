/* SPDX-License-Identifier: MIT */
/*
 * Touches 8 MiB of memory, and does without as much of it as the balloon asks
 * for, page by page; says when it has got there. What comes back must be zeroed.
 * Answers requests for statistics. A q on the UART ends it. Wants 128 MiB of RAM.
 */
#include "guest/rt/virtio.h"

#define ID_BALLOON  5
#define INFLATE	    0
#define DEFLATE	    1
#define STATS	    2
#define F_TELL_HOST (1ull << 0) /* before a page is taken out */
#define F_STATS	    (1ull << 1)
#define MEMFREE	    4u
#define MEMTOT	    5u
#define NUM_PAGES   REG_CONFIG
#define ACTUAL	    (REG_CONFIG + 4)
#define PAGE	    4096u
#define PAGES	    2048u
#define LIST	    256u
#define MEMORY	    ((uint8_t *)(MAP_RAM_BASE + (64ull << 20)))
#define UARTDR	    0x00
#define UARTFR	    0x18
#define RXFE	    (1u << 4)

static struct ring rings[3];
static struct vdev queue[3] = {
	{ .ring = &rings[INFLATE] },
	{ .ring = &rings[DEFLATE] },
	{ .ring = &rings[STATS] },
};
static uint32_t list[LIST] __attribute__((aligned(256)));
static struct {
	uint16_t tag;
	uint64_t val;
} __attribute__((packed)) stats[2] __attribute__((aligned(256)));
static uint32_t actual;

static void touch(unsigned from, unsigned to)
{
	for (; from < to; from++)
		*(volatile uint32_t *)(MEMORY + (uint64_t)from * PAGE) = ~from;
}

static void check_zeroed(unsigned from, unsigned to)
{
	for (; from < to; from++) {
		vq_sync(MEMORY + (uint64_t)from * PAGE, 16);
		if (*(volatile uint32_t *)(MEMORY + (uint64_t)from * PAGE))
			fail("page %u came back as it was", (uint64_t)from);
	}
}

/* The balloon gets the pages up to @to, or those from it on come out. */
static void set(uint32_t to)
{
	const unsigned q = to > actual ? INFLATE : DEFLATE;

	while (actual != to) {
		uint32_t n = q == INFLATE ? to - actual : actual - to, i;
		uint32_t first;

		if (n > LIST)
			n = LIST;
		first = q == INFLATE ? actual : actual - n;
		vq_sync(list, sizeof(list));
		for (i = 0; i < n; i++)
			((volatile uint32_t *)list)[i] =
				((uintptr_t)MEMORY / PAGE) + first + i;
		vq_sync(list, sizeof(list));
		vdev_desc(&queue[q], 0, list, n * 4, 0, 0);
		vdev_offer(&queue[q], 0);
		vdev_notify(&queue[q], q);
		vdev_wait(&queue[q]);
		if (q == DEFLATE) {
			check_zeroed(first, first + n);
			touch(first, first + n);
		}
		actual = q == INFLATE ? actual + n : first;
	}
	vdev_write(&queue[0], ACTUAL, actual);
	print("without %u pages\n", (uint64_t)actual);
}

static void offer_stats(void)
{
	vq_sync(stats, sizeof(stats));
	stats[0].tag = MEMFREE;
	stats[0].val = (uint64_t)(PAGES - actual) * PAGE;
	stats[1].tag = MEMTOT;
	stats[1].val = (uint64_t)PAGES * PAGE;
	vq_sync(stats, sizeof(stats));
	vdev_desc(&queue[STATS], 0, stats, sizeof(stats), 0, 0);
	vdev_offer(&queue[STATS], 0);
	vdev_notify(&queue[STATS], STATS);
}

static bool told_to_quit(void)
{
	return !(mmio_read32(MAP_UART_BASE + UARTFR) & RXFE) &&
	       (mmio_read32(MAP_UART_BASE + UARTDR) & 0xff) == 'q';
}

int main(uint64_t fdt)
{
	uint32_t target;
	unsigned q;

	(void)fdt;
	for (q = 0; q < 3; q++)
		queue[q].base = vdev_find(ID_BALLOON, 0);
	if (!queue[0].base)
		fail("there is no balloon");
	nap_init();
	vdev_negotiate(&queue[0], F_VERSION | F_STATS | F_TELL_HOST);
	for (q = 0; q < 3; q++)
		vdev_queue(&queue[q], q);
	vdev_go(&queue[0]);
	touch(0, PAGES);
	offer_stats();
	print("ready\n");
	while (!told_to_quit()) {
		target = vdev_read(&queue[0], NUM_PAGES);
		if (target > PAGES)
			target = PAGES;
		if (target != actual)
			set(target);
		if (vdev_used(&queue[STATS], 1)) {
			queue[STATS].seen++;
			offer_stats();
		}
		nap(10);
	}
	pass("the balloon is let go");
	return 0;
}
