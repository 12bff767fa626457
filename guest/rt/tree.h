/* SPDX-License-Identifier: MIT */
/*
 * The device tree as a payload reads it where it lies: big endian, flattened
 * (Devicetree Specification 0.4, chapter 5). It is nestor's own, so that what is
 * missing ends the payload; nothing here guards against a broken one.
 */
#pragma once

#include "guest/rt/rt.h"

/* The header's fields, by their offset, and what nodes are made of. */
#define TREE_MAGIC	 0xd00dfeedu
#define TREE_TOTALSIZE	 4u
#define TREE_OFF_STRUCT	 8u
#define TREE_OFF_STRINGS 12u
#define TREE_LEN_STRINGS 32u
#define TREE_LEN_STRUCT	 36u
#define TREE_PROP	 3u

uint32_t be32(const volatile uint8_t *);
uint64_t be64(const volatile uint8_t *);
void put_be32(volatile uint8_t *, uint32_t);

/*
 * The first token behind the name of the @n-th node called @name, with or without
 * an address behind it, at any depth; or NULL
 */
uint8_t *tree_node(uint8_t *tree, const char *name, unsigned n);

/* The value of @node's property @prop, its length in *@len; or NULL. */
uint8_t *tree_prop(uint8_t *tree, uint8_t *node, const char *prop,
		   uint32_t *len);

/* That of the first node called @name; fails if it has not @least bytes. */
uint8_t *tree_find(uint8_t *tree, const char *name, const char *prop,
		   uint32_t least);
