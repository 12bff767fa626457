/* SPDX-License-Identifier: MIT */
/* What the parts of a closure share; for host/closure*.c only. */
#pragma once

#include "host/closure.h"

struct closure {
	int root; /* O_PATH */
	struct cpio *cpio;
	char **dirs; /* those of ld.so.conf, once they are read */
	unsigned ndirs;
	bool dirs_read;
};

/* The directory @path of the root, to be read: a descriptor, or -errno. */
int closure_open_dir(const struct closure *, const char *path);

/* @path without empty, "." and ".." parts, absolute; or NULL. */
char *closure_clean(const char *path);

/*
 * The files that need a library, up to the program; the RPATH of each holds for
 * all below it.
 */
struct closure_need {
	const struct elf *elf;
	const char *path;
	const struct closure_need *up;
};

/*
 * closure_add_elf() - what the ELF file @fd, packed as @path, needs to run
 *
 * @up is NULL for a program. 0, or -errno with a sentence in @e.
 */
int closure_add_elf(struct closure *, const char *path, int fd,
		    const struct closure_need *up, struct err *e);
