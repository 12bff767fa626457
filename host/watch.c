/* SPDX-License-Identifier: MIT */
#include "host/watch.h"

#include <string.h>

void watch_init(struct watch *w, const char *text, void (*fn)(void *ctx),
		void *ctx)
{
	*w = (struct watch){ .text = text, .fn = fn, .ctx = ctx };
}

/* The longest beginning of the text that ends what has matched plus @c. */
static size_t advance(const struct watch *w, char c)
{
	size_t n = w->matched;

	for (;;) {
		if (w->text[n] == c)
			return n + 1;
		if (n == 0)
			return 0;
		/* Fall back to the next shorter border. */
		for (n--; n > 0; n--)
			if (!memcmp(w->text, w->text + w->matched - n, n))
				break;
	}
}

/* As much of @p as belongs to the rest of the line. */
static void keep_rest(struct watch *w, const char *p, const char *end)
{
	for (; p < end && w->in_rest; p++) {
		if (*p == '\r' || *p == '\n' || w->nrest + 1 == sizeof(w->rest))
			w->in_rest = false;
		else if (*p >= ' ' && *p < 0x7f)
			w->rest[w->nrest++] = *p;
	}
}

void watch_bytes(struct watch *w, const void *buf, size_t len)
{
	const char *p = buf, *end = p + len;

	keep_rest(w, p, end);
	for (; p < end; p++) {
		/* Most bytes begin nothing. */
		if (!w->matched && !(p = memchr(p, w->text[0], end - p)))
			return;
		w->matched = advance(w, *p);
		if (!w->text[w->matched]) {
			w->matched = 0;
			w->in_rest = !w->seen;
			keep_rest(w, p + 1, end);
			__atomic_store_n(&w->seen, true, __ATOMIC_RELAXED);
			if (w->fn)
				w->fn(w->ctx);
		}
	}
}

bool watch_seen(const struct watch *w)
{
	return __atomic_load_n(&w->seen, __ATOMIC_RELAXED);
}

void watch_reset(struct watch *w)
{
	__atomic_store_n(&w->seen, false, __ATOMIC_RELAXED);
	w->nrest = 0;
	memset(w->rest, 0, sizeof(w->rest));
}

const char *watch_rest(const struct watch *w)
{
	return w->rest;
}
