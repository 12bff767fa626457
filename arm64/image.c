/* SPDX-License-Identifier: MIT */
/*
 * Kernels that are ARM's: the arm64 Image, and what 32-bit vCPUs can run.
 */
#include "arm64/image.h"

#include <elf.h>
#include <errno.h>

#include "arm64/map.h"
#include "core/log.h"
#include "machine/arch.h"

/* Documentation/arch/arm64/booting.rst, "Call the kernel image". */
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE	  16
#define IMAGE_FLAGS	  24
#define IMAGE_MAGIC	  56
#define IMAGE_HEADER	  64
#define FLAG_BIG_ENDIAN	  1

/* Of Linux for arm64, with the 0 at its end (uapi/asm/setup.h). */
#define COMMAND_LINE_SIZE 2048

const uint16_t arch_elf_machine = EM_AARCH64;

bool arch_image_is(const struct head *h)
{
	return h->len >= IMAGE_HEADER && head_has(h, IMAGE_MAGIC, "ARM\x64", 4);
}

int arch_image_place(struct load *l, const struct head *h, uint64_t size)
{
	uint64_t text_offset = get_le64(h->byte + IMAGE_TEXT_OFFSET);
	uint64_t image_size = get_le64(h->byte + IMAGE_SIZE);

	if (l->m->aarch32)
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "is an arm64 kernel; leave out --aarch32, or "
				  "give a 32-bit ARM zImage");
	if (get_le64(h->byte + IMAGE_FLAGS) & FLAG_BIG_ENDIAN)
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "is a big-endian kernel; give a "
				  "little-endian one");
	l->b->kind = BOOT_IMAGE;
	if (!image_size) {
		/* Then the header's text_offset has no defined endianness. */
		text_offset = TEXT_OFFSET;
		l->b->kind = BOOT_OPEN;
	}
	if (image_check_params(l, COMMAND_LINE_SIZE))
		return -E2BIG;
	/* A signature may stand behind what the header knows of. */
	if (size < image_size)
		size = image_size;
	if (text_offset > SIZE_LIMIT || size > SIZE_LIMIT)
		return infile_err(
			&l->file, l->e, -ENOEXEC,
			"is damaged: its header asks for 0x%llx bytes "
			"at offset 0x%llx; get it again",
			(unsigned long long)size,
			(unsigned long long)text_offset);
	if (text_offset > l->m->ram_size || size > l->m->ram_size - text_offset)
		return image_too_big(l, text_offset + size);
	l->b->kernel.base = MAP_RAM_BASE + text_offset;
	l->b->kernel.size = size;
	l->b->entry = l->b->kernel.base;
	return 0;
}

/* For vCPUs that run 32-bit kernels. */
static int load_aarch32(struct load *l)
{
	const struct head *h = &l->head;
	int err;

	if (image_is_zimage(h))
		return image_load_zimage(l);
	if (arch_image_is(h))
		return arch_image_place(l, h, 0);
	if (head_has(h, 0, "\x1f\x8b", 2) ||
	    head_has(h, 0, "\x28\xb5\x2f\xfd", 4) ||
	    head_has(h, 0, ELF_MAGIC, 4) || head_has(h, 4, "zimg", 4))
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "is compressed or ELF; with --aarch32 give "
				  "a zImage or a flat binary");
	err = image_reject(l, h, "");
	return err ? err : image_load_flat(l);
}

bool arch_image_load(struct load *l, int *err)
{
	if (l->m->aarch32)
		*err = load_aarch32(l);
	return l->m->aarch32;
}
