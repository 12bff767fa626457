/* SPDX-License-Identifier: MIT */
/*
 * A device tree that is written front to back with libfdt. The first error is
 * kept, and all calls after it do nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree {
	void *buf;
	int err; /* of libfdt; the first one */
};

/* What a node of the tree refers to by phandle, or an overlay by label. */
enum tree_handle {
	TREE_NONE,
	TREE_INTC, /* addresses what is in it as the root does */
	TREE_CLOCK,
	TREE_UART,
	TREE_RTC,
	TREE_GPIO,
	TREE_MSI,
};

/* A node, whose properties and nodes follow until tree_end(). */
__attribute__((format(printf, 2, 3))) void tree_node(struct tree *t,
						     const char *fmt, ...);
void tree_end(struct tree *t);

/* Properties: @len bytes, a string, nothing, 64 bits, cells. */
void tree_prop(struct tree *t, const char *name, const void *val, size_t len);
void tree_string(struct tree *t, const char *name, const char *s);
void tree_empty(struct tree *t, const char *name);
void tree_u64(struct tree *t, const char *name, uint64_t v);
/* At most 32 of them. */
void tree_cell_list(struct tree *t, const char *name, const uint32_t *v,
		    size_t n);

/* A list of strings is a literal with \0 between them. */
#define tree_strings(t, name, lit) tree_prop(t, name, lit, sizeof(lit))

#define tree_cells(t, name, ...)                                   \
	tree_cell_list(t, name, (const uint32_t[]){ __VA_ARGS__ }, \
		       sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

/* A 64-bit number as two cells, and a region of them. */
#define TREE_U64(v)		(uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)
#define TREE_REGION(base, size) TREE_U64(base), TREE_U64(size)

/* Others refer to this node by @h. */
void tree_handle(struct tree *t, enum tree_handle h);

/* The node's interrupt: a line of the interrupt controller's. */
void tree_interrupt(struct tree *t, unsigned line, bool edge);
