/* SPDX-License-Identifier: MIT */
/*
 * The flattened device tree of the machine (Devicetree Specification 0.4, and
 * the Linux bindings of each device).
 *
 * Nodes are named and laid out as on QEMU's `virt` board, for the sake of what
 * looks for them by path. Its tree has /__symbols__ for these labels, so that
 * an overlay can refer to them: gic, uart0, rtc, gpio0, apb_pclk. Any node can
 * be reached by target-path.
 *
 * A user's tree or overlay is checked wholly before it is used: it is no more
 * than FDT_SIZE_MAX long and FDT_DEPTH_MAX deep. All functions may be called
 * on any thread.
 */
#pragma once

#include <stddef.h>
#include "machine/machine.h"

struct infile;

struct err;

/* What the arm64 boot protocol allows; and what Linux goes down to. */
#define FDT_SIZE_MAX  (2u << 20)
#define FDT_DEPTH_MAX 64

/*
 * fdt_build() - describe @m in a new tree
 *
 * *@out is malloc()ed, *@size its length in bytes: fdt_totalsize(), packed.
 * 0 or -ENOMEM.
 */
int fdt_build(const struct machine *m, void **out, size_t *size);

/*
 * fdt_from_file() - take the user's tree in @f (--dtb) instead
 *
 * /chosen (parameters if @m has them, initrd, modules, seeds) and /memory are
 * brought up to date; the rest is the user's. -errno with a sentence in @e if
 * it is no valid tree.
 */
int fdt_from_file(const struct machine *m, const struct infile *f, void **out,
		  size_t *size, struct err *e);

/*
 * fdt_overlay() - apply the overlay in @f (--dtb-overlay) to *@fdt
 *
 * 0, and *@fdt has moved and *@size grown; or -errno with @e, and both are as
 * they were. The result may exceed FDT_SIZE_MAX: image_place_fdt() minds.
 */
int fdt_overlay(void **fdt, size_t *size, const struct infile *f,
		struct err *e);
