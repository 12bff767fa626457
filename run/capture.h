/* SPDX-License-Identifier: MIT */
/*
 * A guest's console that nobody looks at, unless there is a reason: the last
 * of what it says is kept.
 */
#pragma once

#include <stdbool.h>

struct capture;
struct chardev;
struct err;
struct loop;

/*
 * capture_new() - keep it, or (@show) pass it on to standard error at once
 *
 * The back end for the guest's console is in *@chr, the caller's, to be closed
 * first. NULL with a sentence in @e.
 */
struct capture *capture_new(struct loop *, bool show, struct chardev **chr,
			    struct err *e);
/* NULL is allowed. */
void capture_free(struct capture *);

/* What is kept, on standard error, without what a terminal might obey. */
void capture_print(struct capture *);
