/* SPDX-License-Identifier: MIT */
#include "devices/cfi_flash.h"

#include <errno.h>

#include "tests/unit/test.h"

#define SIZE  (4 * CFI_FLASH_BLOCK)
#define BOTH  0x00010001u /* a byte on the low half of each chip's bus */
#define READY (0x80 * BOTH)

static uint8_t *mem;
static bool array, fail, empty;
static unsigned changes, stores;

static int store(void *ctx, uint64_t off, const void *buf, size_t len)
{
	(void)ctx;
	OK(len <= SIZE && off <= SIZE - len);
	if (fail)
		return -ENOSPC;
	memcpy(mem + off, buf, len);
	empty = false;
	stores++;
	return 0;
}

static const uint8_t *contents(void *ctx)
{
	(void)ctx;
	return empty ? NULL : mem;
}

static void on_array(void *ctx, bool on)
{
	(void)ctx;
	NE(array, on);
	array = on;
	changes++;
}

static struct device *dev;

static void make(bool writable)
{
	struct cfi_flash_host host = {
		.mem = contents,
		.store = writable ? store : NULL,
		.array = on_array,
	};
	unsigned i;

	mem = test_room(SIZE);
	for (i = 0; i < SIZE; i++)
		mem[i] = i * 7 + (i >> 12);
	array = true;
	fail = false;
	changes = stores = 0;
	dev = cfi_flash_new(&host, SIZE);
	OK(dev);
}

static void unmake(void)
{
	dev->ops->free(dev);
}

static uint64_t get(uint64_t off, unsigned size)
{
	return dev->ops->read(dev, off, size);
}

static void put(uint64_t off, uint32_t val)
{
	dev->ops->write(dev, off, 4, val);
}

/* A command to both chips, as drivers give it. */
static void cmd(uint64_t off, uint8_t c)
{
	put(off, c * BOTH);
}

static uint32_t word_at(uint64_t off)
{
	uint32_t v;

	memcpy(&v, mem + off, sizeof(v));
	return v;
}

static void erase(uint64_t off)
{
	cmd(off, 0x20);
	cmd(off, 0xd0);
}

/* A buffer of @n words from @off, each @val; only the last word is not given. */
static void begin_buffer(uint64_t off, unsigned n, uint32_t val)
{
	unsigned i;

	cmd(off, 0xe8);
	EQ(get(off, 4), READY);
	put(off, (n - 1) * BOTH);
	for (i = 0; i < n; i++)
		put(off + 4 * i, val);
}

/* --- what reads give --- */

TEST(it_begins_as_memory_and_every_width_reads_it)
{
	make(true);
	EQ(get(5, 1), mem[5]);
	EQ(get(6, 2), mem[6] | mem[7] << 8);
	EQ(get(0x1000, 4), word_at(0x1000));
	EQ(get(SIZE - 8, 8), word_at(SIZE - 8) | (uint64_t)word_at(SIZE - 4)
							 << 32);
	EQ(changes, 0);
	unmake();
}

TEST(the_query_says_intels_commands_and_the_banks_geometry)
{
	make(true);
	cmd(0x55 * 4, 0x98);
	EQ(get(0x10 * 4, 4), 'Q' * BOTH);
	EQ(get(0x11 * 4, 4), 'R' * BOTH);
	EQ(get(0x12 * 4, 4), 'Y' * BOTH);
	EQ(get(0x13 * 4, 2), 0x0001);
	EQ(get(0x27 * 4, 2), 19); /* 512 KiB a chip */
	EQ(get(0x2a * 4, 2), 11); /* 2 KiB of buffer a chip */
	EQ(get(0x2d * 4, 2), 3);  /* four blocks */
	EQ(get(0x2e * 4, 2), 0);
	EQ(get(0x2f * 4, 2), 0x00); /* of 0x200 * 256 bytes a chip */
	EQ(get(0x30 * 4, 2), 0x02);
	EQ(get(0x31 * 4, 4), 'P' * BOTH);
	EQ(get(0x1000 * 4, 4), 0);
	cmd(0, 0xff);
	EQ(get(0x40, 4), word_at(0x40));
	unmake();
}

TEST(the_identifier_is_that_of_qemus_chips_and_no_block_is_locked)
{
	make(true);
	cmd(0, 0x90);
	EQ(get(0, 4), 0x89 * BOTH);
	EQ(get(4, 4), 0x18 * BOTH);
	EQ(get(CFI_FLASH_BLOCK + 8, 4), 0);
	unmake();
}

