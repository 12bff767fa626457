/* SPDX-License-Identifier: MIT */
/*
 * Result files: whole or not at all.
 *
 * A file appears under its name only when complete; what is no file, a device,
 * is written to as it is. "-" is standard output.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "host/leavings.h"

struct err;
struct output;

/*
 * output_open() - be ready to write to @path, and see that it would succeed
 *
 * The directory stays open: output_put() needs no path. 0, or -errno with a
 * sentence in @e; also if it might wait: for the reader of a FIFO.
 */
int output_open(const char *path, struct output **out, struct err *e);
void output_close(struct output *); /* or NULL */

/* As output_open() got it. */
const char *output_path(const struct output *);

/* Put @len bytes there, in place of what was. -errno with a sentence in @e. */
int output_put(struct output *, const void *buf, size_t len, struct err *e);

/* The same once, also to a FIFO, whose reader it waits for. */
int output_write(const char *path, const void *buf, size_t len, struct err *e);

/*
 * output_all() - write all @len bytes to @fd, which may wait for them
 *
 * 0, or -errno. *@done is how many were written.
 */
int output_all(int fd, const char *buf, size_t len, size_t *done);

/* A file that is not complete yet. */
struct temporary {
	char name[PATH_MAX];
	struct leaving made;
};

/*
 * output_temporary() - a new file beside @name in @dir, to be renamed to it
 *
 * @dir is as for openat(). Its descriptor, or -errno. Whatever becomes of it, its
 * leaving_remove() comes at last.
 */
int output_temporary(int dir, const char *name, struct temporary *);
