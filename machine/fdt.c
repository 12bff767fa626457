/* SPDX-License-Identifier: MIT */
/*
 * The machine's own device tree: all of it but the architecture's nodes and the
 * devices' (machine/board_devices.c).
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/arch.h"
#include "machine/board_impl.h"
#include "machine/fdt_parts.h"
#include "machine/tree.h"

/* Bytes: what every machine has, and then each CPU, slot and parameter. */
#define ROOM	  12288
#define ROOM_CPU  320
#define ROOM_SLOT 256

static void add_root(struct tree *t)
{
	tree_cells(t, "interrupt-parent", TREE_INTC);
	tree_empty(t, "dma-coherent");
	tree_cells(t, "#size-cells", 2);
	tree_cells(t, "#address-cells", 2);
	tree_string(t, "compatible", "linux,dummy-virt");
	tree_string(t, "model", "linux,dummy-virt");
}

#define STRINGS(lit)             \
	{                        \
		lit, sizeof(lit) \
	}
const struct fdt_strings fdt_modules[] = {
	[MODULE_KERNEL] = STRINGS("multiboot,kernel\0multiboot,module"),
	[MODULE_RAMDISK] = STRINGS("multiboot,ramdisk\0multiboot,module"),
	[MODULE_TREE] = STRINGS("multiboot,device-tree\0multiboot,module"),
};

/* Those of one guest, each addressed as the root's children are. */
static void add_modules(struct tree *t, const struct machine *m, unsigned first)
{
	unsigned i, any = 0;

	for (i = first; i < first + MODULE_KINDS; i++) {
		const struct range *r = &m->module[i].at;

		if (!r->size)
			continue;
		if (!any++) {
			tree_cells(t, "#address-cells", 2);
			tree_cells(t, "#size-cells", 2);
		}
		tree_node_at(t, "module", r->base);
		tree_prop(t, "compatible", fdt_modules[i % MODULE_KINDS].s,
			  fdt_modules[i % MODULE_KINDS].len);
		tree_cells(t, "reg", TREE_REGION(r->base, r->size));
		if (m->module[i].args)
			tree_string(t, "bootargs", m->module[i].args);
		tree_end(t);
	}
}

static void add_guests(struct tree *t, const struct machine *m)
{
	unsigned i;

	add_modules(t, m, 0);
	for (i = 0; i < m->ndomains; i++) {
		const struct domain_config *d = &m->domains[i];

		tree_node(t, "%s", d->name);
		tree_string(t, "compatible", "xen,domain");
		tree_u64(t, "memory", d->memory >> 10);
		tree_cells(t, "cpus", d->cpus);
		tree_empty(t, "vpl011");
		add_modules(t, m, MODULE_KINDS * (i + 1));
		tree_end(t);
	}
}

static void add_chosen(struct tree *t, const struct machine *m)
{
	char path[TREE_NAME_MAX];

	snprintf(path, sizeof(path), "/pl011@%llx",
		 (unsigned long long)arch_map.uart.base);
	tree_node(t, "chosen");
	tree_string(t, "stdout-path", path);
	if (m->params)
		tree_string(t, fdt_params_name(m), m->params);
	if (m->initrd.size) {
		tree_u64(t, "linux,initrd-start", m->initrd.base);
		tree_u64(t, "linux,initrd-end",
			 m->initrd.base + m->initrd.size);
	}
	tree_u64(t, "kaslr-seed", m->kaslr_seed);
	tree_prop(t, "rng-seed", m->rng_seed, sizeof(m->rng_seed));
	if (fdt_has_modules(m))
		add_guests(t, m);
	tree_end(t);
}

static void add_memory(struct tree *t, const struct machine *m)
{
	tree_node_at(t, "memory", arch_map.ram);
	tree_string(t, "device_type", "memory");
	tree_cells(t, "reg", TREE_REGION(arch_map.ram, m->ram_size));
	tree_end(t);
}

static void add_clock(struct tree *t)
{
	tree_node(t, "apb-pclk");
	tree_handle(t, TREE_CLOCK, "apb_pclk");
	tree_string(t, "clock-output-names", "clk24mhz");
	tree_cells(t, "clock-frequency", 24000000);
	tree_cells(t, "#clock-cells", 0);
	tree_string(t, "compatible", "fixed-clock");
	tree_end(t);
}

/* The labels of the nodes above that have a phandle. */
static void add_symbols(struct tree *t)
{
	unsigned h;

	tree_node(t, "__symbols__");
	for (h = 0; h < TREE_HANDLES; h++)
		if (t->of[h].label)
			tree_path(t, t->of[h].label, h);
	tree_end(t);
}

static void add_all(struct tree *t, const struct machine *m)
{
	tree_node(t, "%s", "");
	add_root(t);
	add_chosen(t, m);
	add_memory(t, m);
	arch_fdt_cpus(t, m);
	add_clock(t);
	board_add_nodes(t, m);
	add_symbols(t);
	tree_end(t);
}

int fdt_build(const struct machine *m, void **out, size_t *size)
{
	const size_t room = ROOM + m->cpus * ROOM_CPU +
			    m->has_virtio_mmio * VIRTIO_SLOTS * ROOM_SLOT +
			    fdt_text_room(m);
	struct tree t = { .buf = malloc(room) };

	if (!t.buf)
		return -ENOMEM;
	/* Names stand as often as they are used: to look for each takes longer. */
	t.err = fdt_create_with_flags(t.buf, room,
				      FDT_CREATE_FLAG_NO_NAME_DEDUP);
	if (!t.err)
		t.err = fdt_finish_reservemap(t.buf);
	add_all(&t, m);
	if (!t.err)
		t.err = fdt_finish(t.buf);
	if (t.err) {
		free(t.buf);
		return -ENOMEM;
	}
	*out = t.buf;
	*size = fdt_totalsize(t.buf);
	return 0;
}
