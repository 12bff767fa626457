/* SPDX-License-Identifier: MIT */
/* Small helpers that stand on nothing. */
#pragma once

#include <stddef.h>

/* The struct of @type whose @member is at @ptr. */
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))
