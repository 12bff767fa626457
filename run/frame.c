/* SPDX-License-Identifier: MIT */
/*
 * Frames of the command channel: writing a header, and splitting a byte stream
 * into frames.
 */
#include "run/frame.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void frame_header(uint8_t to[FRAME_HEADER], enum frame_type type, size_t len)
{
	const uint32_t word = htole32((uint32_t)type << 24 | len);

	memcpy(to, &word, sizeof(word));
}

/* Take bytes until @want are there; how many of @len were taken. */
static size_t fill(struct frame_reader *r, const uint8_t *p, size_t len,
		   size_t want)
{
	size_t n = want - r->len < len ? want - r->len : len;

	memcpy(r->buf + r->len, p, n);
	r->len += n;
	return n;
}

int frame_feed(struct frame_reader *r, const void *buf, size_t len,
	       int (*fn)(void *ctx, const struct frame *), void *ctx)
{
	const uint8_t *p = buf, *end = p + len;
	struct frame f;
	uint32_t word;
	int rc;

	while (p < end) {
		if (r->len < FRAME_HEADER)
			p += fill(r, p, end - p, FRAME_HEADER);
		if (r->len < FRAME_HEADER)
			return 0;
		memcpy(&word, r->buf, sizeof(word));
		word = le32toh(word);
		f.type = word >> 24;
		f.len = word & 0xffffff;
		f.data = r->buf + FRAME_HEADER;
		if (f.len > FRAME_MAX)
			return -EPROTO;
		p += fill(r, p, end - p, FRAME_HEADER + f.len);
		if (r->len < FRAME_HEADER + f.len)
			return 0;
		r->len = 0;
		rc = fn(ctx, &f);
		if (rc)
			return rc;
	}
	return 0;
}
