/* SPDX-License-Identifier: MIT */
/*
 * The flattened device tree of the machine (Devicetree Specification 0.4, and
 * the Linux bindings of each device).
 */
#pragma once

#include <stddef.h>
#include "arm64/machine.h"

struct err;

/*
 * fdt_build() - describe @m in a new tree
 *
 * *@out is malloc()ed, *@size its length in bytes: fdt_totalsize(), packed.
 * 0 or -ENOMEM.
 */
int fdt_build(const struct machine *m, void **out, size_t *size);

/*
 * fdt_from_file() - take the user's tree at @path instead
 *
 * /chosen (bootargs if @m has params, initrd, seeds) and /memory are brought up
 * to date; the rest is the user's. -errno with a sentence in @e if it is no
 * valid tree.
 */
int fdt_from_file(const struct machine *m, const char *path, void **out,
		  size_t *size, struct err *e);

/* Apply the overlay at @path to *@fdt, which may move. -errno with @e. */
int fdt_overlay(void **fdt, size_t *size, const char *path, struct err *e);
