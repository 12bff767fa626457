/* SPDX-License-Identifier: MIT */
/*
 * Kernels: tell the formats that run apart, and load the two that go straight
 * into RAM, the Image and the flat binary.
 *
 * A file's first bytes are read once and decide everything; the file itself is
 * then read where it will run, with no buffer in between. Formats that only one
 * architecture has are known to that one (machine/arch.h).
 */
#include "machine/image.h"

#include <errno.h>

#include "machine/arch.h"
#include "machine/image_parts.h"
#include "core/log.h"

#define INSTRUCTION 4 /* bytes */

int image_too_big(struct load *l, uint64_t end)
{
	uint64_t need = (align_up(end, 2 * MIB) + 2 * MIB) / MIB;

	return infile_err(&l->file, l->e, -EFBIG,
			  "does not fit into %llu MiB: with its device tree it "
			  "needs at least %llu MiB; give --memory %lluM",
			  (unsigned long long)(l->m->ram_size / MIB),
			  (unsigned long long)need, (unsigned long long)need);
}

int image_check_params(struct load *l, size_t limit)
{
	const size_t len = l->m->params ? strlen(l->m->params) : 0;

	return len < limit
		       ? 0
		       : err_set(l->e, -E2BIG,
				 "--params: the command line has %zu "
				 "characters, of which this kernel sees %zu; "
				 "shorten it",
				 len, limit - 1);
}

/*
 * Where the last section of a PE file ends, as far as its head tells: 0 if
 * that is none. This is the only hint that an Image was cut short.
 */
static uint64_t pe_end(const struct head *h)
{
	uint64_t sec, end = 0;
	uint32_t pe = image_pe_at(h), n;

	if (!pe || h->len - pe < 24)
		return 0;
	sec = (uint64_t)pe + 24 + get_le16(h->byte + pe + 20);
	for (n = get_le16(h->byte + pe + 6); n; n--, sec += 40) {
		uint64_t e;

		if (sec > h->len || h->len - sec < 40)
			break;
		e = (uint64_t)get_le32(h->byte + sec + 16) +
		    get_le32(h->byte + sec + 20);
		if (e > end)
			end = e;
	}
	return end;
}

static int load_image(struct load *l)
{
	uint64_t end = pe_end(&l->head);
	int err;

	if (end > l->file.size)
		return infile_err(&l->file, l->e, -ENODATA,
				  "is truncated: it has %llu of %llu bytes; "
				  "get it again",
				  (unsigned long long)l->file.size,
				  (unsigned long long)end);
	err = arch_image_place(l, &l->head, l->file.size);
	if (err)
		return err;
	return infile_load(&l->file, 0, l->mem, l->b->kernel.base, l->file.size,
			   l->e);
}

int image_load_flat(struct load *l)
{
	const uint64_t size = l->file.size;

	if (size > SIZE_LIMIT || TEXT_OFFSET > l->m->ram_size ||
	    size > l->m->ram_size - TEXT_OFFSET)
		return image_too_big(l, size + TEXT_OFFSET);
	l->b->kind = BOOT_OPEN;
	l->b->kernel.base = arch_map.ram + TEXT_OFFSET;
	l->b->kernel.size = size;
	l->b->entry = l->b->kernel.base;
	return infile_load(&l->file, 0, l->mem, l->b->kernel.base, size, l->e);
}

static int load_any(struct load *l)
{
	const struct head *h = &l->head;
	int err;

	if (h->len < INSTRUCTION)
		return infile_err(
			&l->file, l->e, -ENODATA,
			"is truncated: it has %zu bytes, less than an "
			"instruction; get it again",
			h->len);
	if (l->m->flat)
		return image_load_flat(l);
	if (arch_image_load(l, &err))
		return err;
	if (arch_image_is(h))
		return load_image(l);
	if (head_has(h, 0, "\x1f\x8b", 2))
		return image_load_packed(l, PACK_GZIP, 0, l->file.size);
	if (head_has(h, 0, "\x28\xb5\x2f\xfd", 4))
		return image_load_packed(l, PACK_ZSTD, 0, l->file.size);
	if (head_has(h, 0, "MZ", 2) && head_has(h, 4, "zimg", 4))
		return image_load_zboot(l);
	if (head_has(h, 0, ELF_MAGIC, 4))
		return image_load_elf(l);
	err = image_reject(l, h, "");
	return err ? err : image_load_flat(l);
}

int image_load_kernel(const struct gmem *mem, const struct machine *m,
		      const struct infile *kernel, struct boot *b,
		      struct err *e)
{
	struct load l = { .mem = mem, .m = m, .file = *kernel, .b = b, .e = e };
	int err;

	l.head.len = l.file.size < HEAD_SIZE ? l.file.size : HEAD_SIZE;
	err = infile_read(&l.file, 0, l.head.byte, l.head.len, e);
	return err ? err : load_any(&l);
}
