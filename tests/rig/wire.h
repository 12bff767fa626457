/* SPDX-License-Identifier: MIT */
/*
 * What client.c and agent.c say to each other over a virtio serial port.
 *
 * A session is one command. The client opens it with wire_hello() and a nonce,
 * and takes nothing that arrives before their echo: a port outlives its
 * sessions, and what an earlier one left in it is not ours. Then come frames,
 * each a struct frame and @len bytes, in either direction. Both machines
 * are little endian.
 *
 * Standard input is sent at most WIRE_WINDOW bytes ahead of ACKs, so that the
 * agent can always take what is in the port, and a SIGNAL is never stuck
 * behind input that the command does not read.
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum frame_type {
	/* client to agent */
	FRAME_RUN = 1, /* struct run, then the arguments, NUL after each */
	FRAME_STDIN,   /* len 0: end of file */
	FRAME_SIGNAL,  /* uint32_t */
	FRAME_WINSIZE, /* uint16_t rows, cols */
	/* agent to client */
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_ACK,  /* uint32_t: bytes of input that the command has taken */
	FRAME_EXIT, /* uint32_t: status as a shell has it; ends the session */
};

struct frame {
	uint16_t type;
	uint16_t len;
};

struct run {
	uint16_t rows, cols; /* rows 0: no terminal */
};

enum {
	WIRE_PORTS = 16,
	WIRE_CHUNK = 0x7000, /* the driver copies writes of up to 32 KiB */
	WIRE_WINDOW = 0x40000,
	WIRE_MAGIC = 16,
	WIRE_NONCE = 16,
	WIRE_HELLO = WIRE_MAGIC + WIRE_NONCE,
};

/* The magic is computed, so that no file that passes through the port holds it. */
static inline void wire_hello(uint8_t magic[WIRE_MAGIC])
{
	uint64_t x = 0x6e6573746f72;

	for (int i = 0; i < WIRE_MAGIC; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		magic[i] = x >> 56;
	}
}

struct wire_buf {
	size_t off, len;
	uint8_t p[WIRE_WINDOW + 0x10000];
};

static inline void wire_drop(struct wire_buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (!b->len)
		b->off = 0;
}

static inline size_t wire_room(const struct wire_buf *b)
{
	return sizeof(b->p) - b->len;
}

/* Where the next bytes go: wire_room() of them. The caller adds to len. */
static inline uint8_t *wire_tail(struct wire_buf *b)
{
	if (b->off) {
		memmove(b->p, b->p + b->off, b->len);
		b->off = 0;
	}
	return b->p + b->len;
}

static inline void wire_put(struct wire_buf *b, const void *src, size_t n)
{
	memcpy(wire_tail(b), src, n);
	b->len += n;
}

static inline void wire_frame(struct wire_buf *b, enum frame_type type,
			      const void *src, size_t n)
{
	struct frame f = { .type = type, .len = n };

	wire_put(b, &f, sizeof(f));
	wire_put(b, src, n);
}

/* The first whole frame's payload, or NULL; wire_drop() it afterwards. */
static inline const uint8_t *wire_next(const struct wire_buf *b,
				       struct frame *f)
{
	if (b->len < sizeof(*f))
		return NULL;
	memcpy(f, b->p + b->off, sizeof(*f));
	return b->len - sizeof(*f) < f->len ? NULL : b->p + b->off + sizeof(*f);
}
