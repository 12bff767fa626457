/* SPDX-License-Identifier: MIT */
/*
 * The 32-bit ARM zImage (Documentation/arch/arm/booting.rst, "Calling the
 * kernel image"): a program that unpacks the kernel to the start of RAM, finds
 * out by itself where it lies, and moves out of the kernel's way.
 *
 * Files and the tree must stay clear of what it overwrites meanwhile. A table
 * in the image says how much that is (arch/arm/boot/compressed, since Linux
 * 4.15). Nothing is unpacked here.
 */
#include "arm64/image.h"

#include <errno.h>

#include "arm64/map.h"
#include "core/log.h"

#define ZIMAGE_MAGIC  0x24
#define ZIMAGE_START  0x28 /* where it must run; 0: anywhere */
#define ZIMAGE_END    0x2c
#define ZIMAGE_ENDIAN 0x30
#define ZIMAGE_MAGIC2 0x34
#define ZIMAGE_TABLE  0x38
#define ZIMAGE_HEADER 0x3c

/* Of Linux for 32-bit ARM, with the 0 at its end (uapi/asm/setup.h). */
#define COMMAND_LINE_SIZE 1024

#define LITTLE	    0x04030201u
#define HAS_TABLE   0x45454545u
#define TAG_SIZES   0x5a534c4bu /* of the kernel: where its data end, its BSS */
#define TAG_SIZES_N 4		/* words that matter */

/*
 * Far enough up that most kernels fit below, and it need not move; low enough
 * for it to see the start of RAM, which it takes to be at a multiple of 128 MiB.
 */
#define LOAD_OFFSET (32 * MIB)

/* The kernel's page tables before it, rounding, and the unpacker's heap. */
#define SLACK (4 * MIB)

/* Bytes that the kernel takes once unpacked, BSS included. */
static uint64_t unpacked_size(struct load *l, uint64_t size)
{
	/* As kexec assumes where there is no table. */
	const uint64_t guess = 4 * size;
	uint8_t tag[4 * TAG_SIZES_N], data_end[4];
	uint32_t at = get_le32(l->head.byte + ZIMAGE_TABLE), end_at;
	struct err ignored;

	if (get_le32(l->head.byte + ZIMAGE_MAGIC2) != HAS_TABLE ||
	    at > size - sizeof(tag) ||
	    infile_read(&l->file, at, tag, sizeof(tag), &ignored) ||
	    get_le32(tag + 4) != TAG_SIZES)
		return guess;
	end_at = get_le32(tag + 8);
	if (end_at > size - sizeof(data_end) ||
	    infile_read(&l->file, end_at, data_end, sizeof(data_end), &ignored))
		return guess;
	return (uint64_t)get_le32(data_end) + get_le32(tag + 12);
}

static int header_check(struct load *l)
{
	const struct infile *f = &l->file;
	const uint8_t *h = l->head.byte;
	uint32_t start = get_le32(h + ZIMAGE_START);
	uint32_t end = get_le32(h + ZIMAGE_END);

	if (get_le32(h + ZIMAGE_ENDIAN) != LITTLE)
		return infile_err(f, l->e, -ENOEXEC,
				  "is a big-endian ARM kernel; give a "
				  "little-endian one");
	if (start)
		return infile_err(f, l->e, -ENOEXEC,
				  "runs from 0x%x only; give a zImage built "
				  "without CONFIG_ZBOOT_ROM",
				  start);
	if (end < ZIMAGE_HEADER || end > f->size)
		return infile_err(f, l->e, -ENODATA,
				  "is truncated or damaged: it has %llu of %u "
				  "bytes; get it again",
				  (unsigned long long)f->size, end);
	return 0;
}

bool image_is_zimage(const struct head *h)
{
	return h->len >= ZIMAGE_HEADER &&
	       !memcmp(h->byte + ZIMAGE_MAGIC, "\x18\x28\x6f\x01", 4);
}

int image_load_zimage(struct load *l)
{
	struct range *k = &l->b->kernel;
	const uint64_t size = l->file.size;
	uint64_t kernel, end;
	int err = header_check(l);

	if (!err)
		err = image_check_params(l, COMMAND_LINE_SIZE);
	if (err)
		return err;
	/* Where it moves to, should the kernel reach up to it. */
	kernel = unpacked_size(l, get_le32(l->head.byte + ZIMAGE_END));
	end = (kernel > LOAD_OFFSET ? kernel : LOAD_OFFSET) + size + SLACK;
	if (end > l->m->ram_size)
		return image_too_big(l, end);
	l->b->kind = BOOT_OPEN;
	k->base = MAP_RAM_BASE + LOAD_OFFSET;
	k->size = end - LOAD_OFFSET;
	l->b->entry = k->base;
	return infile_load(&l->file, 0, l->mem, k->base, size, l->e);
}
