/* SPDX-License-Identifier: MIT */
/*
 * A device tree that is written front to back with libfdt. The first error is
 * kept, and all calls after it do nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/gmem.h"

/* What a node of the tree refers to by phandle. */
enum tree_handle {
	TREE_NONE,
	TREE_INTC, /* addresses what is in it as the root does */
	TREE_CLOCK,
	TREE_UART,
	TREE_RTC,
	TREE_GPIO,
	TREE_MSI,
	TREE_HANDLES
};

#define TREE_NAME_MAX 32 /* with an address and the terminating zero */

struct tree {
	void *buf;
	int err;		  /* of libfdt; the first one */
	char name[TREE_NAME_MAX]; /* of the node that was begun last */
	struct {
		const char *label;
		char name[TREE_NAME_MAX];
	} of[TREE_HANDLES]; /* the nodes that have them */
};

/* A node, whose properties and nodes follow until tree_end(). */
__attribute__((format(printf, 2, 3))) void tree_node(struct tree *t,
						     const char *fmt, ...);
/* The same, of what is at @base: NAME@BASE. */
void tree_node_at(struct tree *t, const char *name, gpa_t base);
void tree_end(struct tree *t);

/* Properties: @len bytes, a string, nothing, 64 bits, cells. */
void tree_prop(struct tree *t, const char *name, const void *val, size_t len);
void tree_string(struct tree *t, const char *name, const char *s);
void tree_empty(struct tree *t, const char *name);
void tree_u64(struct tree *t, const char *name, uint64_t v);
/* At most TREE_CELLS_MAX of them. */
#define TREE_CELLS_MAX 160
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

/*
 * Others refer to this node by @h: right behind tree_node(). An overlay does so
 * by @label, for a child of the root's; or NULL.
 */
void tree_handle(struct tree *t, enum tree_handle h, const char *label);

/* The path of the root's child that has @h. */
void tree_path(struct tree *t, const char *name, enum tree_handle h);

/* Where it is in the map. */
#define tree_reg(t, place) \
	tree_cells(t, "reg", TREE_REGION((place)->base, (place)->size))

/* The node's interrupt: a line of the interrupt controller's. */
void tree_interrupt(struct tree *t, unsigned line, bool edge);