TEST(the_status_stands_in_each_chips_low_byte_whatever_the_width)
{
	make(true);
	cmd(0, 0x70);
	EQ(get(0x100, 4), READY);
	EQ(get(0x100, 2), 0x80);
	EQ(get(0x102, 2), 0x80);
	EQ(get(0x101, 1), 0);
	EQ(get(0x101, 2), 0x8000);
	EQ(get(0x100, 8), READY | (uint64_t)READY << 32);
	unmake();
}

TEST(the_board_hears_once_a_sequence_that_the_contents_go_and_come)
{
	make(true);
	begin_buffer(0, 32, 0);
	EQ(changes, 1);
	EQ(array, false);
	cmd(0, 0xd0);
	cmd(0, 0x70);
	EQ(get(0, 4), READY);
	EQ(changes, 1);
	cmd(0, 0x50);
	EQ(changes, 2);
	EQ(array, true);
	cmd(0, 0xff);
	EQ(changes, 2);
	unmake();
}

/* --- programming --- */

TEST(a_word_is_programmed_by_clearing_bits_only)
{
	uint32_t old;

	make(true);
	old = word_at(0x2000);
	cmd(0x2000, 0x40);
	put(0x2000, 0x0ff0f00f);
	EQ(word_at(0x2000), old & 0x0ff0f00f);
	EQ(get(0x2000, 4), READY);
	cmd(0x2000, 0x10);
	dev->ops->write(dev, 0x2002, 1, 0);
	EQ(word_at(0x2000), old & 0x0f00f00f);
	cmd(0, 0xff);
	EQ(get(0x2000, 4), old & 0x0f00f00f);
	unmake();
}

TEST(a_buffer_is_programmed_when_it_is_confirmed_and_in_one_piece)
{
	uint8_t was[SIZE];

	make(true);
	memcpy(was, mem, SIZE);
	begin_buffer(0x3080, 32, 0x01020304);
	MEM_EQ(mem, was, SIZE);
	cmd(0, 0xd0); /* EDK2 confirms at the bank's beginning */
	EQ(stores, 1);
	EQ(word_at(0x3080), *(uint32_t *)(was + 0x3080) & 0x01020304);
	EQ(word_at(0x30fc), *(uint32_t *)(was + 0x30fc) & 0x01020304);
	MEM_EQ(mem, was, 0x3080);
	MEM_EQ(mem + 0x3100, was + 0x3100, SIZE - 0x3100);
	EQ(get(0, 4), READY);
	unmake();
}

TEST(a_whole_buffer_of_four_kib_is_taken_and_no_word_more)
{
	make(true);
	erase(0);
	begin_buffer(0x1000, CFI_FLASH_BUFFER / 4, 0x12345678);
	cmd(0x1000, 0xd0);
	EQ(word_at(0x1000), 0x12345678);
	EQ(word_at(0x1ffc), 0x12345678);
	EQ(word_at(0x2000), 0xffffffff);
	cmd(0, 0xe8);
	put(0, CFI_FLASH_BUFFER / 4 * BOTH);
	EQ(get(0, 4), 0xb0 * BOTH);
	unmake();
}

TEST(words_outside_of_the_buffers_range_are_a_mistake_in_the_sequence)
{
	make(true);
	cmd(0x1ff8, 0xe8);
	put(0x1ff8, 3 * BOTH);
	put(0x1ff8, 0);
	put(0x1ffc, 0);
	put(0x2000, 0);
	EQ(get(0, 4), 0xb0 * BOTH);
	EQ(stores, 0);
	/* It has ended with that: this is a command again. */
	cmd(0, 0x90);
	EQ(get(0, 4), 0x89 * BOTH);
	unmake();
}

TEST(a_buffer_that_is_not_confirmed_is_dropped)
{
	make(true);
	begin_buffer(0, 4, 0);
	cmd(0, 0x70);
	EQ(stores, 0);
	EQ(get(0, 4), 0xb0 * BOTH);
	cmd(0, 0x50);
	begin_buffer(0, 4, 0);
	cmd(0, 0xff);
	EQ(stores, 0);
	EQ(array, true);
	cmd(0, 0x70);
	EQ(get(0, 4), READY);
	unmake();
}

TEST(an_access_of_eight_bytes_is_two_cycles)
{
	make(true);
	erase(0);
	cmd(0, 0xe8);
	put(0, BOTH);
	dev->ops->write(dev, 0, 8, 0x1122334455667788);
	cmd(0, 0xd0);
	EQ(word_at(0), 0x55667788);
	EQ(word_at(4), 0x11223344);
	unmake();
}

/* --- erasing --- */

