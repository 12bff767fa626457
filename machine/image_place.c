/* SPDX-License-Identifier: MIT */
/*
 * Where files (initrd and modules) and the tree go, beside the kernel
 * (booting.rst, "Setup the device tree" and "Call the kernel image").
 *
 * Behind an Image, whose header tells where its BSS ends, they follow each
 * other closely: kernel, files, tree. Any other kernel may use what follows
 * it, so they keep a distance: the one that QEMU's board keeps, where programs
 * for that board look for them. If they do not fit there they go high: as high
 * as the 512 MiB within which old kernels look for a tree. If there is no room
 * for that either, the files go to the end of RAM and the tree in between,
 * which needs the least. The files are placed as one: the initrds joined, then
 * each module.
 */
#include "machine/image_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "core/log.h"

/* How the boot protocol aligns a tree, and the room that is left for it. */
#define FDT_ALIGN (2 * MIB)
#define FDT_MAX	  (2 * MIB)

/*
 * How long a tree says that it is, so that who edits it in place has room: on
 * QEMU's board 1 MiB. Linux, which edits no tree, reads all of it twice for a
 * checksum (drivers/of/fdt.c) and never uses it for anything else, so with an
 * Image it is less.
 */
#define FDT_ROOM  (64 * (uint64_t)1024) /* at least, behind the tree */
#define FDT_TOTAL MIB			/* but for an Image */

/* As far into RAM as QEMU puts files, or half of it. */
#define MIDDLE (128 * MIB)

/* The largest page of a guest, so that nothing shares one with a file. */
#define FILE_ALIGN 0x10000

/* Where an archive begins in what initrds are joined to. */
#define PAD 4

/* Kernels before 4.2 see no further at first. */
#define NEAR (512 * MIB)

/* Kernel and files lie within such a window, which begins at a GiB. */
#define FILES_WINDOW (32 * GIB)

/* MiB of RAM that hold the kernel, @files bytes and @fdt bytes. */
static unsigned long long mib_needed(const struct boot *b, uint64_t files,
				     uint64_t fdt)
{
	uint64_t end = align_up(range_end(&b->kernel), FDT_ALIGN) + fdt +
		       align_up(files, FILE_ALIGN) + FILE_ALIGN;

	return align_up(end - arch_map.ram, MIB) / MIB;
}

/* Highest place for @size bytes below @top, above the kernel and @gap. */
static bool files_below(gpa_t top, const struct boot *b, uint64_t size,
			uint64_t gap, gpa_t *at)
{
	const gpa_t lo = align_up(range_end(&b->kernel), FILE_ALIGN);

	if (top < lo || top - lo < size)
		return false;
	*at = align_down(top - size, FILE_ALIGN);
	return *at - lo >= gap;
}

/*
 * Where files and tree begin if there is room: behind an Image, or far enough
 * from another kernel. 0 if that is not known, or the kernel is there.
 */
static gpa_t middle(const struct machine *m, const struct boot *b)
{
	const uint64_t half = m->ram_size / 2;
	const gpa_t at = arch_map.ram + (half < MIDDLE ? half : MIDDLE);

	if (b->kind == BOOT_IMAGE)
		return align_up(range_end(&b->kernel), FILE_ALIGN);
	return b->kind == BOOT_OPEN && range_end(&b->kernel) <= at ? at : 0;
}

static bool files_place(const struct machine *m, const struct boot *b,
			uint64_t size, gpa_t *at)
{
	const gpa_t near = b->kernel.base + NEAR;
	gpa_t top = align_down(b->kernel.base, GIB) + FILES_WINDOW;

	/* A 32-bit kernel sees some 760 MiB at first (arm/booting.rst). */
	if (m->aarch32)
		top = near;
	if (top > ram_end(m))
		top = ram_end(m);
	*at = middle(m, b);
	if (*at && *at <= top && size <= top - *at &&
	    align_up(*at + size, FDT_ALIGN) + FDT_MAX <= ram_end(m))
		return true;
	if (b->kind != BOOT_IMAGE && files_below(near < top ? near : top, b,
						 size, FDT_ALIGN + FDT_MAX, at))
		return true;
	return files_below(top, b, size, 0, at);
}

/* A file on its way into RAM: an initrd, or a module. */
struct part {
	const struct infile *file;
	bool joined;	     /* to what comes next: padded, not aligned */
	uint64_t off;	     /* from the beginning of the first part */
	struct range *range; /* what it makes longer */
};

/* All of them, and where they end. */
struct parts {
	struct part *part;
	unsigned n;
	uint64_t end;
};

/* Once @p is too long for RAM it does not grow, so that its end cannot wrap. */
static void part_add(struct parts *p, const struct machine *m,
		     const struct infile *f, bool joined, struct range *range)
{
	struct part *part = &p->part[p->n];

	if (p->end > m->ram_size)
		return;
	part->file = f;
	part->joined = joined;
	part->off = align_up(p->end, joined ? PAD : FILE_ALIGN);
	part->range = range;
	p->end = part->off + align_up(f->size, PAD);
	p->n++;
}

static void parts_add(struct parts *p, const struct machine *m,
		      const struct boot_files *f, struct boot *b)
{
	unsigned i;

	for (i = 0; i < f->ninitrds; i++)
		part_add(p, m, &f->initrd[i], true, &b->initrd);
	for (i = 0; i < MODULES_MAX; i++)
		if (f->module[i].size)
			part_add(p, m, &f->module[i], false, &b->module[i]);
}

