/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The guest's thread copies its output into a ring, under the hub's lock, and
 * wakes the loop; it never sees a reader. The loop's thread copies from the
 * ring, piece by piece, to each reader whose socket has room, and waits for
 * EPOLLOUT where it has none. A reader that the ring's end has overtaken goes
 * on in the middle of the ring, at the beginning of a line, so that it is not
 * overtaken again at once.
 *
 * The two directions of a connection end each for itself. What was read from a
 * writer waits in a small buffer until the fronts take it; while it does, the
 * rest stays in the socket. A connection that has hung up is watched no more,
 * as epoll would report that for ever, but its last input is still delivered.
 *
 * Writers take turns: the first to be asked is another one each time.
 */
#include "host/console_hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/timer.h"
#include "core/util.h"
#include "host/chardev.h"
#include "host/stream.h"

/* Bytes that a reader gets in one turn. */
#define PIECE 16384u
/* An unfinished line is handed on after so long. */
#define SOON (10 * NSEC_PER_MSEC)
/* How far the beginning of a line is looked for. */
#define LINE 4096u

struct reader {
	struct io io;
	struct console_hub *hub;
	struct stream s;
	bool notices, leaves;
	bool in_open, out_open;
	bool blocked;	/* the socket takes no more for now */
	uint64_t pos;	/* of the next byte for it */
	uint64_t until; /* where it is to be left; all ones: not yet known */
	uint8_t in[4096];
	size_t in_len;
	char note[128];
	size_t note_at, note_len;
};

enum wake { WAKE_NONE, WAKE_SOON, WAKE_NOW };

struct console_hub {
	struct loop *loop;
	struct chardev *chr;
	struct timer later;
	struct reader *reader[HUB_READERS];
	unsigned nreaders, turn;

	pthread_mutex_t lock;
	/* Under the lock. */
	enum wake wake;
	bool watched; /* there are readers */
	uint64_t end;
	uint8_t ring[HUB_RING];
};

/* --- the ring, under the lock --- */

static uint64_t start_locked(const struct console_hub *h)
{
	return h->end > HUB_RING ? h->end - HUB_RING : 0;
}

static void append_locked(struct console_hub *h, const uint8_t *p, size_t len)
{
	size_t at, n;

	if (len > HUB_RING) {
		h->end += len - HUB_RING;
		p += len - HUB_RING;
		len = HUB_RING;
	}
	at = h->end % HUB_RING;
	n = len < HUB_RING - at ? len : HUB_RING - at;
	memcpy(h->ring + at, p, n);
	memcpy(h->ring, p + n, len - n);
	h->end += len;
}

static size_t copy_locked(const struct console_hub *h, uint64_t pos, void *buf,
			  size_t len)
{
	size_t at = pos % HUB_RING, n;

	if (len > h->end - pos)
		len = h->end - pos;
	n = len < HUB_RING - at ? len : HUB_RING - at;
	memcpy(buf, h->ring + at, n);
	memcpy((uint8_t *)buf + n, h->ring, len - n);
	return len;
}

static bool is_newline(const struct console_hub *h, uint64_t pos)
{
	return h->ring[pos % HUB_RING] == '\n';
}

/* Where to go on after having been overtaken. */
static uint64_t resume_locked(const struct console_hub *h)
{
	uint64_t pos = h->end - HUB_RING / 2, p;

	for (p = pos; p < pos + LINE; p++)
		if (is_newline(h, p))
			return p + 1;
	return pos;
}

static void on_output(void *ctx, const void *front, const void *buf, size_t len)
{
	struct console_hub *h = ctx;
	const char *last = (const char *)buf + len - 1;
	enum wake when;

	(void)front;
	if (!len)
		return;
	pthread_mutex_lock(&h->lock);
	append_locked(h, buf, len);
	when = len > 1 || *last == '\n' ? WAKE_NOW : WAKE_SOON;
	if (h->watched && when > h->wake) {
		h->wake = when;
		timer_after(&h->later, when == WAKE_NOW ? 0 : SOON);
	}
	pthread_mutex_unlock(&h->lock);
}

/* --- one reader --- */

static void forget(struct reader *r)
{
	struct console_hub *h = r->hub;
	unsigned i = 0;

	while (h->reader[i] != r)
		i++;
	h->reader[i] = h->reader[--h->nreaders];
	pthread_mutex_lock(&h->lock);
	h->watched = h->nreaders;
	pthread_mutex_unlock(&h->lock);
	loop_del(&r->io);
	stream_close(&r->s);
	free(r);
}

