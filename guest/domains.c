/* SPDX-License-Identifier: MIT */
/*
 * Reads what Xen finds of the guests that it starts by itself (Xen's
 * docs/misc/arm/device-tree/booting.txt): under /chosen a node for each, with
 * its memory and CPUs, and modules whose bytes are where their node says. Prints a
 * line for each guest and module.
 */
#include "guest/rt/tree.h"

static uint8_t *tree;

static void module(unsigned n)
{
	uint8_t *node = tree_node(tree, "module", n);
	uint32_t len;
	const char *what = (char *)tree_prop(tree, node, "compatible", &len);
	const uint8_t *reg = tree_prop(tree, node, "reg", &len);
	const char *args = (char *)tree_prop(tree, node, "bootargs", &len);
	const volatile char *at;
	uint64_t i;

	if (!what || !reg)
		fail("module %u has no kind or place", (uint64_t)n);
	at = (const volatile char *)be64(reg);
	print("%s, '%s': ", what, args ? args : "");
	for (i = 0; i < be64(reg + 8) && at[i] != '\n'; i++)
		print("%s", (const char[]){ at[i], 0 });
	print("\n");
}

static void domain(const char *name)
{
	uint8_t *node = tree_node(tree, name, 0);
	uint32_t len = 0;
	const char *what;
	const uint8_t *memory, *cpus;

	if (!node)
		fail("there is no %s", name);
	what = (char *)tree_prop(tree, node, "compatible", &len);
	memory = tree_prop(tree, node, "memory", &len);
	cpus = tree_prop(tree, node, "cpus", &len);
	if (!what || !memory || !cpus || !tree_prop(tree, node, "vpl011", &len))
		fail("%s is no domain", name);
	print("%s: %s, %u KiB, %u CPUs\n", name, what, be64(memory),
	      (uint64_t)be32(cpus));
}

int main(uint64_t fdt)
{
	unsigned n;

	tree = (uint8_t *)fdt;
	domain("one");
	domain("two");
	for (n = 0; tree_node(tree, "module", n); n++)
		module(n);
	return 0;
}