/* Read it to where it goes, and zeroes behind it. */
static int part_load(const struct part *p, const struct gmem *mem, gpa_t base,
		     struct err *e)
{
	static const uint8_t zero[PAD];
	const gpa_t at = base + p->off;
	const uint64_t pad = -p->file->size & (PAD - 1);
	int err = infile_load(p->file, 0, mem, at, p->file->size, e);

	if (err)
		return err;
	err = gmem_write(mem, at + p->file->size, zero, pad);
	if (err)
		return infile_err(p->file, e, err,
				  "does not fit into guest memory; give more "
				  "--memory");
	/* Where the last one ends is exact: it need not be an archive. */
	if (!p->range->size)
		p->range->base = at;
	p->range->size = at + p->file->size - p->range->base;
	return 0;
}

static int parts_load(const struct parts *p, const struct gmem *mem,
		      const struct machine *m, struct boot *b, struct err *e)
{
	unsigned long long need;
	unsigned i;
	int err = 0;

	if (!files_place(m, b, p->end, &b->files.base)) {
		need = mib_needed(b, p->end, FDT_MAX);
		return infile_err(
			p->part[0].file, e, -EFBIG,
			"does not fit into %llu MiB beside the kernel%s"
			": together they need at least %llu MiB; give "
			"--memory %lluM",
			(unsigned long long)(m->ram_size / MIB),
			p->n > 1 ? " and the other files" : "", need, need);
	}
	for (i = 0; i < p->n && !err; i++)
		err = part_load(&p->part[i], mem, b->files.base, e);
	if (!err)
		b->files.size = p->end;
	return err;
}

int image_load_files(const struct gmem *mem, const struct machine *m,
		     const struct boot_files *f, struct boot *b, struct err *e)
{
	struct parts p = { 0 };
	int err = 0;

	b->initrd = b->files = (struct range){ 0 };
	memset(b->module, 0, sizeof(b->module));
	p.part = calloc(f->ninitrds + MODULES_MAX, sizeof(*p.part));
	if (!p.part)
		return err_no_memory(e);
	parts_add(&p, m, f, b);
	if (p.n)
		err = parts_load(&p, mem, m, b, e);
	free(p.part);
	return err;
}

/* An aligned place for @size bytes in [@lo, @hi): the highest, or the lowest. */
static bool fdt_between(gpa_t lo, gpa_t hi, uint64_t size, bool high, gpa_t *at)
{
	lo = align_up(lo, FDT_ALIGN);
	if (lo > hi || hi - lo < size)
		return false;
	*at = high ? align_down(hi - size, FDT_ALIGN) : lo;
	return true;
}

static bool fdt_place(const struct machine *m, const struct boot *b,
		      uint64_t size, gpa_t *at)
{
	const gpa_t end = ram_end(m), k_end = range_end(&b->kernel);
	const gpa_t hi = b->files.size ? b->files.base : end;
	const gpa_t near = b->kernel.base + NEAR;
	const gpa_t mid = middle(m, b);
	const bool high = b->kind != BOOT_IMAGE;

	if (b->kind == BOOT_ELF &&
	    fdt_between(arch_map.ram, b->kernel.base, size, false, at))
		return true;
	if (mid && (!b->files.size || b->files.base == mid) &&
	    fdt_between(mid + b->files.size, end, size, false, at))
		return true;
	if (high && fdt_between(k_end, near < hi ? near : hi, size, true, at))
		return true;
	if (fdt_between(k_end, hi, size, high, at))
		return true;
	return b->files.size &&
	       fdt_between(range_end(&b->files), end, size, false, at);
}

/* How long the tree of @size bytes at @b->fdt.base may say that it is. */
static uint64_t fdt_room(const struct machine *m, const struct boot *b,
			 uint64_t size)
{
	const gpa_t at = b->fdt.base;
	uint64_t room = size + FDT_ROOM;
	gpa_t end = ram_end(m);

	if (b->kind != BOOT_IMAGE && room < FDT_TOTAL)
		room = FDT_TOTAL;
	if (b->kernel.base > at && b->kernel.base < end)
		end = b->kernel.base;
	if (b->files.size && b->files.base > at && b->files.base < end)
		end = b->files.base;
	if (end > at + FDT_MAX)
		end = at + FDT_MAX;
	return room < end - at ? room : end - at;
}

int image_place_fdt(const struct machine *m, size_t size, struct boot *b,
		    struct err *e)
{
	unsigned long long need;

	if (size > FDT_MAX)
		return err_set(
			e, -EFBIG,
			"the device tree has %zu bytes, and a kernel maps "
			"no more than 2 MiB; make that of --dtb or "
			"--dtb-overlay smaller",
			size);
	if (!fdt_place(m, b, size, &b->fdt.base)) {
		need = mib_needed(b, b->files.size, size);
		return err_set(
			e, -EFBIG,
			"--memory %lluM: there is no room for the device "
			"tree (%zu bytes) beside the kernel and the files "
			"with it; give "
			"--memory %lluM",
			(unsigned long long)(m->ram_size / MIB), size, need);
	}
	b->fdt.size = fdt_room(m, b, size);
	return 0;
}
