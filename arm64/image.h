/* SPDX-License-Identifier: MIT */
/*
 * Getting a kernel, an initrd and a tree into guest memory.
 *
 * Image files are what strangers built: every size and offset in one is
 * checked against the file and against RAM before it is used, and nothing that
 * a header claims is allocated before it is known to fit into RAM.
 */
#pragma once

#include "arm64/machine.h"

struct err;

/* What boots, and where it came to lie. */
struct boot {
	gpa_t entry;		/* PC of vCPU 0 */
	struct range kernel;	/* including its BSS (image_size) */
	struct range initrd;
	struct range fdt;
};

/*
 * image_load_kernel() - load the kernel at @path into RAM
 *
 * Recognises the arm64 Image (Documentation/arch/arm64/booting.rst), the same
 * gzip-compressed, an EFI zboot image (gzip or zstd), ELF64 (AArch64,
 * little-endian, ET_EXEC or ET_DYN, by p_paddr, physical entry point), and takes
 * anything else as a flat binary, loaded and entered at the start of RAM +
 * 0x80000. Fills @b->entry and @b->kernel.
 *
 * 0, or -errno with a sentence in @e.
 */
int image_load_kernel(const struct gmem *, const struct machine *,
		      const char *path, struct boot *b, struct err *e);

/*
 * image_load_initrds() - concatenate @n files, each padded to 4 bytes, behind
 * the kernel. Fills @b->initrd (empty if @n is 0).
 */
int image_load_initrds(const struct gmem *, const struct machine *,
		       char *const *paths, unsigned n, struct boot *b,
		       struct err *e);

/*
 * image_place_fdt() - choose where @size bytes of tree go: 2 MiB aligned, clear
 * of kernel and initrd. Fills @b->fdt.
 */
int image_place_fdt(const struct machine *, size_t size, struct boot *b,
		    struct err *e);
