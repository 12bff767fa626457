/* SPDX-License-Identifier: MIT */
/*
 * The distribution's virtiofsd, as a process of ours: it serves a directory to
 * one guest, and ends with it.
 *
 * It is killed when nestor ends, in whatever way. Its socket has a name only
 * for the moment in which it is made.
 */
#pragma once

#include <stdbool.h>

struct err;
struct virtiofsd;

/* Where it is, or NULL: it is not installed. */
const char *virtiofsd_path(void);

/*
 * virtiofsd_new() - have it serve @dir, and let nobody change it if @readonly
 *
 * Main thread. NULL with the reason in @e, which does not name @dir.
 */
struct virtiofsd *virtiofsd_new(const char *dir, bool readonly, struct err *e);

/* The socket to it, once: the caller's. -1 with errno set. */
int virtiofsd_connect(struct virtiofsd *);

/* Ends it. NULL is allowed. */
void virtiofsd_free(struct virtiofsd *);
