/* SPDX-License-Identifier: MIT */
/*
 * Overlays on a device tree, which libfdt applies.
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fdt_parts.h"
#include "core/log.h"

/* What an overlay may need beside twice its size; then more is tried. */
#define ROOM	 4096
#define ROOM_MAX (16 * (size_t)FDT_SIZE_MAX)

/* It has something to apply. */
static bool is_overlay(const void *fdt)
{
	int node;

	fdt_for_each_subnode(
		node, fdt,
		0) if (fdt_subnode_offset(fdt, node, "__overlay__") >=
		       0) return true;
	return false;
}

/*
 * libfdt takes an overlay's word for where in a property a phandle stands, and
 * would reach outside of it: these two look first.
 *
 * /__local_fixups__ mirrors the tree; each property is a list of offsets into
 * the one of the same name. Recurses as deep as the tree goes.
 */
static bool local_fixups_good(const void *fdt, int node, int fixups)
{
	int prop, sub, len, room, i;
	const char *name;

	fdt_for_each_property_offset(prop, fdt, fixups)
	{
		const fdt32_t *off =
			fdt_getprop_by_offset(fdt, prop, &name, &len);

		if (!off || !fdt_getprop(fdt, node, name, &room))
			return false;
		for (i = 0; i < len / 4; i++)
			if (room < 4 || fdt32_ld(off + i) > (uint32_t)room - 4)
				return false;
	}
	fdt_for_each_subnode(sub, fdt, fixups)
	{
		const int to = fdt_subnode_offset(fdt, node,
						  fdt_get_name(fdt, sub, NULL));

		if (to < 0 || !local_fixups_good(fdt, to, sub))
			return false;
	}
	return true;
}

/* /__fixups__ has lists of PATH:PROPERTY:OFFSET, of which the last matters. */
static bool fixups_good(const void *fdt, int fixups)
{
	int prop, len;

	fdt_for_each_property_offset(prop, fdt, fixups)
	{
		const char *s = fdt_getprop_by_offset(fdt, prop, NULL, &len);
		const char *end = s + len;

		if (!s || !len || end[-1])
			return false;
		for (; s < end; s += strlen(s) + 1) {
			const char *colon = strrchr(s, ':');

			if (!colon ||
			    strtoul(colon + 1, NULL, 10) > FDT_SIZE_MAX)
				return false;
		}
	}
	return true;
}

static bool overlay_good(const void *fdt)
{
	const int local = fdt_subnode_offset(fdt, 0, "__local_fixups__");
	const int fixups = fdt_subnode_offset(fdt, 0, "__fixups__");

	return (local < 0 || local_fixups_good(fdt, 0, local)) &&
	       (fixups < 0 || fixups_good(fdt, fixups));
}

static int overlay_complain(const struct infile *f, const void *fdt, int ret,
			    struct err *e)
{
	if (fdt_subnode_offset(fdt, 0, "__symbols__") < 0)
		return infile_err(
			f, e, -EINVAL,
			"does not apply (%s): the tree has no labels; "
			"compile that with dtc -@, or use target-path",
			fdt_strerror(ret));
	switch (ret) {
	case -FDT_ERR_NOTFOUND:
	case -FDT_ERR_BADPATH:
		return infile_err(
			f, e, -EINVAL,
			"refers to a label or path that the tree does "
			"not have; look at it with --dump-dtb");
	default:
		return infile_err(f, e, -EINVAL,
				  "does not apply (%s); compile it with dtc -@ "
				  "from a source with /plugin/",
				  fdt_strerror(ret));
	}
}

/*
 * Apply @blob in *@out, which has @room bytes. A failed attempt leaves both
 * damaged, so both are copies. 0, an error of libfdt, or -ENOMEM beyond those.
 */
static int overlay_try(const void *fdt, const void *blob, size_t room,
		       void **out)
{
	const size_t len = fdt_totalsize(blob);
	void *tmp = malloc(len);
	int ret = -FDT_ERR_MAX - ENOMEM;

	*out = malloc(room);
	if (!*out || !tmp)
		goto out;
	memcpy(tmp, blob, len);
	ret = fdt_open_into(fdt, *out, room);
	if (!ret)
		ret = fdt_overlay_apply(*out, tmp);
	if (!ret)
		ret = fdt_pack(*out);
out:
	free(tmp);
	if (ret) {
		free(*out);
		*out = NULL;
	}
	return ret;
}

int fdt_overlay(void **fdt, size_t *size, const struct infile *f, struct err *e)
{
	void *blob, *out = NULL;
	size_t room;
	int ret, err = fdt_read(f, &blob, e);

	if (err)
		return err;
	if (!is_overlay(blob)) {
		err = infile_err(f, e, -EINVAL,
				 "is no overlay; compile it from a source with "
				 "/plugin/, or give it with --dtb");
		goto out;
	}
	if (!overlay_good(blob)) {
		err = infile_err(f, e, -EINVAL,
				 "is a damaged overlay: its fixups point "
				 "nowhere; compile it again");
		goto out;
	}
	room = *size + 2 * f->size + ROOM;
	do {
		ret = overlay_try(*fdt, blob, room, &out);
		room *= 2;
	} while (ret == -FDT_ERR_NOSPACE && room <= ROOM_MAX);
	if (ret < -FDT_ERR_MAX) {
		err = infile_err(f, e, -ENOMEM, "the host is out of memory");
	} else if (ret) {
		err = overlay_complain(f, *fdt, ret, e);
	} else {
		free(*fdt);
		*fdt = out;
		*size = fdt_totalsize(out);
	}
out:
	free(blob);
	return err;
}
