/* SPDX-License-Identifier: MIT */
/*
 * A driver that breaks the rules of virtio from inside of a VM, one after the
 * other; a PASS line begins with the rule's row in the list of hostile input.
 *
 * Wants two CPUs, 64 MiB of RAM, two disks of at least a MiB, which it
 * overwrites, and the entropy device. The first disk is the victim. After each
 * case it must say that it needs a reset, with a configuration interrupt; the
 * other devices must work meanwhile; and after a reset, so must the victim.
 */
#include "guest/rt/virtio.h"

#define RAM_END (MAP_RAM_BASE + (64ull << 20))
#define SECTOR	512u
#define BIG	(1u << 20)

#define BLK_IN	   0u
#define BLK_OUT	   1u
#define INT_CONFIG 2u

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

static struct ring rings[3];
static struct vdev victim = { .ring = &rings[0] };
static struct vdev bystander = { .ring = &rings[1] };
static struct vdev rng = { .ring = &rings[2] };

static struct header header __attribute__((aligned(256)));
static uint8_t status[256] __attribute__((aligned(256)));
static uint8_t data[4096] __attribute__((aligned(4096)));
static struct desc table[16] __attribute__((aligned(256)));
static uint8_t *const big = (uint8_t *)(MAP_RAM_BASE + (32ull << 20));

static void fill(uint8_t *p, uint32_t len, uint8_t with)
{
	uint32_t i;

	vq_sync(p, len);
	for (i = 0; i < len; i++)
		((volatile uint8_t *)p)[i] = with;
	vq_sync(p, len);
}

static bool is_filled(const uint8_t *p, uint32_t len, uint8_t with)
{
	uint32_t i;

	vq_sync(p, len);
	for (i = 0; i < len; i++)
		if (((const volatile uint8_t *)p)[i] != with)
			return false;
	return true;
}

/* Descriptors 0 to 2: a request as it should be. */
static void blk_request(struct vdev *d, uint32_t type, uint8_t *p, uint32_t len)
{
	fill(status, 1, 0xee);
	vq_sync(&header, sizeof(header));
	header = (struct header){ .type = type, .sector = 1 };
	vq_sync(&header, sizeof(header));
	vdev_desc(d, 0, &header, sizeof(header), DESC_NEXT, 1);
	vdev_desc(d, 1, p, len, DESC_NEXT | (type ? 0 : DESC_WRITE), 2);
	vdev_desc(d, 2, status, 1, DESC_WRITE, 0);
}

static void blk_do(struct vdev *d, uint32_t type, uint32_t expected)
{
	uint32_t len;

	blk_request(d, type, data, SECTOR);
	vdev_offer(d, 0);
	vdev_notify(d, 0);
	len = vdev_wait(d);
	if (!is_filled(status, 1, 0))
		fail("a good request failed");
	if (len != expected)
		fail("used.len is %u, not %u", (uint64_t)len,
		     (uint64_t)expected);
}

/* A sector is written, and read back. */
static void check_disk(struct vdev *d)
{
	static uint8_t pattern;

	fill(data, SECTOR, ++pattern);
	blk_do(d, BLK_OUT, 1);
	fill(data, SECTOR, ~pattern);
	blk_do(d, BLK_IN, SECTOR + 1);
	if (!is_filled(data, SECTOR, pattern))
		fail("other data came back");
}

static void check_rng(void)
{
	fill(data, 64, 0);
	vdev_desc(&rng, 0, data, 64, DESC_WRITE, 0);
	vdev_offer(&rng, 0);
	vdev_notify(&rng, 0);
	if (vdev_wait(&rng) != 64 || is_filled(data, 64, 0))
		fail("the entropy device gives no bytes");
}

/* --- cases: each leaves something bad in the ring, for a notification --- */

static void far_ahead(void)
{
	victim.ring->avail.idx = 0x4000;
	vq_sync(&victim.ring->avail, sizeof(victim.ring->avail));
}

static void next_is_itself(void)
{
	vdev_desc(&victim, 0, &header, sizeof(header), DESC_NEXT, 0);
	vdev_offer(&victim, 0);
}

static void next_goes_back(void)
{
	vdev_desc(&victim, 2, status, 1, DESC_NEXT | DESC_WRITE, 1);
	vdev_offer(&victim, 0);
}