/* It was overtaken, and has lost @lost bytes before r->pos. */
static void miss(struct reader *r, uint64_t lost)
{
	if (!r->notices) {
		shutdown(r->s.fd, SHUT_WR);
		r->out_open = false;
		return;
	}
	r->note_at = 0;
	r->note_len = snprintf(r->note, sizeof(r->note),
			       "\r\n[nestor: %llu bytes are missing here; the "
			       "guest wrote faster than they were read]\r\n",
			       (unsigned long long)lost);
}

/* The next piece for it, into @buf. */
static size_t next_piece(struct reader *r, char *buf)
{
	struct console_hub *h = r->hub;
	uint64_t lost = 0;
	size_t n = 0;

	if (r->note_len) {
		memcpy(buf, r->note + r->note_at, r->note_len);
		return r->note_len;
	}
	pthread_mutex_lock(&h->lock);
	if (r->pos < start_locked(h)) {
		lost = resume_locked(h) - r->pos;
		r->pos += lost;
	} else if (r->pos < h->end) {
		n = copy_locked(h, r->pos, buf, PIECE);
	}
	pthread_mutex_unlock(&h->lock);
	if (!lost)
		return n;
	miss(r, lost);
	return r->out_open ? next_piece(r, buf) : 0;
}

static void advance(struct reader *r, size_t n)
{
	if (r->note_len) {
		r->note_at += n;
		r->note_len -= n;
	} else {
		r->pos += n;
	}
}

/* One piece; false if there is nothing to do for now. */
static bool give(struct reader *r)
{
	char buf[PIECE];
	ssize_t did;
	size_t n;

	r->blocked = false;
	if (!r->out_open)
		return false;
	n = next_piece(r, buf);
	if (!n)
		return false;
	did = stream_write(&r->s, buf, n);
	if (did == -EAGAIN)
		r->blocked = true;
	else if (did < 0)
		r->out_open = false;
	else
		advance(r, did);
	return did > 0;
}

/* What it sent goes to the guest. */
static void take(struct reader *r)
{
	ssize_t n;

	if (!r->in_len && r->in_open) {
		n = stream_read(&r->s, r->in, sizeof(r->in));
		if (n > 0)
			r->in_len = n;
		else if (n != -EAGAIN)
			r->in_open = false;
	}
	if (r->in_len) {
		n = chardev_inject(r->hub->chr, r->in, r->in_len);
		r->in_len -= n;
		memmove(r->in, r->in + n, r->in_len);
	}
}

static bool is_behind(struct reader *r)
{
	return r->note_len || r->pos < console_hub_end(r->hub);
}

/* It sent all, the guest took that, and the output until then is out. */
static bool has_left(struct reader *r)
{
	if (!r->leaves || r->in_open || r->in_len)
		return false;
	if (r->until == UINT64_MAX)
		r->until = console_hub_end(r->hub);
	return r->pos >= r->until && !r->note_len;
}

/* Wait for what it needs next, or let it go. */
static void settle(struct reader *r)
{
	uint32_t events = 0;

	if (has_left(r))
		r->out_open = false;
	if (!r->in_open && !r->in_len && !r->out_open) {
		forget(r);
		return;
	}
	if (r->in_open && !r->in_len)
		events |= EPOLLIN;
	if (r->out_open && is_behind(r))
		events |= EPOLLOUT;
	if (!events && !r->out_open)
		loop_del(&r->io);
	else if (r->io.loop)
		loop_mod(&r->io, events);
	else
		loop_add(r->hub->loop, &r->io, events);
}

static void on_reader(struct io *io, uint32_t events)
{
	struct reader *r = container_of(io, struct reader, io);

	if (events & (EPOLLHUP | EPOLLERR))
		r->out_open = false;
	if (events & EPOLLOUT)
		give(r);
	take(r);
	settle(r);
}

/* --- all of them --- */

/* @fn may remove the reader that it is given. */
static void each(struct console_hub *h, void (*fn)(struct reader *))
{
	struct reader *all[HUB_READERS];
	unsigned n = h->nreaders, i;

	memcpy(all, h->reader, n * sizeof(*all));
	for (i = 0; i < n; i++)
		fn(all[(h->turn + i) % n]);
}

