/* SPDX-License-Identifier: MIT */
/* A walk over the tokens of a flattened device tree. */
#include "guest/rt/tree.h"

#define BEGIN_NODE 1u
#define END_NODE   2u
#define NOP	   4u

uint32_t be32(const volatile uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

uint64_t be64(const volatile uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

void put_be32(volatile uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

/* Is @s what @t begins with, up to a terminating zero or an address? */
static bool is_name(const volatile uint8_t *t, const char *s)
{
	while (*s && *t == (uint8_t)*s)
		t++, s++;
	return !*s && (!*t || *t == '@');
}

static uint8_t *behind_prop(uint8_t *value)
{
	return value + 8 + ((be32(value) + 3) & ~3u);
}

uint8_t *tree_node(uint8_t *tree, const char *name, unsigned n)
{
	uint8_t *p = tree + be32(tree + TREE_OFF_STRUCT);

	for (;;) {
		const uint32_t token = be32(p);
		const uint8_t *found = p += 4;

		if (token == BEGIN_NODE) {
			while (*p)
				p++;
			p = tree + (((p - tree) + 4) & ~3ull);
			if (is_name(found, name) && !n--)
				return p;
		} else if (token == TREE_PROP) {
			p = behind_prop(p);
		} else if (token != NOP && token != END_NODE) {
			return NULL;
		}
	}
}

uint8_t *tree_prop(uint8_t *tree, uint8_t *node, const char *prop,
		   uint32_t *len)
{
	const uint8_t *strings = tree + be32(tree + TREE_OFF_STRINGS);
	uint8_t *p = node;

	for (; be32(p) == TREE_PROP; p = behind_prop(p + 4)) {
		if (!is_name(strings + be32(p + 8), prop))
			continue;
		*len = be32(p + 4);
		return p + 12;
	}
	return NULL;
}

uint8_t *tree_find(uint8_t *tree, const char *name, const char *prop,
		   uint32_t least)
{
	uint8_t *node = tree_node(tree, name, 0), *value;
	uint32_t len = 0;

	if (!node)
		fail("the tree has no %s", name);
	value = tree_prop(tree, node, prop, &len);
	if (!value || len < least)
		fail("%s has no %s", name, prop);
	return value;
}
