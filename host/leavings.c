/* SPDX-License-Identifier: MIT */
/*
 * A signal handler can be handed nothing, so the table is static. A place in it
 * is taken and given up by one atomic exchange. It has more than a VM needs; who
 * finds none goes without the handler's help.
 */
#include "host/leavings.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 64

static struct leaving *places[PLACES];

static void put(struct leaving *is, struct leaving *becomes)
{
	unsigned i;

	for (i = 0; i < PLACES; i++) {
		struct leaving *expected = is;

		if (__atomic_compare_exchange_n(&places[i], &expected, becomes,
						false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			return;
	}
}

int leaving_note(struct leaving *l, int dir, const char *name)
{
	struct stat st;

	l->name = NULL;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*l = (struct leaving){ .dir = dir,
			       .name = name,
			       .dev = st.st_dev,
			       .ino = st.st_ino,
			       .is_dir = S_ISDIR(st.st_mode) };
	put(NULL, l);
	return 0;
}

/* From a handler, too. */
static void erase(const struct leaving *l)
{
	struct stat st;

	if (fstatat(l->dir, l->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == l->ino && st.st_dev == l->dev)
		unlinkat(l->dir, l->name, l->is_dir ? AT_REMOVEDIR : 0);
}

void leaving_remove(struct leaving *l)
{
	if (l->name)
		erase(l);
	leaving_keep(l);
}

void leaving_keep(struct leaving *l)
{
	if (l->name)
		put(l, NULL);
	l->name = NULL;
}

/* A directory is empty only when the rest is gone. */
void leavings_remove(void)
{
	unsigned i, dirs;

	for (dirs = 0; dirs < 2; dirs++)
		for (i = 0; i < PLACES; i++) {
			const struct leaving *l =
				__atomic_load_n(&places[i], __ATOMIC_ACQUIRE);

			if (l && l->is_dir == dirs)
				erase(l);
		}
}