TEST(an_erase_takes_the_block_and_nothing_beside_it)
{
	uint8_t before, after;
	unsigned i;

	make(true);
	before = mem[CFI_FLASH_BLOCK - 1];
	after = mem[2 * CFI_FLASH_BLOCK];
	erase(CFI_FLASH_BLOCK + 0x1234 * 4);
	for (i = CFI_FLASH_BLOCK; i < 2 * CFI_FLASH_BLOCK; i++)
		EQ(mem[i], 0xff);
	EQ(mem[CFI_FLASH_BLOCK - 1], before);
	EQ(mem[2 * CFI_FLASH_BLOCK], after);
	EQ(get(0, 4), READY);
	unmake();
}

TEST(the_last_block_is_erased_to_the_end_of_the_bank)
{
	make(true);
	erase(SIZE - 4);
	EQ(mem[SIZE - 1], 0xff);
	EQ(mem[SIZE - CFI_FLASH_BLOCK], 0xff);
	unmake();
}

TEST(an_erase_without_its_confirmation_erases_nothing)
{
	make(true);
	cmd(0, 0x20);
	cmd(0, 0x70);
	EQ(get(0, 4), 0xb0 * BOTH);
	cmd(0, 0x50);
	cmd(0, 0x20);
	cmd(0, 0xff);
	EQ(array, true);
	EQ(stores, 0);
	unmake();
}

/* --- the rest --- */

TEST(locks_are_accepted_and_lock_nothing)
{
	static const uint8_t kind[] = { 0x01, 0xd0, 0x2f };
	unsigned i;

	make(true);
	for (i = 0; i < sizeof(kind); i++) {
		cmd(0, 0x60);
		cmd(0, kind[i]);
		EQ(get(0, 4), READY);
	}
	erase(0);
	EQ(mem[0], 0xff);
	unmake();
}

TEST(what_is_no_kind_of_lock_is_a_mistake_in_the_sequence)
{
	make(true);
	cmd(0, 0x60);
	cmd(0, 0x20);
	EQ(get(0, 4), 0xb0 * BOTH);
	/* The next one is a command again. */
	cmd(0, 0xd0);
	NE(mem[0], 0xff);
	cmd(0, 0x60);
	cmd(0, 0xff);
	EQ(get(0, 1), mem[0]);
	unmake();
}

TEST(a_write_protected_bank_says_so_and_stays_as_it_is)
{
	uint8_t was[SIZE];

	make(false);
	memcpy(was, mem, SIZE);
	cmd(0, 0x40);
	put(0, 0);
	EQ(get(0, 4), 0x92 * BOTH);
	cmd(0, 0x50);
	erase(0);
	EQ(get(0, 4), 0xa2 * BOTH);
	cmd(0, 0x50);
	begin_buffer(0, 2, 0);
	cmd(0, 0xd0);
	EQ(get(0, 4), 0x92 * BOTH);
	MEM_EQ(mem, was, SIZE);
	unmake();
}

TEST(what_the_host_cannot_store_is_an_error_that_stays_until_cleared)
{
	make(true);
	fail = true;
	cmd(0, 0x40);
	put(0, 0);
	EQ(get(0, 4), 0x90 * BOTH);
	erase(0);
	EQ(get(0, 4), 0xb0 * BOTH);
	fail = false;
	cmd(0, 0x40);
	put(0, 0);
	EQ(get(0, 4), 0xb0 * BOTH);
	EQ(word_at(0), 0);
	cmd(0, 0x50);
	cmd(0, 0x70);
	EQ(get(0, 4), READY);
	unmake();
}

TEST(a_reset_in_the_middle_of_a_sequence_gives_the_contents_back)
{
	make(true);
	begin_buffer(0x40, 8, 0);
	dev->ops->reset(dev);
	EQ(array, true);
	EQ(get(0x40, 4), word_at(0x40));
	cmd(0, 0xd0);
	EQ(stores, 0);
	unmake();
}

TEST(a_bank_without_memory_reads_as_erased_until_something_is_stored)
{
	make(true);
	memset(mem, 0xff, SIZE);
	empty = true;
	EQ(get(0, 8), ~0ull);
	EQ(get(SIZE - 1, 1), 0xff);
	cmd(0, 0x98);
	EQ(get(0x40, 4), 'Q' * BOTH);
	cmd(0, 0xff);
	EQ(get(0x40, 4), 0xffffffff);
	EQ(stores, 0);
	cmd(8, 0x40);
	put(8, 0x12345678);
	cmd(0, 0xff);
	EQ(get(8, 8), 0xffffffff12345678);
	unmake();
}

TEST(probes_for_other_chips_leave_the_contents)
{
	static const uint8_t probes[] = { 0x00, 0xf0, 0xff, 0xaa, 0x55, 0xd0 };
	unsigned i;

	make(true);
	for (i = 0; i < sizeof(probes); i++) {
		cmd(0x555 * 4, probes[i]);
		EQ(get(0x40, 4), word_at(0x40));
	}
	EQ(changes, 0);
	unmake();
}
