/* SPDX-License-Identifier: MIT */
/*
 * The balloon under a driver that gives any memory, its own or not, and takes it
 * back, on hosts with small and large pages.
 *
 * The oracle: memory that was never in the balloon keeps what is in it.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/balloon.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

/* The last quarter of RAM is what the driver gives; rings and lists are not. */
#define FIRST (RAM_SIZE / 4096 * 3 / 4)
#define PAGES (RAM_SIZE / 4096 - FIRST)
#define LISTS (DATA + 0x10000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool given[PAGES]; /* since the start; what it holds is not known */

static uint32_t word(void)
{
	uint32_t v = byte();

	v = v << 8 | byte();
	v = v << 8 | byte();
	return v << 8 | byte();
}

static uint8_t *page(const struct rig *r, unsigned i)
{
	return r->ram + (FIRST + i) * 4096ull;
}

/* A list of pages, some of them none of ours, as one buffer or two. */
static void list(struct rig *r, unsigned q)
{
	unsigned n = byte() % 64, i, cut = byte();
	uint32_t *pfn = rig_at(r, LISTS);

	for (i = 0; i < n; i++) {
		unsigned b = byte(), p = b % PAGES;

		pfn[i] = RAM / 4096 + FIRST + p;
		if (b < 0xf0)
			given[p] = true;
		else
			pfn[i] = word() | 0x80000000;
	}
	cut = cut < n * 4 ? cut : 0;
	rig_desc(r, q, 0, LISTS, cut ? cut : n * 4 + 1, cut ? N : 0, 1);
	rig_desc(r, q, 1, LISTS + cut, n * 4 - cut, 0, 0);
	rig_send(r, q, 0);
}

static void report(struct rig *r)
{
	unsigned first = byte() % PAGES, n = 1 + byte() % (PAGES - first), i;
	unsigned off = byte() & 1 ? 0x80 : 0;

	for (i = first; i < first + n; i++)
		given[i] = true;
	rig_desc(r, 3, 0, RAM + (FIRST + first) * 4096ull + off, n * 4096 - off,
		 W, 0);
	rig_send(r, 3 + (byte() & 1), 0);
}

static void stats(struct rig *r)
{
	uint8_t *p = rig_at(r, LISTS);
	unsigned n = byte(), i;

	for (i = 0; i < n; i++)
		p[i] = byte();
	rig_desc(r, 2, n & 1, LISTS, n + 1, 0, 0);
	rig_send(r, 2, n & 1);
}

static void told(void *ctx)
{
	++*(unsigned *)ctx;
}

static void host(struct rig *r)
{
	static unsigned answers;
	struct balloon_stats s;

	virtio_balloon_set(r->v, word());
	virtio_balloon_stats(r->v, &s);
	CHECK(!(s.target % 4096));
	virtio_balloon_ask(r->v, byte() & 1 ? told : NULL, &answers);
}

static void step(struct rig *r)
{
	switch (byte() % 8) {
	case 0:
	case 1:
		list(r, 0);
		break;
	case 2:
		list(r, 1);
		break;
	case 3:
		report(r);
		break;
	case 4:
		stats(r);
		break;
	case 5:
		host(r);
		break;
	case 6:
		rig_set(r, VIRTIO_MMIO_QUEUE_SEL, byte() % 5);
		rig_set(r, QUEUE_RESET, byte() < 0x20);
		break;
	default:
		if (byte() < 0x40)
			rig_start(r, rig_offered(r) & ~(uint64_t)byte());
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig r;
	unsigned i, first;

	take_input(data, size);
	first = byte();
	rig_over_pci = first & 1;
	rig_ram(&r);
	rig_plug(&r, virtio_balloon_new(&r.m, first & 2 ? 65536 : 4096));
	rig_start(&r, rig_offered(&r));
	for (i = 0; i < PAGES; i++) {
		memset(page(&r, i), 1 + i, 4096);
		given[i] = false;
	}
	while (next < end)
		step(&r);
	for (i = 0; i < PAGES; i++)
		if (!given[i])
			CHECK(page(&r, i)[0] == (uint8_t)(1 + i) &&
			      page(&r, i)[4095] == (uint8_t)(1 + i));
	rig_start(&r, 0);
	CHECK(rig_get(&r, VIRTIO_MMIO_STATUS) == 15);
	rig_free(&r);
	return 0;
}
