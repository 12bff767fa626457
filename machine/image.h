/* SPDX-License-Identifier: MIT */
/*
 * Getting a kernel, an initrd, a hypervisor's modules and a tree into guest
 * memory.
 *
 * Image files are what strangers built: every size and offset in one is
 * checked against the file and against RAM before it is used, and nothing that
 * a header claims is allocated before it is known to fit into RAM.
 *
 * RAM need not hold zeroes: a reboot in place loads everything again over what
 * the last guest left. Whatever a format promises to be zero is zeroed here
 * (the tails of ELF segments, the padding of initrds); an Image clears its own
 * BSS. Nothing else is touched.
 *
 * To be called in this order, on one thread, while no vCPU runs: the kernel,
 * initrds and modules, the tree. Each failure is one sentence that names the
 * option.
 */
#pragma once

#include "machine/boot_files.h"
#include "machine/machine.h"

struct err;

/* What is known of the memory that a kernel takes for itself. */
enum boot_kind {
	BOOT_IMAGE, /* its header says all: the rest may lie right behind it */
	BOOT_OPEN,  /* unknown (flat, zImage, before 3.17): keep the rest off */
	BOOT_ELF,   /* as BOOT_OPEN; finds the tree at the start of RAM if that
		     * is free, as on QEMU's board */
};

/* What boots, and where it came to lie. */
struct boot {
	gpa_t entry; /* PC of vCPU 0 */
	enum boot_kind kind;
	struct range kernel; /* including its BSS (image_size) */
	struct range initrd;
	struct range module[MODULES_MAX];
	struct range files; /* initrd and modules, and what is between them */
	struct range fdt;
};

/*
 * image_load_kernel() - load @kernel, which is open, into RAM
 *
 * Recognises the arm64 Image (Documentation/arch/arm64/booting.rst), the same
 * compressed with gzip or zstd, an EFI zboot image (gzip or zstd), ELF64
 * (AArch64, little-endian, ET_EXEC or ET_DYN, loaded by p_paddr and entered at
 * the physical address of e_entry). What is known not to run here (a kernel
 * for another machine, an archive, text ...) is refused; anything else, or with
 * the machine's flat any file, is taken as a flat binary, loaded and entered at
 * the start of RAM + 0x80000. A machine with aarch32 takes an ARM zImage (Documentation/arch/arm/booting.rst) or a
 * flat binary, and none of the others. Fills @b->entry, @b->kind and
 * @b->kernel, which is all that the kernel takes while it starts.
 *
 * 0, or -errno with a sentence in @e.
 */
int image_load_kernel(const struct gmem *, const struct machine *,
		      const struct infile *kernel, struct boot *b,
		      struct err *e);

/*
 * image_load_files() - initrds and modules, above the kernel
 *
 * The initrds of @f are joined, each on 4 bytes and ending exactly; its modules
 * follow as they are, each on pages of its own. All of it lies within the 32
 * GiB window that the boot protocol asks for, with room left for a tree. Fills
 * @b->initrd, @b->module (a range is empty if there is none) and @b->files.
 */
int image_load_files(const struct gmem *, const struct machine *,
		     const struct boot_files *f, struct boot *b, struct err *e);

/*
 * image_place_fdt() - choose where @size bytes of tree go: 2 MiB aligned, at
 * most that long, clear of kernel, initrd and modules
 *
 * Fills @b->fdt, whose size is what the tree is to say of itself: there is room
 * behind it to edit it in place, as far as there is any. Writes nothing.
 */
int image_place_fdt(const struct machine *, size_t size, struct boot *b,
		    struct err *e);