static void hand_on(struct reader *r)
{
	if (!r->blocked)
		give(r);
	settle(r);
}

static void woken(struct timer *t)
{
	struct console_hub *h = container_of(t, struct console_hub, later);

	pthread_mutex_lock(&h->lock);
	h->wake = WAKE_NONE;
	pthread_mutex_unlock(&h->lock);
	each(h, hand_on);
}

static void feed(struct reader *r)
{
	if (r->in_len) {
		take(r);
		settle(r);
	}
}

static void on_room(void *ctx)
{
	struct console_hub *h = ctx;

	h->turn++;
	each(h, feed);
}

/* If need be, drop one that has left, whose last input nobody takes. */
bool console_hub_has_room(struct console_hub *h)
{
	unsigned i;

	if (h->nreaders < HUB_READERS)
		return true;
	for (i = 0; i < h->nreaders; i++) {
		if (!h->reader[i]->out_open) {
			forget(h->reader[i]);
			return true;
		}
	}
	return false;
}

int console_hub_attach(struct console_hub *h, int fd, const struct hub_wish *w)
{
	int size = 2 * HUB_RING, err;
	struct reader *r;

	if (!console_hub_has_room(h))
		return -ENOSPC;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct reader){ .io = { .fd = fd, .fn = on_reader },
			      .hub = h,
			      .s = { .fd = fd, .kind = STREAM_SOCKET },
			      .notices = w->notices,
			      .leaves = w->leaves,
			      .in_open = true,
			      .out_open = true,
			      .pos = w->from,
			      .until = UINT64_MAX };
	err = loop_add(h->loop, &r->io, EPOLLIN);
	if (err < 0) {
		free(r);
		return err;
	}
	/* As much as may be left when the VM ends: nobody can wait then. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	h->reader[h->nreaders++] = r;
	pthread_mutex_lock(&h->lock);
	h->watched = true;
	if (r->pos > h->end)
		r->pos = h->end;
	pthread_mutex_unlock(&h->lock);
	settle(r);
	return 0;
}

uint64_t console_hub_end(struct console_hub *h)
{
	uint64_t end;

	pthread_mutex_lock(&h->lock);
	end = h->end;
	pthread_mutex_unlock(&h->lock);
	return end;
}

uint64_t console_hub_start(struct console_hub *h)
{
	uint64_t start;

	pthread_mutex_lock(&h->lock);
	start = start_locked(h);
	pthread_mutex_unlock(&h->lock);
	return start;
}

uint64_t console_hub_lines(struct console_hub *h, unsigned n)
{
	uint64_t pos, start;

	pthread_mutex_lock(&h->lock);
	start = start_locked(h);
	pos = h->end;
	if (n && pos > start) {
		/* The newline at the very end ends a line, and begins none. */
		for (pos--; pos > start; pos--)
			if (is_newline(h, pos - 1) && !--n)
				break;
	}
	pthread_mutex_unlock(&h->lock);
	return pos;
}

bool console_hub_is_line(struct console_hub *h, uint64_t pos)
{
	bool yes;

	pthread_mutex_lock(&h->lock);
	yes = pos == 0 || (pos > start_locked(h) && pos <= h->end &&
			   is_newline(h, pos - 1));
	pthread_mutex_unlock(&h->lock);
	return yes;
}

struct console_hub *console_hub_new(struct loop *l, struct chardev *c)
{
	struct console_hub *h = calloc(1, sizeof(*h));
	struct chardev_tap tap = { .output = on_output, .room = on_room };
	int r;

	if (!h)
		return NULL;
	h->loop = l;
	h->chr = c;
	pthread_mutex_init(&h->lock, NULL);
	tap.ctx = h;
	r = timer_open(&h->later, l, CLOCK_MONOTONIC, woken);
	if (r == 0) {
		r = chardev_tap(c, &tap);
		if (r == 0)
			return h;
		timer_close(&h->later);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
	errno = -r;
	return NULL;
}

void console_hub_free(struct console_hub *h)
{
	if (!h)
		return;
	timer_close(&h->later);
	while (h->nreaders) {
		struct reader *r = h->reader[0];

		while (give(r))
			;
		forget(r);
	}
	pthread_mutex_destroy(&h->lock);
	free(h);
}
