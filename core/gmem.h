/* SPDX-License-Identifier: MIT */
/*
 * Guest physical memory.
 *
 * A gmem is the set of RAM banks that a guest sees. Everything that a device
 * reads or writes on a guest's behalf goes through it, so that a length or an
 * address that the guest made up is checked once, here. It never hands out a
 * pointer without a length.
 *
 * The bank list is complete before the first vCPU runs and never changes
 * afterwards; from then on every function here may be called from any thread.
 * Guest RAM can change under the caller at any time: copy once, then look at
 * the copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Guest physical address, in bytes. Never cast it to a pointer. */
typedef uint64_t gpa_t;

#define GMEM_BANKS 4

struct gmem_bank {
	gpa_t base;
	uint64_t size;
	uint8_t *hva;
};

struct gmem {
	unsigned nbanks;
	struct gmem_bank bank[GMEM_BANKS];
};

/*
 * gmem_add() - add the bank [@base, @base + @size), which stands at @hva
 *
 * 0; -EINVAL if it is empty, wraps or overlaps another; -ENOSPC. The memory
 * stays the caller's.
 */
int gmem_add(struct gmem *, gpa_t base, uint64_t size, void *hva);

/*
 * gmem_read(), gmem_write() - copy @len bytes between the guest and @buf
 *
 * 0, or -EFAULT if any byte lies outside RAM; then nothing is copied. @len may
 * be 0. For what is small, as descriptors are.
 */
int gmem_read(const struct gmem *, gpa_t gpa, void *buf, size_t len);
int gmem_write(const struct gmem *, gpa_t gpa, const void *buf, size_t len);

/*
 * gmem_load16() and its like - one single-copy atomic little-endian access
 *
 * A load comes before what follows it, a store after what precedes it (acquire,
 * release); a store before a load takes the caller's barrier. 0, or -EFAULT if @gpa lies outside RAM or is not aligned to its size.
 */
int gmem_load16(const struct gmem *, gpa_t gpa, uint16_t *val);
int gmem_load32(const struct gmem *, gpa_t gpa, uint32_t *val);
int gmem_store16(const struct gmem *, gpa_t gpa, uint16_t val);

/*
 * gmem_map() - describe [@gpa, @gpa + @len) as at most @max iovecs
 *
 * The number used (0 if @len is 0), or -EFAULT if any byte lies outside RAM,
 * -ENOSPC if it takes more than @max.
 */
int gmem_map(const struct gmem *, gpa_t gpa, size_t len, struct iovec *iov,
	     int max);
