/* SPDX-License-Identifier: MIT */
/*
 * Look-up in the list of RAM banks. A range may span banks; each function
 * checks all of it before it copies the first byte.
 */
#include "core/gmem.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

int gmem_add(struct gmem *m, gpa_t base, uint64_t size, void *hva)
{
	const struct gmem_bank *b;

	if (!size || base + size < base)
		return -EINVAL;
	for (b = m->bank; b < m->bank + m->nbanks; b++)
		if (base < b->base + b->size && b->base < base + size)
			return -EINVAL;
	if (m->nbanks == GMEM_BANKS)
		return -ENOSPC;
	m->bank[m->nbanks++] =
		(struct gmem_bank){ .base = base, .size = size, .hva = hva };
	return 0;
}

/* The bytes at @gpa, and in @room how many of them are contiguous. */
static uint8_t *find(const struct gmem *m, gpa_t gpa, uint64_t *room)
{
	const struct gmem_bank *b;

	for (b = m->bank; b < m->bank + m->nbanks; b++) {
		if (gpa - b->base < b->size) {
			*room = b->size - (gpa - b->base);
			return b->hva + (gpa - b->base);
		}
	}
	return NULL;
}

int gmem_map(const struct gmem *m, gpa_t gpa, size_t len, struct iovec *iov,
	     int max)
{
	int n = 0;

	while (len) {
		uint64_t room;
		uint8_t *p = find(m, gpa, &room);

		if (!p)
			return -EFAULT;
		if (n == max)
			return -ENOSPC;
		if (room > len)
			room = len;
		iov[n++] = (struct iovec){ .iov_base = p, .iov_len = room };
		gpa += room;
		len -= room;
	}
	return n;
}

/*
 * Each byte is loaded once, in words where they are aligned: a guest may write
 * meanwhile, and a compiler may look twice at what it takes for its own.
 */
static void load(uint8_t *dst, const uint8_t *src, size_t len)
{
	uint64_t v;
	size_t n;

	for (; len; dst += n, src += n, len -= n) {
		if (len >= sizeof(v) && (uintptr_t)src % sizeof(v) == 0) {
			v = __atomic_load_n((const uint64_t *)src,
					    __ATOMIC_RELAXED);
			memcpy(dst, &v, sizeof(v));
			n = sizeof(v);
		} else {
			*dst = __atomic_load_n(src, __ATOMIC_RELAXED);
			n = 1;
		}
	}
}

int gmem_read(const struct gmem *m, gpa_t gpa, void *buf, size_t len)
{
	struct iovec iov[GMEM_BANKS];
	uint8_t *dst = buf;
	int i, n = gmem_map(m, gpa, len, iov, GMEM_BANKS);

	for (i = 0; i < n; i++) {
		load(dst, iov[i].iov_base, iov[i].iov_len);
		dst += iov[i].iov_len;
	}
	return n < 0 ? -EFAULT : 0;
}

int gmem_write(const struct gmem *m, gpa_t gpa, const void *buf, size_t len)
{
	struct iovec iov[GMEM_BANKS];
	const uint8_t *src = buf;
	int i, n = gmem_map(m, gpa, len, iov, GMEM_BANKS);

	for (i = 0; i < n; i++) {
		memcpy(iov[i].iov_base, src, iov[i].iov_len);
		src += iov[i].iov_len;
	}
	return n < 0 ? -EFAULT : 0;
}

/* An aligned word of @size bytes, or NULL. */
static void *word(const struct gmem *m, gpa_t gpa, unsigned size)
{
	uint64_t room;
	uint8_t *p = find(m, gpa, &room);

	return p && gpa % size == 0 && room >= size ? p : NULL;
}

int gmem_load16(const struct gmem *m, gpa_t gpa, uint16_t *val)
{
	uint16_t *p = word(m, gpa, sizeof(*p));

	if (!p)
		return -EFAULT;
	*val = le16toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
	return 0;
}

int gmem_load32(const struct gmem *m, gpa_t gpa, uint32_t *val)
{
	uint32_t *p = word(m, gpa, sizeof(*p));

	if (!p)
		return -EFAULT;
	*val = le32toh(__atomic_load_n(p, __ATOMIC_ACQUIRE));
	return 0;
}

int gmem_store16(const struct gmem *m, gpa_t gpa, uint16_t val)
{
	uint16_t *p = word(m, gpa, sizeof(*p));

	if (!p)
		return -EFAULT;
	__atomic_store_n(p, htole16(val), __ATOMIC_RELEASE);
	return 0;
}
