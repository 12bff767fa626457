/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the loader share (image.c and image_*.c only).
 */
#pragma once

#include <endian.h>
#include <string.h>

#include "machine/image.h"
#include "machine/infile.h"
#include "core/util.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Enough for all headers that tell what a file is, PE sections included. */
#define HEAD_SIZE 1024

/* Where a kernel goes that does not say where to, and a flat binary. */
#define TEXT_OFFSET 0x80000

/* No machine has that much; what claims more is damaged. */
#define SIZE_LIMIT ((uint64_t)1 << 48)

#define ELF_MAGIC "\177ELF"

/* The first bytes of a file, or of what it unpacks to. */
struct head {
	size_t len;
	uint8_t byte[HEAD_SIZE];
};

static inline bool head_has(const struct head *h, size_t off, const char *bytes,
			    size_t len)
{
	return off <= h->len && len <= h->len - off &&
	       !memcmp(h->byte + off, bytes, len);
}

/* One kernel on its way into RAM. */
struct load {
	const struct gmem *mem;
	const struct machine *m;
	struct infile file; /* the caller's */
	struct head head;   /* of the file */
	struct boot *b;	    /* to be filled */
	struct err *e;
};

enum packing { PACK_GZIP, PACK_ZSTD };

static inline uint32_t get_le16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t get_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* The first address behind @r. */
static inline gpa_t range_end(const struct range *r)
{
	return r->base + r->size;
}

static inline gpa_t ram_end(const struct machine *m)
{
	return arch_map.ram + m->ram_size;
}

/*
 * image_reject() - a sentence for what is known not to be bootable here
 *
 * 0 if nothing is known against @h, which is none of the formats that are
 * loaded, else -ENOEXEC. @where stands before the
 * verdict: "" or "holds what ".
 */
int image_reject(struct load *l, const struct head *h, const char *where);

/* Where the PE header is in @h; 0: it is no PE file. */
uint32_t image_pe_at(const struct head *h);

/*
 * image_too_big() - the sentence for a kernel that would end @end bytes into
 * RAM: -EFBIG
 */
int image_too_big(struct load *l, uint64_t end);

/*
 * image_check_params() - is the machine's command line shorter than @limit?
 *
 * Linux cuts a longer one off, without a word. 0, or -E2BIG with a sentence.
 */
int image_check_params(struct load *l, size_t limit);

/* Unpack and place @len bytes from @off of the file, which must be an Image. */
int image_load_packed(struct load *l, enum packing how, uint64_t off,
		      uint64_t len);

/* The payload of an EFI zboot image. */
int image_load_zboot(struct load *l);

int image_load_elf(struct load *l);

/* To TEXT_OFFSET, as it is. */
int image_load_flat(struct load *l);
