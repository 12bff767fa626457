/* SPDX-License-Identifier: MIT */
#include "core/gmem.h"

#include <errno.h>

#include "tests/unit/test.h"

#define BASE 0x40000000ull

/* Two banks that touch, a hole, and a third that ends at the last page. */
#define SIZE 0x1000ull
#define TOP  (UINT64_MAX - 2 * SIZE + 1)

static uint8_t low[SIZE], high[SIZE], top[SIZE];

static struct gmem *banks(void)
{
	static struct gmem m;

	EQ(gmem_add(&m, BASE + SIZE, SIZE, high), 0);
	EQ(gmem_add(&m, BASE, SIZE, low), 0);
	EQ(gmem_add(&m, TOP, SIZE, top), 0);
	return &m;
}

TEST(a_bank_that_is_empty_or_wraps_is_refused)
{
	struct gmem m = { 0 };

	EQ(gmem_add(&m, BASE, 0, low), -EINVAL);
	EQ(gmem_add(&m, UINT64_MAX - 1, 4, low), -EINVAL);
	EQ(gmem_add(&m, 1, UINT64_MAX, low), -EINVAL);
	EQ(m.nbanks, 0);
}

TEST(banks_that_overlap_are_refused_and_those_that_touch_are_not)
{
	struct gmem m = { 0 };

	EQ(gmem_add(&m, BASE, SIZE, low), 0);
	EQ(gmem_add(&m, BASE, SIZE, high), -EINVAL);
	EQ(gmem_add(&m, BASE + SIZE - 1, SIZE, high), -EINVAL);
	EQ(gmem_add(&m, BASE - SIZE + 1, SIZE, high), -EINVAL);
	EQ(gmem_add(&m, BASE - 1, SIZE + 2, high), -EINVAL);
	EQ(gmem_add(&m, BASE + 8, 8, high), -EINVAL);
	EQ(gmem_add(&m, BASE + SIZE, SIZE, high), 0);
	EQ(gmem_add(&m, BASE - SIZE, SIZE, top), 0);
}

TEST(one_bank_too_many_is_refused)
{
	struct gmem m = { 0 };
	unsigned i;

	for (i = 0; i < GMEM_BANKS; i++)
		EQ(gmem_add(&m, BASE + i * SIZE, SIZE, low), 0);
	EQ(gmem_add(&m, BASE + i * SIZE, SIZE, low), -ENOSPC);
}

TEST(what_is_written_is_read_back)
{
	struct gmem *m = banks();
	char buf[6] = "";

	EQ(gmem_write(m, BASE + 10, "hello", 6), 0);
	EQ(gmem_read(m, BASE + 10, buf, 6), 0);
	STR_EQ(buf, "hello");
	STR_EQ((char *)low + 10, "hello");
}

TEST(the_last_byte_of_a_bank_is_memory_and_the_next_is_not)
{
	struct gmem *m = banks();
	uint8_t c = 7;

	EQ(gmem_write(m, BASE + 2 * SIZE - 1, &c, 1), 0);
	EQ(high[SIZE - 1], 7);
	EQ(gmem_write(m, BASE + 2 * SIZE, &c, 1), -EFAULT);
	EQ(gmem_read(m, BASE - 1, &c, 1), -EFAULT);
	EQ(gmem_read(m, TOP + SIZE - 1, &c, 1), 0);
	EQ(gmem_read(m, TOP + SIZE, &c, 1), -EFAULT);
}

TEST(read_across_the_end_of_a_bank_copies_nothing)
{
	struct gmem *m = banks();
	uint8_t buf[16] = { 0xaa };

	EQ(gmem_read(m, BASE + 2 * SIZE - 8, buf, 16), -EFAULT);
	EQ(buf[0], 0xaa);
}

TEST(write_across_the_end_of_a_bank_copies_nothing)
{
	struct gmem *m = banks();
	uint8_t buf[16] = { 0xaa };

	EQ(gmem_write(m, BASE + 2 * SIZE - 8, buf, 16), -EFAULT);
	EQ(high[SIZE - 8], 0);
}