static void next_beyond(void)
{
	vdev_desc(&victim, 0, &header, sizeof(header), DESC_NEXT, RING);
	vdev_offer(&victim, 0);
}

static void next_far_beyond(void)
{
	vdev_desc(&victim, 0, &header, sizeof(header), DESC_NEXT, 0xffff);
	vdev_offer(&victim, 0);
}

static void head_beyond(void)
{
	vdev_offer(&victim, RING);
}

static void head_far_beyond(void)
{
	vdev_offer(&victim, 0xffff);
}

static void set_table(unsigned i, const void *addr, uint32_t len,
		      uint16_t flags, uint16_t next)
{
	vq_sync(table, sizeof(table));
	table[i] = (struct desc){ (uintptr_t)addr, len, flags, next };
	vq_sync(table, sizeof(table));
}

static void good_table(void)
{
	set_table(0, &header, sizeof(header), DESC_NEXT, 1);
	set_table(1, data, SECTOR, DESC_NEXT | DESC_WRITE, 2);
	set_table(2, status, 1, DESC_WRITE, 0);
}

static void offer_table(uint32_t len, uint16_t flags)
{
	vdev_desc(&victim, 0, table, len, DESC_INDIRECT | flags, 1);
	vdev_offer(&victim, 0);
}

static void table_in_table(void)
{
	/* A good request, were it not for the nesting. */
	set_table(0, &header, sizeof(header), DESC_NEXT, 1);
	set_table(1, &table[8], 2 * sizeof(struct desc), DESC_INDIRECT, 0);
	set_table(8, data, SECTOR, DESC_NEXT | DESC_WRITE, 1);
	set_table(9, status, 1, DESC_WRITE, 0);
	offer_table(2 * sizeof(struct desc), 0);
}

static void table_of_odd_length(void)
{
	good_table();
	offer_table(40, 0);
}

static void table_of_no_length(void)
{
	good_table();
	offer_table(0, 0);
}

static void table_huge(void)
{
	good_table();
	offer_table(0xfffffff0, 0);
}

static void table_beyond_queue_size(void)
{
	good_table();
	offer_table(16 * 1025, 0);
}

static void table_and_next(void)
{
	good_table();
	offer_table(48, DESC_NEXT);
}

static void table_loops(void)
{
	good_table();
	set_table(1, data, SECTOR, DESC_NEXT | DESC_WRITE, 1);
	offer_table(48, 0);
}

static void table_next_beyond(void)
{
	good_table();
	set_table(1, data, SECTOR, DESC_NEXT | DESC_WRITE, 3);
	offer_table(48, 0);
}

static void table_outside(void)
{
	vdev_desc(&victim, 0, (void *)MAP_VIRTIO_BASE, 48, DESC_INDIRECT, 0);
	vdev_offer(&victim, 0);
}

static void buffer(uint64_t addr, uint32_t len)
{
	vdev_desc(&victim, 1, (void *)addr, len, DESC_NEXT | DESC_WRITE, 2);
	vdev_offer(&victim, 0);
}

static void past_the_end(void)
{
	buffer(RAM_END - SECTOR, 2 * SECTOR);
}

static void before_the_start(void)
{
	buffer(MAP_RAM_BASE - SECTOR, 2 * SECTOR);
}

static void wrapping(void)
{
	buffer(-256ull, SECTOR);
}

static void in_a_hole(void)
{
	buffer(0x20000000, SECTOR);
}

static void longest(void)
{
	buffer(MAP_RAM_BASE, 0xffffffff);
}

static void empty(void)
{
	buffer((uintptr_t)data, 0);
}

static void own_registers(void)
{
	buffer(victim.base, MAP_VIRTIO_STRIDE);
}

static void notify_register(void)
{
	buffer(victim.base + REG_QUEUE_NOTIFY, SECTOR);
}

static void header_in_uart(void)
{
	vdev_desc(&victim, 0, (void *)MAP_UART_BASE, sizeof(header), DESC_NEXT,
		  1);
	vdev_offer(&victim, 0);
}

static void writable_first(void)
{
	vdev_desc(&victim, 1, data, SECTOR, DESC_NEXT | DESC_WRITE, 2);
	vdev_desc(&victim, 2, status, 1, 0, 0);
	vdev_offer(&victim, 0);
}

static void no_room_for_status(void)
{
	vdev_desc(&victim, 0, &header, sizeof(header), 0, 0);
	vdev_offer(&victim, 0);
}

