/* SPDX-License-Identifier: MIT */
/*
 * A fuzzer's input as a stream of bytes, of which each step takes some.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

static const uint8_t *next, *end;

/* The next one; 0 behind the last. */
static inline unsigned byte(void)
{
	return next < end ? *next++ : 0;
}

/* What guests cause to be logged is not shown. */
static inline void take_input(const uint8_t *data, size_t size)
{
	log_level = LOG_ERROR;
	next = data;
	end = data + size;
}
