/* SPDX-License-Identifier: MIT */
/*
 * What the kinds of chardev share; nobody else includes this.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "core/escape.h"
#include "core/log.h"
#include "core/timer.h"
#include "core/util.h"
#include "host/chardev.h"
#include "host/stream.h"

#define CHARDEV_FRONTS 4
#define CHARDEV_IN     4096
#define CHARDEV_OUT    16384
#define CHARDEV_TAPS   4

/* All on the loop's thread, without the lock; each may be NULL. */
struct chardev_ops {
	/* The loop runs. */
	void (*start)(struct chardev *);
	/* May the peer be read now? If not, chardev_pump() goes on later. */
	bool (*may_read)(struct chardev *);
	/*
	 * Input passes through: @in, of @n bytes, to @out, of n + 1. Returns
	 * what @out got.
	 */
	size_t (*filter)(struct chardev *, const uint8_t *in, size_t n,
			 uint8_t *out);
	/* The peer is gone, in both directions; the streams are closed. */
	void (*hung_up)(struct chardev *);
	bool (*size)(struct chardev *, unsigned *cols, unsigned *rows);
	/* Frees all but the struct chardev's own. */
	void (*close)(struct chardev *);
};

enum chardev_wake { WAKE_NONE, WAKE_SOON, WAKE_NOW };

/* A front, and what tells whether input is for it: see chardev_attach(). */
struct chardev_line {
	struct chardev_front front;
	bool is_read; /* when it was last asked */
	bool typed;   /* it has got input since it is the reader */
	/* Under the lock; times are numbers of events. */
	struct escape escape;
	bool is_open;	/* something stands in the line that it writes */
	uint64_t wrote; /* the last time that it was open */
	uint64_t since; /* when it began to be read, or last got input */
};

/* Embedded, as the first member, by each kind. */
struct chardev {
	const struct chardev_ops *ops;
	struct loop *loop;
	struct timer later; /* runs chardev_pump() and sends what waits */

	/* The loop's thread. */
	bool started;
	struct stream in;
	struct io in_io;
	bool in_ended;
	bool in_ahead; /* read also what no front has room for: escapes */
	bool fed;      /* see chardev_is_fed() */
	uint8_t in_buf[CHARDEV_IN];
	size_t in_len;
	struct io out_io;
	struct chardev_line line[CHARDEV_FRONTS];
	unsigned nlines;
	struct chardev_line *reader; /* who gets input; or NULL */
	bool any_read;		     /* some front has been */
	void (*quit)(void *ctx);
	void *quit_ctx;

	unsigned cols, rows; /* from chardev_resize_to(); 0: from the peer */
	bool taps_first;     /* whose turn it is to give input */

	struct chardev_tap tap[CHARDEV_TAPS];
	unsigned ntaps;

	bool starved; /* atomic: input waits for chardev_room() */

	pthread_mutex_t lock;
	/* Under the lock. */
	enum chardev_wake wake;
	uint64_t events; /* so far, to tell what was later */
	struct stream out;
	bool out_blocked; /* the peer takes no more for now */
	bool out_lost;	  /* the peer is gone */
	bool out_short;	  /* a front was turned away */
	bool full;	  /* the last write found no room in the file */
	uint64_t dropped; /* bytes, for that */
	struct log_limit losses, regains;
	size_t out_head, out_len;
	uint8_t out_buf[CHARDEV_OUT];
};

/* The constructors of each kind; NULL with a sentence in @e. */
struct chardev *chardev_stdio(struct loop *, struct err *e);
struct chardev *chardev_pty(struct loop *, struct err *e);
struct chardev *chardev_unix(struct loop *, const char *path, struct err *e);

/*
 * chardev_init() - make the common part of a zeroed @c ready to use
 *
 * 0, or -errno; chardev_fini() must not be called then.
 */
int chardev_init(struct chardev *, struct loop *, const struct chardev_ops *);
void chardev_fini(struct chardev *);

/* Connect the streams of a new peer; they become the chardev's. */
void chardev_connect(struct chardev *, struct stream in, struct stream out);

/* What nestor itself says on the terminal: no part of the guest's output. */
void chardev_say(struct chardev *, const void *buf, size_t len);

/* Move input from the peer to the fronts, as far as it goes. */
void chardev_pump(struct chardev *);

/*
 * chardev_taker() - who takes input now, and how much; NULL if nobody does
 *
 * On the loop's thread, without the lock: fronts are asked.
 */
struct chardev_line *chardev_taker(struct chardev *, size_t *room);
/* Input of it, at most as much as it has room for. */
void chardev_give(struct chardev *, struct chardev_line *, const uint8_t *p,
		  size_t len);

/*
 * chardev_asks_locked() - @front has written that: may it want input now, which
 * another has got until now?
 */
bool chardev_asks_locked(struct chardev *, const void *front, const uint8_t *p,
			 size_t len);
