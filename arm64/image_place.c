/* SPDX-License-Identifier: MIT */
/*
 * Where initrd and tree go, beside the kernel (booting.rst, "Setup the device
 * tree" and "Call the kernel image").
 *
 * Behind an Image, whose header tells where its BSS ends, they follow each
 * other closely: kernel, initrd, tree. Any other kernel may use what follows
 * it, so they go high: as high as the 512 MiB within which old kernels look
 * for a tree. If there is no room for that, the initrd goes to the end of RAM
 * and the tree in between, which needs the least.
 */
#include "arm64/image_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "core/log.h"

/* The boot protocol's for a tree, and the room that is left for one. */
#define FDT_ALIGN (2 * MIB)
#define FDT_MAX	  (2 * MIB)

/* The largest page of a guest, so that nothing shares one with an initrd. */
#define INITRD_ALIGN 0x10000

/* Kernels before 4.2 see no further at first. */
#define NEAR (512 * MIB)

/* Kernel and initrd lie within such a window, which begins at a GiB. */
#define INITRD_WINDOW (32 * GIB)

/* MiB of RAM that hold the kernel, @initrd bytes and @fdt bytes. */
static unsigned long long mib_needed(const struct boot *b, uint64_t initrd,
				     uint64_t fdt)
{
	uint64_t end = align_up(range_end(&b->kernel), FDT_ALIGN) + fdt +
		       align_up(initrd, INITRD_ALIGN) + INITRD_ALIGN;

	return align_up(end - MAP_RAM_BASE, MIB) / MIB;
}

/* Highest place for @size bytes below @top, above the kernel and @gap. */
static bool initrd_below(gpa_t top, const struct boot *b, uint64_t size,
			 uint64_t gap, gpa_t *at)
{
	const gpa_t lo = align_up(range_end(&b->kernel), INITRD_ALIGN);

	if (top < lo || top - lo < size)
		return false;
	*at = align_down(top - size, INITRD_ALIGN);
	return *at - lo >= gap;
}

static bool initrd_place(const struct machine *m, const struct boot *b,
			 uint64_t size, gpa_t *at)
{
	const gpa_t lo = align_up(range_end(&b->kernel), INITRD_ALIGN);
	const gpa_t near = b->kernel.base + NEAR;
	gpa_t top = align_down(b->kernel.base, GIB) + INITRD_WINDOW;

	if (top > ram_end(m))
		top = ram_end(m);
	if (b->kind == BOOT_IMAGE) {
		*at = lo;
		if (lo <= top && size <= top - lo &&
		    align_up(lo + size, FDT_ALIGN) + FDT_MAX <= ram_end(m))
			return true;
	} else if (initrd_below(near < top ? near : top, b, size,
				FDT_ALIGN + FDT_MAX, at)) {
		return true;
	}
	return initrd_below(top, b, size, 0, at);
}

/*
 * Open all files and add up their sizes, each padded, until that cannot fit
 * into RAM any more.
 */
static int files_open(const struct machine *m, char *const *paths, unsigned n,
		      struct infile *f, uint64_t *total, struct err *e)
{
	unsigned i;
	int err;

	*total = 0;
	for (i = 0; i < n; i++) {
		err = infile_open(&f[i], "--initrd", paths[i], e);
		if (err)
			return err;
		*total += align_up(f[i].size, 4);
		/* Also keeps the sum from wrapping. */
		if (*total > m->ram_size)
			break;
	}
	return 0;
}

static int files_load(const struct gmem *mem, struct infile *f, unsigned n,
		      gpa_t at, struct err *e)
{
	static const uint8_t zero[4];
	unsigned i;
	int err;

	for (i = 0; i < n; i++) {
		err = infile_load(&f[i], 0, mem, at, f[i].size, e);
		if (err)
			return err;
		at += f[i].size;
		err = gmem_write(mem, at, zero, -f[i].size & 3);
		if (err)
			return infile_err(&f[i], e, err,
					  "does not fit into guest memory; "
					  "give more --memory");
		at += -f[i].size & 3;
	}
	return 0;
}

int image_load_initrds(const struct gmem *mem, const struct machine *m,
		       char *const *paths, unsigned n, struct boot *b,
		       struct err *e)
{
	struct infile *f;
	uint64_t total;
	unsigned i;
	int err;

	b->initrd = (struct range){ 0 };
	if (!n)
		return 0;
	f = calloc(n, sizeof(*f));
	if (!f)
		return err_set(e, -ENOMEM, "the host is out of memory");
	for (i = 0; i < n; i++)
		f[i].fd = -1;
	err = files_open(m, paths, n, f, &total, e);
	if (err)
		goto out;
	if (!initrd_place(m, b, total, &b->initrd.base)) {
		const unsigned long long need = mib_needed(b, total, FDT_MAX);

		err = infile_err(
			&f[0], e, -EFBIG,
			"does not fit into %llu MiB beside the kernel%s"
			": together they need at least %llu MiB; give "
			"--memory %lluM",
			(unsigned long long)(m->ram_size / MIB),
			n > 1 ? " and the other initrds" : "", need, need);
		goto out;
	}
	err = files_load(mem, f, n, b->initrd.base, e);
	if (!err)
		b->initrd.size = total;
out:
	for (i = 0; i < n; i++)
		infile_close(&f[i]);
	free(f);
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
	const gpa_t hi = b->initrd.size ? b->initrd.base : end;
	const gpa_t near = b->kernel.base + NEAR;
	const bool high = b->kind != BOOT_IMAGE;

	if (b->kind == BOOT_ELF &&
	    fdt_between(MAP_RAM_BASE, b->kernel.base, size, false, at))
		return true;
	if (high && fdt_between(k_end, near < hi ? near : hi, size, true, at))
		return true;
	if (fdt_between(k_end, hi, size, high, at))
		return true;
	return b->initrd.size &&
	       fdt_between(range_end(&b->initrd), end, size, false, at);
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
		need = mib_needed(b, b->initrd.size, size);
		return err_set(
			e, -EFBIG,
			"--memory %lluM: there is no room for the device "
			"tree (%zu bytes) beside kernel and initrd; give "
			"--memory %lluM",
			(unsigned long long)(m->ram_size / MIB), size, need);
	}
	b->fdt.size = size;
	return 0;
}
