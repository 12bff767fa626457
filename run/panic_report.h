/* SPDX-License-Identifier: MIT */
/*
 * What the console of a guest says of a panic of Linux.
 *
 * The words of a panic are a hint and no more: any program can print them, and
 * so can a guest within the guest. They tell when it is worth to look whether
 * the guest still does anything, and, of a guest that resets, whether panic()
 * had the last word. No other than that has: an ordinary reboot says so, as
 * does one by SysRq, and what goes on says something else.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/escape.h"

/* A guest's kernel may talk on one, and a program on the other. */
#define PANIC_CONSOLES 2

/* The unfinished line of a console, without what is no text. */
struct panic_line {
	const void *from;
	struct escape escape;
	bool returned; /* the next character stands at its beginning */
	size_t len;
	char text[160]; /* as much of it as counts */
};

struct panic_report {
	pthread_mutex_t lock;
	/* Under the lock. */
	struct panic_line line[PANIC_CONSOLES], *newest;
	bool begun; /* "Kernel panic - not syncing" has passed */
	bool last;  /* no line but of its report has followed the last of it */
	char why[120];
	void (*ended)(void *ctx);
	void *ctx;
};

/*
 * @ended(@ctx) runs within panic_report_add() when the last line of a panic has
 * passed that waits for somebody to come (panic=0).
 */
void panic_report_init(struct panic_report *, void (*ended)(void *ctx),
		       void *ctx);
void panic_report_fini(struct panic_report *);

/* The console that @from stands for says @len bytes at @buf. Any thread. */
void panic_report_add(struct panic_report *, const void *from, const void *buf,
		      size_t len);

/* Has panic() had the last word? Any thread. */
bool panic_report_is_last(struct panic_report *);

/*
 * What it panicked for, as "Kernel panic - not syncing: ..."; empty if no panic
 * has been told of. At most @size bytes with the terminating zero. Any thread.
 */
void panic_report_why(struct panic_report *, char *to, size_t size);

/* Another kernel boots. */
void panic_report_forget(struct panic_report *);