TEST(a_copy_may_straddle_two_banks_that_touch)
{
	struct gmem *m = banks();
	char buf[9] = "";

	EQ(gmem_write(m, BASE + SIZE - 4, "abcdefgh", 8), 0);
	MEM_EQ(low + SIZE - 4, "abcd", 4);
	MEM_EQ(high, "efgh", 4);
	EQ(gmem_read(m, BASE + SIZE - 4, buf, 8), 0);
	STR_EQ(buf, "abcdefgh");
}

TEST(q8_a_range_in_a_hole_is_refused)
{
	struct gmem *m = banks();
	struct iovec iov[4];
	char buf[4];

	EQ(gmem_read(m, BASE + 4 * SIZE, buf, 4), -EFAULT);
	EQ(gmem_map(m, BASE + 4 * SIZE, 4, iov, 4), -EFAULT);
}

TEST(q8_a_range_that_wraps_is_refused)
{
	struct gmem *m = banks();
	struct iovec iov[4];

	EQ(gmem_map(m, TOP, UINT64_MAX, iov, 4), -EFAULT);
	EQ(gmem_map(m, BASE, UINT64_MAX, iov, 4), -EFAULT);
	EQ(gmem_map(m, BASE, -BASE + BASE + UINT32_MAX, iov, 4), -EFAULT);
	EQ(gmem_map(m, UINT64_MAX, 2, iov, 4), -EFAULT);
}

TEST(q8_zero_bytes_are_anywhere)
{
	struct gmem *m = banks();
	struct iovec iov;

	EQ(gmem_read(m, 0, NULL, 0), 0);
	EQ(gmem_write(m, UINT64_MAX, NULL, 0), 0);
	EQ(gmem_map(m, 5, 0, &iov, 0), 0);
}

TEST(a_map_names_the_parts_in_order)
{
	struct gmem *m = banks();
	struct iovec iov[2];

	EQ(gmem_map(m, BASE + 16, 2 * SIZE - 16, iov, 2), 2);
	OK(iov[0].iov_base == low + 16);
	EQ(iov[0].iov_len, SIZE - 16);
	OK(iov[1].iov_base == high);
	EQ(iov[1].iov_len, SIZE);
}

TEST(a_map_of_more_parts_than_asked_for_is_refused)
{
	struct gmem *m = banks();
	struct iovec iov[1];

	EQ(gmem_map(m, BASE + SIZE - 1, 2, iov, 1), -ENOSPC);
	EQ(gmem_map(m, BASE + SIZE - 1, 1, iov, 1), 1);
	EQ(gmem_map(m, BASE, 1, iov, 0), -ENOSPC);
}

TEST(words_are_little_endian)
{
	struct gmem *m = banks();
	uint16_t h;
	uint32_t w;

	memcpy(&low[4], "\x44\x33\x22\x11", 4);
	EQ(gmem_load32(m, BASE + 4, &w), 0);
	EQ(w, 0x11223344);
	EQ(gmem_load16(m, BASE + 6, &h), 0);
	EQ(h, 0x1122);
	EQ(gmem_store16(m, BASE + 6, 0xabcd), 0);
	EQ(low[6], 0xcd);
}

TEST(misaligned_words_are_refused)
{
	struct gmem *m = banks();
	uint16_t h = 5;
	uint32_t w = 5;

	EQ(gmem_load16(m, BASE + 1, &h), -EFAULT);
	EQ(gmem_store16(m, BASE + 3, 1), -EFAULT);
	EQ(gmem_load32(m, BASE + 2, &w), -EFAULT);
	EQ(h, 5);
	EQ(w, 5);
}

TEST(words_outside_memory_are_refused)
{
	struct gmem *m = banks();
	uint16_t h;
	uint32_t w;

	EQ(gmem_load16(m, BASE + 2 * SIZE, &h), -EFAULT);
	EQ(gmem_load16(m, BASE + 2 * SIZE - 2, &h), 0);
	EQ(gmem_load32(m, BASE + 2 * SIZE - 4, &w), 0);
	EQ(gmem_store16(m, 0, 1), -EFAULT);
}

TEST(a_word_that_leaves_a_bank_of_odd_size_is_refused)
{
	struct gmem m = { 0 };
	uint32_t w;

	EQ(gmem_add(&m, BASE, 6, low), 0);
	EQ(gmem_load32(&m, BASE + 4, &w), -EFAULT);
}
