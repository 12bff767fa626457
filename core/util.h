/* SPDX-License-Identifier: MIT */
/* Small helpers that stand on nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a shell looks in, if nobody has said. */
#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The struct of @type whose @member is at @ptr. */
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* @unit is a power of two; the caller knows that nothing wraps. */
static inline uint64_t align_up(uint64_t v, uint64_t unit)
{
	return (v + unit - 1) & -unit;
}

static inline uint64_t align_down(uint64_t v, uint64_t unit)
{
	return v & -unit;
}
