/* SPDX-License-Identifier: MIT */
/*
 * What nestor puts into the file system and takes out again: sockets, temporary
 * files. Whatever ends it short of a SIGKILL, nothing of them is left behind.
 *
 * Who makes one notes it, and removes it by what is here, or keeps it. Who is
 * about to leave without waiting for anybody removes them all. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct leaving {
	int dir;	  /* where it is, or AT_FDCWD */
	const char *name; /* NULL: nothing is noted */
	dev_t dev;	  /* which it was, lest another is removed */
	ino_t ino;
	bool is_dir;
};

/*
 * leaving_note() - there is something called @name in @dir
 *
 * Both must stay, and so must @l, until it is removed or kept. 0, or -errno if
 * it is not there; then nothing is noted.
 */
int leaving_note(struct leaving *l, int dir, const char *name);

/* Remove it, unless something else has its name. Nothing if none is noted. */
void leaving_remove(struct leaving *);

/* It stays, or is gone. Nothing if none is noted. */
void leaving_keep(struct leaving *);

/* All that are noted: for a signal handler, behind which nothing goes on. */
void leavings_remove(void);
