/* SPDX-License-Identifier: MIT */
/*
 * Reading a file that should be a flattened device tree.
 *
 * libfdt bounds its accesses to a tree that fdt_check_full() has accepted; it
 * recurses into overlays, though, hence the limit to the depth.
 */
#include "machine/fdt_parts.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

/* The first whose nodes have their whole names, and properties theirs. */
#define FDT_VERSION_MIN 16

static bool too_deep(const void *fdt)
{
	int node, depth = 0;

	for (node = 0; node >= 0 && depth >= 0;
	     node = fdt_next_node(fdt, node, &depth))
		if (depth > FDT_DEPTH_MAX)
			return true;
	return false;
}

/*
 * Of trees before version 16, which no tool has written since 2005, the library
 * takes the header, and then finds no names of properties where it looks.
 */
static int check_version(const struct infile *f, const void *blob,
			 struct err *e)
{
	if (f->size < FDT_V3_SIZE || fdt_magic(blob) != FDT_MAGIC ||
	    fdt_version(blob) >= FDT_VERSION_MIN)
		return 0;
	return infile_err(f, e, -EINVAL,
			  "is a device tree of version %u; give one of version "
			  "17, as dtc -O dtb writes it",
			  fdt_version(blob));
}

static int check(const struct infile *f, const void *blob, struct err *e)
{
	const int err = check_version(f, blob, e);
	const int ret = err ? 0 : fdt_check_full(blob, f->size);

	if (err)
		return err;

	switch (ret) {
	case 0:
		break;
	case -FDT_ERR_BADMAGIC:
		if (f->size >= 8 && !memcmp(blob, "/dts-v1/", 8))
			return infile_err(f, e, -EINVAL,
					  "is device tree source; compile it "
					  "with dtc -@ -O dtb");
		return infile_err(f, e, -EINVAL,
				  "is no device tree; give what dtc -O dtb "
				  "writes");
	case -FDT_ERR_TRUNCATED:
		return infile_err(
			f, e, -EINVAL,
			"is truncated (it has %llu bytes) or damaged; "
			"compile it again",
			(unsigned long long)f->size);
	default:
		return infile_err(f, e, -EINVAL,
				  "is a damaged device tree (%s); compile it "
				  "again",
				  fdt_strerror(ret));
	}
	if (too_deep(blob))
		return infile_err(
			f, e, -EINVAL,
			"nests nodes more than %d deep; give a flatter "
			"tree",
			FDT_DEPTH_MAX);
	return 0;
}

int fdt_read(const struct infile *f, void **blob, struct err *e)
{
	int err;

	*blob = NULL;
	if (f->size > FDT_SIZE_MAX)
		err = infile_err(
			f, e, -EFBIG,
			"has %llu bytes, and a device tree has no more "
			"than 2 MiB; give another file",
			(unsigned long long)f->size);
	else if (!(*blob = malloc(f->size)))
		err = infile_err(f, e, -ENOMEM, "the host is out of memory");
	else
		err = infile_read(f, 0, *blob, f->size, e);
	if (!err)
		err = check(f, *blob, e);
	if (err)
		free(*blob);
	return err;
}
