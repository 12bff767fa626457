/* SPDX-License-Identifier: MIT */
/* What the two halves of host/rundir.h share; nobody else includes this. */
#pragma once

#include <dirent.h>

#include "host/rundir.h"

struct rundir {
	int fd;
	char *path;
};

/* Any entry @name that is a directory. 0 or -errno. */
int vmref_open(struct rundir *, const char *name, struct vmref *out);

/* NULL with errno set. */
DIR *rundir_opendir(struct rundir *);

/*
 * rundir_erase() - remove the entry @name, if it still is the directory @dir
 *
 * The base is locked. 0, also if it was gone, or -errno.
 */
int rundir_erase(struct rundir *, const char *name, int dir);

/* A listening socket @name in @dir, 0600, non-blocking; or -errno. */
int rundir_listen(int dir, const char *name, int backlog);
