/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Input is moved by chardev_pump(), on the loop's thread. It asks the fronts
 * (host/chardev_fronts.c) for room before it reads, so that what a guest does
 * not take stays in the pipe or socket, and waits with epoll only while there is
 * room: a hung-up descriptor would wake the loop for ever otherwise. When no
 * front has room it says so in `starved` and asks once more, because a vCPU may
 * have made room in between; chardev_room() sees `starved` and wakes the loop. A
 * terminal is read ahead of that, for Ctrl-a x must work when a guest takes
 * nothing.
 *
 * A file that epoll does not accept is read piece by piece in turns with the
 * loop's other work.
 *
 * Output goes into a buffer, under the lock, and from there to the peer on
 * whichever thread wrote it. What the peer does not take waits for EPOLLOUT.
 *
 * All that other threads want of the loop goes through one timer: at once
 * (WAKE_NOW), or a little later to send an unfinished line (WAKE_SOON).
 *
 * Locks: a front may hold its own in chardev_write() and chardev_room(); so
 * fronts are never called with the chardev's lock held.
 */
#include "host/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "host/chardev_impl.h"

/* On a slow host a UART's characters come milliseconds apart. */
#define SOON (10 * NSEC_PER_MSEC)
/* Bytes of an unfinished line that are sent without further delay. */
#define LINE 256

/* Called under the lock. */
static void wake_locked(struct chardev *c, enum chardev_wake when)
{
	if (c->wake >= when)
		return;
	c->wake = when;
	timer_after(&c->later, when == WAKE_NOW ? 0 : SOON);
}

static void wake(struct chardev *c, enum chardev_wake when)
{
	pthread_mutex_lock(&c->lock);
	wake_locked(c, when);
	pthread_mutex_unlock(&c->lock);
}

/* Input. */

static struct chardev_line *taker_or_starve(struct chardev *c, size_t *room)
{
	struct chardev_line *l = chardev_taker(c, room);

	if (l)
		return l;
	__atomic_store_n(&c->starved, true, __ATOMIC_SEQ_CST);
	l = chardev_taker(c, room);
	if (l)
		__atomic_store_n(&c->starved, false, __ATOMIC_SEQ_CST);
	return l;
}

static void deliver(struct chardev *c)
{
	struct chardev_line *l;
	size_t n;

	while (c->in_len && (l = taker_or_starve(c, &n))) {
		if (n > c->in_len)
			n = c->in_len;
		chardev_give(c, l, c->in_buf, n);
		c->in_len -= n;
		memmove(c->in_buf, c->in_buf + n, c->in_len);
	}
}

size_t chardev_inject(struct chardev *c, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	struct chardev_line *l;
	size_t n = 0, room;

	while (n < len && (l = taker_or_starve(c, &room))) {
		if (room > len - n)
			room = len - n;
		chardev_give(c, l, p + n, room);
		n += room;
	}
	return n;
}

/* How much to read; a byte of the buffer is left for the filter to add. */
static size_t wanted(struct chardev *c)
{
	size_t space = sizeof(c->in_buf) - 1 - c->in_len, room;

	if (c->in.fd < 0 || c->in_ended)
		return 0;
	if (c->in_ahead)
		return space;
	if (c->in_len || !taker_or_starve(c, &room))
		return 0;
	return room < space ? room : space;
}

static void take(struct chardev *c, const uint8_t *buf, size_t n)
{
	uint8_t *end = c->in_buf + c->in_len;

	if (c->ops->filter) {
		c->in_len += c->ops->filter(c, buf, n, end);
	} else {
		memcpy(end, buf, n);
		c->in_len += n;
	}
	deliver(c);
}

/* Both directions are gone. */
static void hang_up(struct chardev *c)
{
	loop_del(&c->in_io);
	loop_del(&c->out_io);
	pthread_mutex_lock(&c->lock);
	stream_close(&c->in);
	stream_close(&c->out);
	c->out_blocked = c->out_lost = false;
	c->out_len = 0;
	pthread_mutex_unlock(&c->lock);
	c->ops->hung_up(c);
}

static void in_ready(struct io *io, uint32_t events)
{
	struct chardev *c = container_of(io, struct chardev, in_io);

	if (!c->in_ended)
		chardev_pump(c);
	else if (events & (EPOLLHUP | EPOLLERR))
		hang_up(c);
}

/* A peer that has only closed its sending side still gets output. */
static void end_input(struct chardev *c, ssize_t n)
{
	c->in_ended = true;
	if (n < 0 && c->ops->hung_up)
		hang_up(c);
	else if (!c->ops->hung_up)
		loop_del(&c->in_io);
	else if (c->in_io.loop)
		loop_mod(&c->in_io, 0);
	else
		loop_add(c->loop, &c->in_io, 0);
}

