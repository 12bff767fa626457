/* SPDX-License-Identifier: MIT */
/*
 * What nestor and the first process of a guest say to each other while that
 * runs a command: `nestor run -- COMMAND`, and guest/command/.
 *
 * The channel is a console port, a byte stream both ways. It carries frames: a
 * 32-bit little-endian word, the type in its top 8 bits and the length of the
 * payload in the others, and then the payload, of at most FRAME_MAX bytes.
 *
 * There are three streams, by the numbers of their descriptors. Whoever sends on
 * one has FRAME_WINDOW bytes to begin with, and is given more by the receiver
 * when bytes have gone on to the program, or to nestor's own output: nobody
 * needs a buffer of more than a window, and a stream that stalls stops no other.
 *
 * The guest is not trusted: frame_feed() checks the form, its caller the sense.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER 4u
#define FRAME_MAX    16384u
#define FRAME_WINDOW 65536u

/* The port's name, and its number: it is the last. */
#define FRAME_PORT "nestor.command"

enum frame_type {
	/* Both ways: [stream] and bytes of it. */
	FRAME_DATA = 'd',
	/* [stream]: by its sender, it has ended; by its receiver, none is read. */
	FRAME_CLOSE = 'c',
	/* [stream] and a 32-bit number: so many more bytes may be sent. */
	FRAME_CREDIT = 'w',
	/* To the guest: [number], a signal for the program. */
	FRAME_SIGNAL = 's',
	/* To the host: the program runs. Empty. */
	FRAME_STARTED = 'r',
	/* To the host: text about the guest that its user should know. */
	FRAME_NOTICE = 'n',
	/* To the host, the last: [enum frame_end], [number], and text. */
	FRAME_END = 'e',
};

/* Linux's last, on any architecture that there is nestor for. */
#define FRAME_SIGNAL_MAX 64u

/* How the program has ended, and what the number is. */
enum frame_end {
	FRAME_EXITED = 'e',  /* its status */
	FRAME_KILLED = 's',  /* the signal, 1 to FRAME_SIGNAL_MAX */
	FRAME_NOT_RUN = 'x', /* errno of execve() */
	FRAME_NO_ROOT = 'f', /* errno; the text says of what */
};

/*
 * The file in the initramfs that tells what to do: records of a letter, a text
 * and a NUL.
 */
#define FRAME_FILE "/nestor/command"
enum frame_record {
	RECORD_ARG = 'a',
	RECORD_ENV = 'e',
	RECORD_WORKDIR = 'w',	  /* where to start, or fail */
	RECORD_WORKDIR_TRY = 't', /* where to start, or in / */
	RECORD_MODULE = 'm',	  /* a kernel module to load */
	RECORD_PORT = 'p',	  /* the channel's device */
	RECORD_ROOT = 'r',	  /* the tag of the root's virtio-fs device */
};

struct frame {
	enum frame_type type;
	const uint8_t *data;
	size_t len;
};

/* Collects frames from a stream. Zeroed: at the start of one. */
struct frame_reader {
	size_t len;
	uint8_t buf[FRAME_HEADER + FRAME_MAX];
};

/*
 * frame_feed() - the next @len bytes of the stream
 *
 * Calls @fn for each frame that they complete; its data is valid until it
 * returns. 0, or what @fn returned if that is not 0; -EPROTO if a frame is too
 * long. No more may be fed then.
 */
int frame_feed(struct frame_reader *, const void *buf, size_t len,
	       int (*fn)(void *ctx, const struct frame *), void *ctx);

/* Write the header of a frame with @len bytes of payload to @to. */
void frame_header(uint8_t to[FRAME_HEADER], enum frame_type type, size_t len);
