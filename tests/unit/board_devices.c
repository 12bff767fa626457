/* SPDX-License-Identifier: MIT */
/*
 * The devices that the board puts on the bus, and their nodes in the tree.
 */
#include "machine/board.h"

#include <libfdt.h>
#include <stdlib.h>

#include "core/kvm.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/stats_rig.h"
#include "tests/unit/test.h"

/*
 * Does property @name of @node tell of something that begins in what @r answers
 * for? Each entry has @step cells, of which @skip come before the address.
 */
static bool tells_of(const void *fdt, int node, const char *name, int skip,
		     int step, const struct bus_range *r)
{
	int len, i;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	for (i = skip; p && (i + 4) * 4 <= len; i += step)
		if (fdt64_ld((const fdt64_t *)(p + i)) - r->base < r->size)
			return true;
	return false;
}

static bool is_in_tree(const void *fdt, const struct bus_range *r)
{
	int node;

	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		if (tells_of(fdt, node, "reg", 0, 4, r) ||
		    tells_of(fdt, node, "ranges", 3, 7, r))
			return true;
	return false;
}

TEST(each_device_on_the_bus_is_in_the_tree)
{
	struct config c = board_rig_config();
	struct stats_file f = stats_file();
	struct board *b;
	struct err e;
	const struct bus_range *r;
	unsigned i;
	size_t size;
	void *fdt;

	stats_file_add(&f, "exits", 0, 0, 1);
	c.watchdog = c.exit_counter = c.rng = true;
	for (i = 0; i < 4; i++) {
		fake_kvm_reset();
		fake_kvm_stats(&f, sizeof(f));
		if (i & 1)
			fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
		c.transport = i & 2 ? TRANSPORT_MMIO : TRANSPORT_PCI;
		EQ(board_rig_make(&c, &b, &e), 0);
		EQ(board_fdt(b, &fdt, &size, &e), 0);
		LT(7, b->vm.bus.n);
		for (r = b->vm.bus.range; r < b->vm.bus.range + b->vm.bus.n;
		     r++)
			/* Nobody who reads the tree looks there. */
			if (strcmp(r->dev->ops->name, "virtio-mmio-empty") &&
			    !is_in_tree(fdt, r))
				FAIL("%s is not in the tree", r->dev->name);
		free(fdt);
		board_rig_unmake(b);
	}
}
