/* SPDX-License-Identifier: MIT */
/* Result files: whole or not at all. */
#pragma once

#include <limits.h>
#include <stddef.h>

struct err;

/*
 * output_check() - could output_write() to @path succeed?
 *
 * -errno with a sentence in @e if not, or if it might wait: for the reader of
 * a FIFO.
 */
int output_check(const char *path, struct err *e);

/*
 * output_write() - put @len bytes into the file @path ("-": standard output)
 *
 * A file appears under its name only when complete; a device or FIFO is
 * written to as it is. -errno with a sentence in @e.
 */
int output_write(const char *path, const void *buf, size_t len, struct err *e);

/*
 * output_temporary() - a new file beside @path, to be renamed to it
 *
 * Its mode is that of one made by open(). Its descriptor, and in @tmp its
 * name; or -errno.
 */
int output_temporary(const char *path, char tmp[PATH_MAX]);
