/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: libfdt reports trouble from each call, and all of them
 * have the same cause (the buffer is too small) and the same cure (none: it is
 * sized for the largest machine). So a struct tree remembers the first error,
 * and everything after it is skipped.
 */
#include "machine/tree.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "machine/arch.h"

void tree_node(struct tree *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->name, sizeof(t->name), fmt, ap);
	va_end(ap);
	if (!t->err)
		t->err = fdt_begin_node(t->buf, t->name);
}

void tree_node_at(struct tree *t, const char *name, gpa_t base)
{
	tree_node(t, "%s@%llx", name, (unsigned long long)base);
}

void tree_end(struct tree *t)
{
	if (!t->err)
		t->err = fdt_end_node(t->buf);
}

void tree_prop(struct tree *t, const char *name, const void *val, size_t len)
{
	if (!t->err)
		t->err = fdt_property(t->buf, name, val, len);
}

void tree_string(struct tree *t, const char *name, const char *s)
{
	tree_prop(t, name, s, strlen(s) + 1);
}

void tree_empty(struct tree *t, const char *name)
{
	tree_prop(t, name, NULL, 0);
}

void tree_u64(struct tree *t, const char *name, uint64_t v)
{
	if (!t->err)
		t->err = fdt_property_u64(t->buf, name, v);
}

void tree_cell_list(struct tree *t, const char *name, const uint32_t *v,
		    size_t n)
{
	fdt32_t be[TREE_CELLS_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		be[i] = cpu_to_fdt32(v[i]);
	tree_prop(t, name, be, n * sizeof(be[0]));
}

void tree_handle(struct tree *t, enum tree_handle h, const char *label)
{
	t->of[h].label = label;
	memcpy(t->of[h].name, t->name, sizeof(t->name));
	tree_cells(t, "phandle", h);
}

void tree_path(struct tree *t, const char *name, enum tree_handle h)
{
	char path[1 + TREE_NAME_MAX];

	snprintf(path, sizeof(path), "/%s", t->of[h].name);
	tree_string(t, name, path);
}

void tree_interrupt(struct tree *t, unsigned line, bool edge)
{
	uint32_t cell[ARCH_IRQ_CELLS_MAX];

	tree_cell_list(t, "interrupts", cell, arch_irq_cells(line, edge, cell));
}