static const struct breach {
	const char *row;
	void (*commit)(void);
} breaches[] = {
	{ "Q5 an index far ahead", far_ahead },
	{ "Q6 a chain whose next is itself", next_is_itself },
	{ "Q6 a chain that goes back", next_goes_back },
	{ "Q6 next beyond the table", next_beyond },
	{ "Q6 next far beyond the table", next_far_beyond },
	{ "Q6 a head beyond the table", head_beyond },
	{ "Q6 a head far beyond the table", head_far_beyond },
	{ "Q7 an indirect table in another", table_in_table },
	{ "Q7 an indirect table of odd length", table_of_odd_length },
	{ "Q7 an indirect table of no length", table_of_no_length },
	{ "Q7 an indirect table of 4 GiB", table_huge },
	{ "Q7 an indirect table longer than a queue", table_beyond_queue_size },
	{ "Q7 an indirect table with a next", table_and_next },
	{ "Q7 a loop in an indirect table", table_loops },
	{ "Q7 next beyond an indirect table", table_next_beyond },
	{ "Q7 an indirect table outside of RAM", table_outside },
	{ "Q8 a buffer past the end of RAM", past_the_end },
	{ "Q8 a buffer from before RAM", before_the_start },
	{ "Q8 a buffer that wraps", wrapping },
	{ "Q8 a buffer in a hole", in_a_hole },
	{ "Q8 a buffer of 4 GiB", longest },
	{ "Q8 an empty buffer", empty },
	{ "Q11 a buffer in the device's own registers", own_registers },
	{ "Q11 a buffer in its notification register", notify_register },
	{ "Q10 a header in the UART", header_in_uart },
	{ "Q10 readable after writable", writable_first },
	{ "Q10 no room for a status", no_room_for_status },
};

static void check_breach(const struct breach *b)
{
	vdev_start(&victim, F_INDIRECT);
	blk_request(&victim, BLK_IN, data, SECTOR);
	b->commit();
	vdev_notify(&victim, 0);
	while (!vdev_needs_reset(&victim))
		if (vdev_used(&victim, 1))
			fail("%s was served", b->row);
	/* It comes after the status; if it never does, the VM times out. */
	while (!(vdev_read(&victim, REG_INT_STATUS) & INT_CONFIG))
		;
	check_disk(&bystander);
	check_rng();
	vdev_start(&victim, F_INDIRECT);
	if (vdev_needs_reset(&victim))
		fail("%s: a reset does not help", b->row);
	check_disk(&victim);
	pass(b->row);
}

/* --- what is ignored, or answered ------------------------------------------ */

static void check_numbers(void)
{
	static const uint32_t numbers[] = { 1, 2, 64, 255, 0xffff, 0xffffffff };
	unsigned i;

	vdev_start(&victim, 0);
	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		vdev_notify(&victim, numbers[i]);
		vdev_write(&victim, REG_QUEUE_SEL, numbers[i]);
		if (vdev_read(&victim, REG_QUEUE_NUM_MAX) ||
		    vdev_read(&victim, REG_QUEUE_READY))
			fail("there is a queue %u", (uint64_t)numbers[i]);
		vdev_write(&victim, REG_QUEUE_NUM, RING);
		vdev_write64(&victim, REG_QUEUE_DESC, MAP_RAM_BASE);
		vdev_write(&victim, REG_QUEUE_READY, 1);
		vdev_write(&victim, REG_QUEUE_READY, 0);
	}
	check_disk(&victim);
	pass("Q1 queues that do not exist are ignored");
}

static void check_late_changes(void)
{
	vdev_start(&victim, 0);
	vdev_write(&victim, REG_QUEUE_NUM, 2);
	vdev_write64(&victim, REG_QUEUE_DESC, 0);
	vdev_write64(&victim, REG_QUEUE_AVAIL, -2ull);
	vdev_write64(&victim, REG_QUEUE_USED, MAP_VIRTIO_BASE);
	vdev_write(&victim, REG_QUEUE_READY, 1);
	vdev_write(&victim, REG_DRIVER, 0xffffffff);
	check_disk(&victim);
	pass("Q3 size and addresses are settled once the driver is ready");
}

