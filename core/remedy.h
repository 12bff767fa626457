/* SPDX-License-Identifier: MIT */
/*
 * What the user can do about an error of the host's, by its number.
 *
 * The same call fails for many reasons, and a remedy that is written down where
 * it fails fits one of them: a limit on open files is not cured by a file that
 * one may read. So the remedy comes from here wherever a path of the user's is
 * opened, made or written, and memory taken.
 */
#pragma once

#include <sys/types.h>

struct err;

/*
 * remedy() - what may be done about @err, an errno; "" if nothing is known
 *
 * A part of a sentence in the imperative, without a full stop.
 */
const char *remedy(int err);

/*
 * remedy_limit() - the same if @err is due to a limit of the process's, or the
 * host's, on what it takes; else NULL
 */
const char *remedy_limit(int err);

/* The same for @path, which says more: that it is a link that leads nowhere. */
const char *remedy_path(int err, const char *path);

/* For want of memory, if the process has a limit on it; else NULL. */
const char *remedy_memory(void);

/*
 * err_host() - a sentence in @e: what @fmt says, why, and what to do
 *
 * "--disk x: Permission denied; ..." for "--disk x". @code is the negative
 * errno, which it returns.
 */
int err_host(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for "@opt @path", with remedy_path(). */
int err_path(struct err *e, int code, const char *opt, const char *path);

/* What a file that is not a regular one is, as "a FIFO". */
const char *file_kind(mode_t mode);