/* Wait for more input if there is room for it. */
static void await_input(struct chardev *c, bool more)
{
	if (!wanted(c)) {
		if (!c->in_ended)
			loop_del(&c->in_io);
	} else if (!c->in_io.loop &&
		   loop_add(c->loop, &c->in_io, EPOLLIN) == -EPERM && more) {
		wake(c, WAKE_NOW);
	}
}

void chardev_pump(struct chardev *c)
{
	uint8_t buf[CHARDEV_IN];
	ssize_t n = -EAGAIN;
	size_t want;

	deliver(c);
	want = wanted(c);
	if (want && c->ops->may_read && !c->ops->may_read(c)) {
		loop_del(&c->in_io);
		return;
	}
	if (want) {
		n = stream_read(&c->in, buf, want);
		if (n > 0) {
			take(c, buf, n);
		} else if (n != -EAGAIN) {
			end_input(c, n);
			return;
		}
	}
	await_input(c, n > 0);
}

/* Output. */

/* A file that has no room may have some later. Under the lock. */
static bool is_full(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG;
}

static void drop_locked(struct chardev *c, int err)
{
	c->dropped += c->out_len;
	c->out_head = c->out_len = 0;
	if (!c->full)
		log_guest(&c->losses, "console output is lost: %s",
			  strerror(err));
	c->full = true;
}

static void goes_on_locked(struct chardev *c)
{
	c->full = false;
	log_guest(&c->regains,
		  "console output goes on; so far %llu bytes are "
		  "lost",
		  (unsigned long long)c->dropped);
}

/* Send what is buffered, as far as the peer takes it. Under the lock. */
static void send_locked(struct chardev *c)
{
	c->out_blocked = false;
	while (c->out_len) {
		ssize_t n = stream_write(&c->out, c->out_buf + c->out_head,
					 c->out_len);

		if (n == -EAGAIN) {
			c->out_blocked = true;
			return;
		}
		if (n < 0 && is_full(-n)) {
			drop_locked(c, -n);
			return;
		}
		if (n < 0) {
			if (n != -EPIPE && n != -EIO && n != -ECONNRESET) {
				errno = -n;
				log_warn("console output is lost");
			}
			c->out_lost = true;
			c->out_len = 0;
			return;
		}
		if (c->full && n > 0)
			goes_on_locked(c);
		c->out_head += n;
		c->out_len -= n;
	}
	c->out_head = 0;
}

static size_t append_locked(struct chardev *c, const uint8_t *buf, size_t len)
{
	size_t space = sizeof(c->out_buf) - c->out_len;

	if (len > space)
		len = space;
	if (len > sizeof(c->out_buf) - c->out_head - c->out_len) {
		memmove(c->out_buf, c->out_buf + c->out_head, c->out_len);
		c->out_head = 0;
	}
	memcpy(c->out_buf + c->out_head + c->out_len, buf, len);
	c->out_len += len;
	return len;
}

/* Under the lock: the writers' threads take turns. */
static void pass_locked(struct chardev *c, const void *front, const void *buf,
			size_t len)
{
	unsigned i;

	for (i = 0; i < c->ntaps; i++)
		c->tap[i].output(c->tap[i].ctx, front, buf, len);
}

/* How much was taken. */
static size_t put_locked(struct chardev *c, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n = 0, did;

	if (c->out.fd < 0 || c->out_lost)
		return len;
	do {
		did = append_locked(c, p + n, len - n);
		n += did;
		if (c->out_blocked) {
			break;
		} else if (len > 1 || *p == '\n' || c->out_len >= LINE) {
			send_locked(c);
			if (c->out_blocked || c->out_lost)
				wake_locked(c, WAKE_NOW);
		} else {
			wake_locked(c, WAKE_SOON);
		}
	} while (n < len && !c->out_lost);
	if (c->out_lost)
		n = len;
	if (n < len)
		c->out_short = true;
	return n;
}

/* What the reader does not take may be for another front. */
static void answer_locked(struct chardev *c)
{
	if (__atomic_exchange_n(&c->starved, false, __ATOMIC_SEQ_CST))
		wake_locked(c, WAKE_NOW);
}

/* Guest memory may change under us: what all of us look at is one copy. */
size_t chardev_write(struct chardev *c, const void *front, const void *buf,
		     size_t len)
{
	uint8_t copy[CHARDEV_OUT / 4];
	size_t n, took, done = 0;

	pthread_mutex_lock(&c->lock);
	do {
		n = len - done < sizeof(copy) ? len - done : sizeof(copy);
		memcpy(copy, (const uint8_t *)buf + done, n);
		took = n ? put_locked(c, copy, n) : 0;
		pass_locked(c, front, copy, took);
		if (chardev_asks_locked(c, front, copy, took))
			answer_locked(c);
		done += took;
	} while (took == n && done < len);
	pthread_mutex_unlock(&c->lock);
	return done;
}

