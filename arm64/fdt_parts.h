/* SPDX-License-Identifier: MIT */
/*
 * What fdt_file.c and fdt_overlay.c share.
 */
#pragma once

#include "arm64/fdt.h"
#include "arm64/infile.h"

/*
 * fdt_read() - read the tree at @path, which the user gave with @opt
 *
 * It is checked wholly, and no longer or deeper than arm64/fdt.h says. *@blob
 * is malloc()ed, @f is closed again but serves infile_err(). 0, or -errno with
 * a sentence in @e.
 */
int fdt_read(const char *opt, const char *path, void **blob, struct infile *f,
	     struct err *e);
