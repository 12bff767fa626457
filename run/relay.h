/* SPDX-License-Identifier: MIT */
/*
 * The host's side of the channel that run/frame.h describes: between the
 * first process of a guest and nestor's own standard streams.
 *
 * The streams are never waited for: what the reader of nestor's output does not
 * take stays in the guest, but for a window's worth. All on one loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "run/frame.h"

struct loop;
struct relay;

/* All on the loop's thread; the relay must not be freed in one. */
struct relay_host {
	/* The program runs. */
	void (*started)(void *ctx);
	/* Something about the guest, as one line of text. */
	void (*notice)(void *ctx, const char *text);
	/*
	 * It has ended, and all that it wrote is out. @how is FRAME_EXITED,
	 * FRAME_KILLED, FRAME_NOT_RUN or FRAME_NO_ROOT, @number as with those.
	 */
	void (*ended)(void *ctx, enum frame_end how, unsigned number,
		      const char *text);
	/* What comes is no frames of ours: @why. Nothing else will. */
	void (*broken)(void *ctx, const char *why);
	void *ctx;
};

/*
 * relay_new() - between the socket @channel and descriptors 0, 1 and 2
 *
 * @fds are used instead of these if not NULL; they stay the caller's, the
 * channel does not. Nothing is read before the guest has started the program.
 * NULL with errno set.
 */
struct relay *relay_new(struct loop *, int channel, const int fds[3],
			const struct relay_host *);
/* Writes what can be written without waiting. NULL is allowed. */
void relay_free(struct relay *);

/* Send the program signal @number, 1 to 63; once, if several come at a time. */
void relay_signal(struct relay *, unsigned number);

/*
 * relay_drain() - the guest says no more: take what it has said, within bounds
 *
 * True if that includes its end, and ended() has been called or will be.
 */
bool relay_drain(struct relay *);
