/* SPDX-License-Identifier: MIT */
/*
 * A watch for one text in a stream of bytes that arrives in pieces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct watch {
	const char *text;
	size_t matched; /* bytes of it at the end of what has passed */
	bool seen;
	bool in_rest;	/* of the line that it stood in */
	char rest[120]; /* ... the first time; terminated */
	size_t nrest;
	void (*fn)(void *ctx);
	void *ctx;
};

/* @fn(@ctx) runs, if not NULL, within watch_bytes() whenever @text has passed. */
void watch_init(struct watch *, const char *text, void (*fn)(void *ctx),
		void *ctx);

/* One thread at a time. */
void watch_bytes(struct watch *, const void *buf, size_t len);

/* Has it passed since watch_init() or watch_reset()? Any thread. */
bool watch_seen(const struct watch *);
void watch_reset(struct watch *);

/*
 * watch_rest() - what followed the text on its line, the first time
 *
 * Whoever calls it has heard of a later text from the same thread.
 */
const char *watch_rest(const struct watch *);