void chardev_say(struct chardev *c, const void *buf, size_t len)
{
	pthread_mutex_lock(&c->lock);
	put_locked(c, buf, len);
	pthread_mutex_unlock(&c->lock);
}

static void pump_output(struct chardev *c)
{
	const struct chardev_line *l;
	bool blocked, lost, tell;

	pthread_mutex_lock(&c->lock);
	send_locked(c);
	blocked = c->out_blocked;
	lost = c->out_lost;
	tell = c->out_short && c->out_len <= sizeof(c->out_buf) / 2;
	if (tell)
		c->out_short = false;
	pthread_mutex_unlock(&c->lock);
	if (!blocked)
		loop_del(&c->out_io);
	else if (!c->out_io.loop)
		loop_add(c->loop, &c->out_io, EPOLLOUT);
	if (lost && c->ops->hung_up)
		hang_up(c);
	for (l = c->line; tell && l < c->line + c->nlines; l++)
		if (l->front.writable)
			l->front.writable(l->front.ctx);
}

static void out_ready(struct io *io, uint32_t events)
{
	(void)events;
	pump_output(container_of(io, struct chardev, out_io));
}

static void tell_taps(struct chardev *c)
{
	unsigned i;

	for (i = 0; i < c->ntaps; i++)
		if (c->tap[i].room)
			c->tap[i].room(c->tap[i].ctx);
}

static void woken(struct timer *t)
{
	struct chardev *c = container_of(t, struct chardev, later);
	bool taps_first = c->taps_first;

	pthread_mutex_lock(&c->lock);
	c->wake = WAKE_NONE;
	pthread_mutex_unlock(&c->lock);
	if (!c->started) {
		c->started = true;
		if (c->ops->start)
			c->ops->start(c);
	}
	pump_output(c);
	c->taps_first = !taps_first;
	if (taps_first)
		tell_taps(c);
	chardev_pump(c);
	if (!taps_first)
		tell_taps(c);
}

/* The rest. */

int chardev_init(struct chardev *c, struct loop *l,
		 const struct chardev_ops *ops)
{
	c->ops = ops;
	c->loop = l;
	c->in = c->out = STREAM_NONE;
	c->in_io.fn = in_ready;
	c->out_io.fn = out_ready;
	pthread_mutex_init(&c->lock, NULL);
	signal(SIGPIPE, SIG_IGN);
	return timer_open(&c->later, l, CLOCK_MONOTONIC, woken);
}

void chardev_fini(struct chardev *c)
{
	timer_close(&c->later);
	loop_del(&c->in_io);
	loop_del(&c->out_io);
	stream_close(&c->in);
	stream_close(&c->out);
	pthread_mutex_destroy(&c->lock);
}

void chardev_connect(struct chardev *c, struct stream in, struct stream out)
{
	c->in = in;
	c->in_io.fd = in.fd;
	c->in_ended = false;
	c->out_io.fd = out.fd;
	pthread_mutex_lock(&c->lock);
	c->out = out;
	c->out_lost = c->out_blocked = false;
	c->out_len = c->out_head = 0;
	pthread_mutex_unlock(&c->lock);
}

int chardev_attach(struct chardev *c, const struct chardev_front *front)
{
	if (c->nlines == CHARDEV_FRONTS)
		return -ENOSPC;
	c->line[c->nlines++].front = *front;
	wake(c, WAKE_NOW);
	return 0;
}

void chardev_on_quit(struct chardev *c, void (*quit)(void *ctx), void *ctx)
{
	c->quit = quit;
	c->quit_ctx = ctx;
}

int chardev_tap(struct chardev *c, const struct chardev_tap *t)
{
	if (c->ntaps == CHARDEV_TAPS)
		return -ENOSPC;
	c->tap[c->ntaps++] = *t;
	if (t->room && c->in.fd < 0 && c->out.fd < 0)
		c->fed = true;
	return 0;
}

void chardev_room(struct chardev *c)
{
	if (__atomic_exchange_n(&c->starved, false, __ATOMIC_SEQ_CST))
		wake(c, WAKE_NOW);
}

bool chardev_is_fed(const struct chardev *c)
{
	return c->fed;
}

void chardev_close(struct chardev *c)
{
	if (!c)
		return;
	if (c->out.fd >= 0 && !c->out_lost)
		send_locked(c);
	if (c->ops->close)
		c->ops->close(c);
	chardev_fini(c);
	free(c);
}
