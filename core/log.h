/* SPDX-License-Identifier: MIT */
/*
 * What nestor says, and to whom.
 *
 * Two channels: a line on standard error for what happens while a VM runs
 * (log_*()), and a struct err for a mistake of the user's, which travels up to
 * the command that prints it and exits with status 2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_DEBUG };

/* A writable global, as the next; set once by the command. */
extern enum log_level log_level;

/*
 * So many bytes standard error may hold: it is a file of ours, open for reading
 * and appending, of which the newer half is kept when it is full. 0: it is
 * somebody else's. Set once, before anybody else logs.
 */
extern size_t log_bound;

/*
 * One line on standard error, for the journal with its priority. log_warn()
 * appends errno, log_warnx() not.
 */
void log_errorx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * "@what: ", and what -errno @r is, with the remedy for a limit; if it is one. @r
 * then, else 0.
 */
int log_failure(const char *what, int r);
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * For whatever a guest can trigger: log_guest() counts every call and prints
 * the first, the second, the fourth and so on, so that a guest in a loop costs
 * a few dozen lines at the most.
 */
struct log_limit {
	unsigned long count;
};
void log_guest(struct log_limit *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A mistake in what the user gave: one sentence that names the option, the
 * value and the remedy, without a full stop or newline.
 */
struct err {
	char text[512];
};

/*
 * Fills @e, and returns @code (a negative errno) for the caller to return.
 * Control characters in it are shown as ^X, here as in the lines above.
 */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For want of memory; -ENOMEM. */
int err_no_memory(struct err *e);
