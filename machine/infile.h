/* SPDX-License-Identifier: MIT */
/*
 * A file that the user names and that is read into the machine: a kernel, an
 * initrd, a tree.
 *
 * Only a regular file will do. It is opened so that a FIFO cannot make anybody
 * wait, and its size is what it was when it was opened: a file that shrinks
 * meanwhile is an error, one that grows is read up to its old size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/gmem.h"

struct err;

struct infile {
	const char *opt;  /* the option that named it, as "--kernel" */
	const char *path; /* both are the caller's, and outlive this */
	int fd;
	uint64_t size; /* at least 1; 0: it was never opened */
	struct timespec mtime;
};

/*
 * infile_open() - open @path, which the user gave with @opt
 *
 * 0, or -errno with a sentence in @e; then there is nothing to close.
 */
int infile_open(struct infile *, const char *opt, const char *path,
		struct err *e);
/* One that is all zero, or closed, may be closed, too. */
void infile_close(struct infile *);

/* Has it been written to since it was opened, as far as its times tell? */
bool infile_has_changed(const struct infile *);

/*
 * infile_read() - @len bytes from offset @off
 *
 * 0, or -errno with a sentence in @e, also if the file ends before.
 */
int infile_read(const struct infile *, uint64_t off, void *buf, size_t len,
		struct err *e);

/*
 * infile_load() - @len bytes from offset @off straight into guest memory
 *
 * The one way by which file contents reach RAM uncopied. 0, or -errno with a
 * sentence in @e; -EFAULT if any byte lies outside RAM, and then nothing was
 * read.
 */
int infile_load(const struct infile *, uint64_t off, const struct gmem *,
		gpa_t gpa, size_t len, struct err *e);

/*
 * infile_err() - "OPTION PATH: ..." in @e; returns @code
 *
 * A very long path is cut, so that there is room for the rest.
 */
int infile_err(const struct infile *, struct err *e, int code, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));
