/* SPDX-License-Identifier: MIT */
/*
 * A user's device tree, brought up to date for this machine.
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/fdt_parts.h"
#include "core/log.h"

/* What /chosen and /memory@ may add, beside the parameters. */
#define ROOM 4096

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
	return fdt_appendprop_addrrange(fdt, 0, node, "reg", arch_map.ram,
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

/* In cells as many as its siblings have, if it has any. */
static int cells_update(void *fdt, int node, const char *name)
{
	if (fdt_getprop(fdt, node, name, NULL))
		return 0;
	return fdt_setprop_u32(fdt, node, name, 2);
}

/* Module @i, in a node of the guest's. */
static int module_add(void *fdt, int guest, const struct machine *m, unsigned i)
{
	const struct range *at = &m->module[i].at;
	const struct fdt_strings *kind = &fdt_modules[i % MODULE_KINDS];
	const char *args = m->module[i].args;
	char name[32];
	int ret, node;

	snprintf(name, sizeof(name), "module@%llx",
		 (unsigned long long)at->base);
	node = fdt_add_subnode(fdt, guest, name);
	if (node < 0)
		return node;
	ret = fdt_setprop(fdt, node, "compatible", kind->s, kind->len);
	if (!ret)
		ret = fdt_appendprop_addrrange(fdt, guest, node, "reg",
					       at->base, at->size);
	if (!ret && args)
		ret = fdt_setprop_string(fdt, node, "bootargs", args);
	return ret;
}

/* A guest's modules, the first of which is @first: subnodes come before others. */
static int modules_add(void *fdt, int guest, const struct machine *m,
		       unsigned first)
{
	unsigned i;
	int ret = 0;

	for (i = first + MODULE_KINDS; i-- > first && !ret;) {
		if (!m->module[i].at.size)
			continue;
		ret = cells_update(fdt, guest, "#address-cells");
		if (!ret)
			ret = cells_update(fdt, guest, "#size-cells");
		if (!ret)
			ret = module_add(fdt, guest, m, i);
	}
	return ret;
}

static int domain_add(void *fdt, int chosen, const struct machine *m,
		      unsigned i)
{
	const struct domain_config *d = &m->domains[i];
	int ret, node = fdt_add_subnode(fdt, chosen, d->name);

	if (node < 0)
		return node;
	ret = fdt_setprop_string(fdt, node, "compatible", "xen,domain");
	if (!ret)
		ret = fdt_setprop_u64(fdt, node, "memory", d->memory >> 10);
	if (!ret)
		ret = fdt_setprop_u32(fdt, node, "cpus", d->cpus);
	if (!ret)
		ret = fdt_setprop_empty(fdt, node, "vpl011");
	return ret ? ret : modules_add(fdt, node, m, MODULE_KINDS * (i + 1));
}

static int guests_update(void *fdt, int chosen, const struct machine *m)
{
	unsigned i;
	int ret = 0;

	if (!fdt_has_modules(m))
		return 0;
	for (i = m->ndomains; i-- && !ret;)
		ret = domain_add(fdt, chosen, m, i);
	return ret ? ret : modules_add(fdt, chosen, m, 0);
}

static int chosen_update(void *fdt, const struct machine *m)
{
	int ret, node = fdt_subnode_offset(fdt, 0, "chosen");

	if (node == -FDT_ERR_NOTFOUND)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	if (m->params) {
		ret = fdt_setprop_string(fdt, node, fdt_params_name(m),
					 m->params);
		if (ret)
			return ret;
	}
	ret = initrd_update(fdt, node, &m->initrd);
	if (ret)
		return ret;
	ret = fdt_setprop_u64(fdt, node, "kaslr-seed", m->kaslr_seed);
	if (ret)
		return ret;
	ret = fdt_setprop(fdt, node, "rng-seed", m->rng_seed,
			  sizeof(m->rng_seed));
	return ret ? ret : guests_update(fdt, node, m);
}

static int update(void *fdt, const struct machine *m)
{
	int ret = memory_update(fdt, m);

	if (!ret)
		ret = chosen_update(fdt, m);
	return ret ? ret : fdt_pack(fdt);
}

int fdt_from_file(const struct machine *m, const struct infile *f, void **out,
		  size_t *size, struct err *e)
{
	void *blob, *fdt;
	size_t room;
	int ret, err = fdt_read(f, &blob, e);

	if (err)
		return err;
	room = f->size + ROOM + fdt_text_room(m);
	fdt = malloc(room);
	if (!fdt) {
		err = infile_err(f, e, -ENOMEM, "the host is out of memory");
		goto out;
	}
	ret = fdt_open_into(blob, fdt, room);
	if (!ret)
		ret = update(fdt, m);
	if (ret) {
		err = infile_err(f, e, -EINVAL,
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