/* It is answered once or twice, or the device gives up; nothing in between. */
static void check_same_head(void)
{
	vdev_start(&victim, 0);
	blk_request(&victim, BLK_IN, data, SECTOR);
	vdev_offer(&victim, 0);
	vdev_offer(&victim, 0);
	vdev_notify(&victim, 0);
	while (!vdev_used(&victim, 2) && !vdev_needs_reset(&victim))
		;
	vdev_start(&victim, 0);
	check_disk(&victim);
	pass("Q4 a head that is made available twice");
}

static void check_used_len(void)
{
	vdev_start(&victim, 0);
	blk_request(&victim, 0x7777, data, SECTOR);
	vdev_desc(&victim, 1, data, SECTOR, DESC_NEXT | DESC_WRITE, 2);
	vdev_offer(&victim, 0);
	vdev_notify(&victim, 0);
	if (vdev_wait(&victim) != 1 || !is_filled(status, 1, 2))
		fail("an unknown request was not refused");
	check_disk(&victim);
	pass("Q12 used.len is what was written");
}

/* After the reset nothing arrives any more. */
static void check_reset_in_flight(void)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		vdev_start(&victim, 0);
		blk_request(&victim, BLK_IN, big, BIG - 2 * SECTOR);
		vdev_offer(&victim, 0);
		vdev_notify(&victim, 0);
		vdev_write(&victim, REG_STATUS, 0);
		fill(big, 4096, 0x5a);
		vdev_start(&victim, 0);
		check_disk(&victim);
		if (!is_filled(big, 4096, 0x5a))
			fail("a request outlived the reset");
	}
	pass("Q13 a reset waits for the request in flight");
}

static void check_config(void)
{
	unsigned off;

	for (off = 0x80; off < 0x100; off += 4) {
		vdev_write(&victim, REG_CONFIG + off, 0xffffffff);
		if (vdev_read(&victim, REG_CONFIG + off))
			fail("there is something at %x of the configuration",
			     (uint64_t)off);
	}
	pass("P2 the configuration past its end reads as zero");
}

static volatile bool flipping;

/* The other CPU, which changes all that the device is looking at. */
void secondary_main(uint64_t n)
{
	static const uint64_t addrs[] = { 0, -1ull, MAP_RAM_BASE, RAM_END - 256,
					  MAP_VIRTIO_BASE };
	volatile struct desc *d = victim.ring->desc;
	unsigned i = 0;

	(void)n;
	while (flipping) {
		i++;
		d[i % 3].len = i % 7 ? SECTOR : -i;
		d[i % 3].next = i % 11;
		d[i % 3].flags = i % 8;
		d[i % 3].addr = i % 4 ? (uintptr_t)data : addrs[i % 5];
		header.type = i % 16;
		header.sector = i % 3 ? i : -1ull;
		victim.ring->avail.ring[i % RING] = i % (RING + 1);
	}
	mmio_write32(RAM_END - 8, 1);
}

static void check_second_thread(void)
{
	unsigned i, resets = 0;

	mmio_write32(RAM_END - 8, 0);
	flipping = true;
	if (psci_cpu_on(1))
		fail("there is no second CPU");
	for (i = 0; i < 100; i++) {
		vdev_start(&victim, F_INDIRECT);
		blk_request(&victim, BLK_IN, data, SECTOR);
		vdev_offer(&victim, 0);
		vdev_notify(&victim, 0);
		while (!vdev_used(&victim, 1) && !vdev_needs_reset(&victim))
			;
		resets += vdev_needs_reset(&victim);
	}
	flipping = false;
	while (!mmio_read32(RAM_END - 8))
		;
	print("%u of 100 ended in a reset\n", (uint64_t)resets);
	vdev_start(&victim, F_INDIRECT);
	check_disk(&victim);
	check_disk(&bystander);
	pass("Q9 a second CPU changes what the device looks at");
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	victim.base = vdev_find(ID_BLK, 0);
	bystander.base = vdev_find(ID_BLK, 1);
	rng.base = vdev_find(ID_RNG, 0);
	if (!victim.base || !bystander.base || !rng.base)
		fail("a device is missing");
	vdev_start(&bystander, 0);
	vdev_start(&rng, 0);
	check_numbers();
	check_late_changes();
	check_same_head();
	for (i = 0; i < ARRAY_LEN(breaches); i++)
		check_breach(&breaches[i]);
	check_used_len();
	check_reset_in_flight();
	check_config();
	check_second_thread();
	return 0;
}
