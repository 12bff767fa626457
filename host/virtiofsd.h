/* SPDX-License-Identifier: MIT */
/*
 * The distribution's virtiofsd, as a process of ours: it serves a directory to
 * one guest, and ends with it.
 *
 * It is killed when nestor ends, in whatever way. Its socket has a name only
 * for the moment in which it is made. It inherits neither descriptors nor
 * environment, and what it says goes through the rate limit of the log.
 */
#pragma once

#include <stdbool.h>

struct err;
struct virtiofsd;

/* Where it is, or NULL: it is not installed. */
const char *virtiofsd_path(void);

/*
 * virtiofsd_new() - have @path serve @dir; nobody may change it if @readonly
 *
 * @path is virtiofsd_path(). Main thread. NULL with the reason in @e, which
 * does not name @dir.
 */
struct virtiofsd *virtiofsd_new(const char *path, const char *dir,
				bool readonly, struct err *e);

/*
 * virtiofsd_restart() - another, for the same directory, in place of one that
 * was ended
 *
 * It ends with the thread that calls this. 0, or -errno with the reason in @e:
 * there is none then, and this may be tried again.
 */
int virtiofsd_restart(struct virtiofsd *, struct err *e);

/* The socket to it, once: the caller's. -1 with errno set. */
int virtiofsd_connect(struct virtiofsd *);

/* Readable when it says something, or has ended; stays ours. -1: none is there. */
int virtiofsd_says_fd(const struct virtiofsd *);

/* Log some of what it has said; false: it will say no more. */
bool virtiofsd_say(struct virtiofsd *);

/*
 * virtiofsd_end() - kill it: when this returns 0, it touches nothing any more
 *
 * -ETIMEDOUT if the host is still busy with what it has asked for.
 */
int virtiofsd_end(struct virtiofsd *);

/* Ends it. NULL is allowed. */
void virtiofsd_free(struct virtiofsd *);
