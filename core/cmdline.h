/* SPDX-License-Identifier: MIT */
/*
 * Command lines of Linux kernels, read as Linux reads them (lib/cmdline.c,
 * next_arg(), and kernel/params.c): quotes keep blanks, and are none of a
 * value's; - and _ are alike in a name; of several the last counts; and behind
 * a bare -- everything is init's.
 */
#pragma once

#include <stddef.h>

/*
 * cmdline_value() - what the parameter @name was last given on @cmdline
 *
 * *@len is the value's length, 0 if it has none. NULL if it is not there, or
 * @cmdline is NULL.
 */
const char *cmdline_value(const char *cmdline, const char *name, size_t *len);
