/* SPDX-License-Identifier: MIT */
/*
 * A user's device tree, and overlays.
 *
 * libfdt bounds every access to a tree that fdt_check_full() has accepted, but
 * it recurses into overlays: hence the limit to their depth.
 */
#include "arm64/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arm64/infile.h"
#include "core/log.h"

/* What /chosen and /memory@ may add, beside the parameters. */
#define ROOM 4096

/* Applying an overlay is tried with more room until there is this much. */
#define ROOM_MAX (16 * (size_t)FDT_SIZE_MAX)

static bool too_deep(const void *fdt)
{
	int node, depth = 0;

	for (node = 0; node >= 0 && depth >= 0;
	     node = fdt_next_node(fdt, node, &depth))
		if (depth > FDT_DEPTH_MAX)
			return true;
	return false;
}

static int check(const struct infile *f, const void *blob, struct err *e)
{
	const int ret = fdt_check_full(blob, f->size);

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

/* A whole tree, checked, in *@blob (malloc()ed). */
static int tree_read(const char *opt, const char *path, void **blob,
		     struct infile *f, struct err *e)
{
	int err = infile_open(f, opt, path, e);

	if (err)
		return err;
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
	infile_close(f);
	if (!err)
		err = check(f, *blob, e);
	if (err)
		free(*blob);
	return err;
}

static bool is_memory(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int len;
	const char *type = fdt_getprop(fdt, node, "device_type", &len);

	if (type && len == sizeof("memory") && !memcmp(type, "memory", len))
		return true;
	return name &&
	       (!strcmp(name, "memory") || !strncmp(name, "memory@", 7));
}

/* Our RAM, instead of whatever the tree says. 0 or an error of libfdt. */
static int memory_update(void *fdt, const struct machine *m)
{
	static const char type[] = "memory";
	int node, next, ret;

	for (node = fdt_first_subnode(fdt, 0); node >= 0; node = next) {
		next = fdt_next_subnode(fdt, node);
		if (is_memory(fdt, node)) {
			/* In place, so that @next still holds. */
			ret = fdt_nop_node(fdt, node);
			if (ret)
				return ret;
		}
	}
	node = fdt_add_subnode(fdt, 0, "memory@40000000");
	if (node < 0)
		return node;
	ret = fdt_setprop(fdt, node, "device_type", type, sizeof(type));
	if (ret)
		return ret;
	return fdt_appendprop_addrrange(fdt, 0, node, "reg", MAP_RAM_BASE,
					m->ram_size);
}

static int prop_remove(void *fdt, int node, const char *name)
{
	const int ret = fdt_delprop(fdt, node, name);

	return ret == -FDT_ERR_NOTFOUND ? 0 : ret;
}

static int initrd_update(void *fdt, int node, const struct range *r)
{
	int ret;

	if (!r->size) {
		ret = prop_remove(fdt, node, "linux,initrd-start");
		return ret ? ret : prop_remove(fdt, node, "linux,initrd-end");
	}
	ret = fdt_setprop_u64(fdt, node, "linux,initrd-start", r->base);
	if (ret)
		return ret;
	return fdt_setprop_u64(fdt, node, "linux,initrd-end",
			       r->base + r->size);
}

static int chosen_update(void *fdt, const struct machine *m)
{
	int ret, node = fdt_subnode_offset(fdt, 0, "chosen");

	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	if (m->params) {
		ret = fdt_setprop_string(fdt, node, "bootargs", m->params);
		if (ret)
			return ret;
	}
	ret = initrd_update(fdt, node, &m->initrd);
	if (ret)
		return ret;
	ret = fdt_setprop_u64(fdt, node, "kaslr-seed", m->kaslr_seed);
	if (ret)
		return ret;
	return fdt_setprop(fdt, node, "rng-seed", m->rng_seed,
			   sizeof(m->rng_seed));
}

static int update(void *fdt, const struct machine *m)
{
	int ret = memory_update(fdt, m);

	if (!ret)
		ret = chosen_update(fdt, m);
	return ret ? ret : fdt_pack(fdt);
}

int fdt_from_file(const struct machine *m, const char *path, void **out,
		  size_t *size, struct err *e)
{
	void *blob, *fdt;
	struct infile f;
	size_t room;
	int ret, err = tree_read("--dtb", path, &blob, &f, e);

	if (err)
		return err;
	room = f.size + ROOM + (m->params ? strlen(m->params) : 0);
	fdt = malloc(room);
	if (!fdt) {
		err = infile_err(&f, e, -ENOMEM, "the host is out of memory");
		goto out;
	}
	ret = fdt_open_into(blob, fdt, room);
	if (!ret)
		ret = update(fdt, m);
	if (ret) {
		err = infile_err(&f, e, -EINVAL,
				 "cannot describe this machine's memory and "
				 "boot (%s); check its root node",
				 fdt_strerror(ret));
		free(fdt);
		goto out;
	}
	*out = fdt;
	*size = fdt_totalsize(fdt);
out:
	free(blob);
	return err;
}

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

int fdt_overlay(void **fdt, size_t *size, const char *path, struct err *e)
{
	void *blob, *out = NULL;
	struct infile f;
	size_t room;
	int ret, err = tree_read("--dtb-overlay", path, &blob, &f, e);

	if (err)
		return err;
	if (!is_overlay(blob)) {
		err = infile_err(&f, e, -EINVAL,
				 "is no overlay; compile it from a source with "
				 "/plugin/, or give it with --dtb");
		goto out;
	}
	room = *size + 2 * f.size + ROOM;
	do {
		ret = overlay_try(*fdt, blob, room, &out);
		room *= 2;
	} while (ret == -FDT_ERR_NOSPACE && room <= ROOM_MAX);
	if (ret < -FDT_ERR_MAX) {
		err = infile_err(&f, e, -ENOMEM, "the host is out of memory");
	} else if (ret) {
		err = overlay_complain(&f, *fdt, ret, e);
	} else {
		free(*fdt);
		*fdt = out;
		*size = fdt_totalsize(out);
	}
out:
	free(blob);
	return err;
}
