/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Towards the guest everything but the program's input is a note of what is
 * owed (a set of signals, numbers of bytes, closed streams), so that it cannot
 * pile up; frames are made of it when the buffer has room. Input is read from
 * descriptor 0 only when there is room in that buffer and in the guest.
 *
 * Output has a window's worth of buffer for each stream. The guest is given
 * room for more as bytes leave it; if it sends more than that, it is broken.
 *
 * A descriptor that epoll does not take is a file: it is always ready.
 */
#include "run/relay.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/log.h"
#include "core/util.h"
#include "host/stream.h"

/*
 * Credit is given for no less, unless all is out: each grant wakes the guest.
 */
#define CREDIT_STEP (FRAME_WINDOW / 4)

/* More pieces of FRAME_MAX bytes than a socket holds once the guest is gone. */
#define DRAIN 256

/* One of the program's outputs, on its way. */
struct outlet {
	struct relay *relay;
	uint8_t id; /* of the stream */
	struct stream to;
	struct io io;
	bool lost;	 /* the reader is gone */
	bool tell_lost;	 /* and the program is to know */
	uint32_t window; /* what the guest may still send */
	uint32_t owed;	 /* has gone out since the last credit */
	size_t head, len;
	uint8_t buf[FRAME_WINDOW];
};

struct relay {
	struct loop *loop;
	struct relay_host host;
	struct stream channel;
	struct io io;
	struct frame_reader reader;
	struct outlet out[2];

	struct stream in;
	struct io in_io;
	bool started, in_ended, tell_ended;
	bool in_ready, in_always; /* always: epoll does not take it */
	uint32_t in_window;

	uint64_t signals; /* 1 << number, to be sent */
	size_t to_head, to_len;
	uint8_t to[2 * (FRAME_HEADER + FRAME_MAX)];

	bool over; /* the end has come, or a mistake */
	bool told;
	uint8_t how, number;
	char text[256];
};

static void pump(struct relay *r);

/* --- towards the guest --- */

static bool has_room(const struct relay *r, size_t payload)
{
	return sizeof(r->to) - r->to_len >= FRAME_HEADER + payload;
}

static uint8_t *frame_at(struct relay *r, enum frame_type type, size_t len)
{
	uint8_t *p;

	if (r->to_head) {
		memmove(r->to, r->to + r->to_head, r->to_len);
		r->to_head = 0;
	}
	p = r->to + r->to_len;
	frame_header(p, type, len);
	r->to_len += FRAME_HEADER + len;
	return p + FRAME_HEADER;
}

static void put_signals(struct relay *r)
{
	unsigned n;

	if (!r->started)
		return;
	for (n = 1; n < 64 && r->signals && has_room(r, 1); n++)
		if (r->signals >> n & 1) {
			*frame_at(r, FRAME_SIGNAL, 1) = n;
			r->signals &= ~(1ull << n);
		}
}

static void put_outlet(struct relay *r, struct outlet *o)
{
	uint32_t more;
	uint8_t *p;

	if (o->tell_lost && has_room(r, 1)) {
		*frame_at(r, FRAME_CLOSE, 1) = o->id;
		o->tell_lost = false;
	}
	if (!o->owed || (o->len && o->owed < CREDIT_STEP) || !has_room(r, 5))
		return;
	more = htole32(o->owed);
	p = frame_at(r, FRAME_CREDIT, 5);
	p[0] = o->id;
	memcpy(p + 1, &more, sizeof(more));
	o->window += o->owed;
	o->owed = 0;
}

/* How much input may be read now. */
static size_t wanted(const struct relay *r)
{
	const size_t most = FRAME_MAX - 1;

	if (!r->started || r->in_ended || r->in.fd < 0 || r->over ||
	    !has_room(r, FRAME_MAX))
		return 0;
	return r->in_window < most ? r->in_window : most;
}

static void put_input(struct relay *r)
{
	uint8_t buf[FRAME_MAX], *p;
	size_t want = wanted(r);
	ssize_t n;

	if (want && r->in_ready) {
		n = stream_read(&r->in, buf, want);
		r->in_ready = r->in_always;
		if (n > 0) {
			p = frame_at(r, FRAME_DATA, n + 1);
			p[0] = 0;
			memcpy(p + 1, buf, n);
			r->in_window -= n;
		} else if (n != -EAGAIN) {
			r->in_ended = r->tell_ended = true;
		}
	}
	if (r->tell_ended && has_room(r, 1)) {
		*frame_at(r, FRAME_CLOSE, 1) = 0;
		r->tell_ended = false;
	}
}

static void send_frames(struct relay *r)
{
	while (r->to_len) {
		ssize_t n = stream_write(&r->channel, r->to + r->to_head,
					 r->to_len);

		if (n <= 0)
			return;
		r->to_head += n;
		r->to_len -= n;
	}
	r->to_head = 0;
}

/* --- the program's output --- */

static void lose(struct outlet *o)
{
	o->lost = true;
	o->tell_lost = !o->relay->over;
	o->len = 0;
}

static void write_out(struct outlet *o)
{
	while (o->len) {
		size_t run = sizeof(o->buf) - o->head;
		ssize_t n = stream_write(&o->to, o->buf + o->head,
					 run < o->len ? run : o->len);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			lose(o);
			return;
		}
		o->head = (o->head + n) % sizeof(o->buf);
		o->len -= n;
		o->owed += n;
	}
}

static int take_output(struct outlet *o, const uint8_t *p, size_t len)
{
	size_t at, run;

	if (len > o->window)
		return -EPROTO;
	o->window -= len;
	if (o->lost)
		return 0;
	at = (o->head + o->len) % sizeof(o->buf);
	run = sizeof(o->buf) - at;
	if (run > len)
		run = len;
	memcpy(o->buf + at, p, run);
	memcpy(o->buf, p + run, len - run);
	o->len += len;
	return 0;
}

/* --- from the guest --- */

static int take_credit(struct relay *r, const struct frame *f)
{
	uint32_t more;

	if (f->len != 5 || f->data[0] != 0)
		return -EPROTO;
	memcpy(&more, f->data + 1, sizeof(more));
	more = le32toh(more);
	if (more > FRAME_WINDOW - r->in_window)
		return -EPROTO;
	r->in_window += more;
	return 0;
}

/* Text of the guest's: what a terminal might obey does not pass. */
static void take_text(char *to, size_t size, const struct frame *f, size_t skip)
{
	size_t i;

	for (i = 0; i + 1 < size && i + skip < f->len; i++) {
		to[i] = f->data[skip + i];
		if (to[i] < ' ' || to[i] > '~')
			to[i] = '?';
	}
	to[i] = '\0';
}

static int take_end(struct relay *r, const struct frame *f)
{
	if (f->len < 2 || !f->data[0] || !strchr("esxf", f->data[0]))
		return -EPROTO;
	if (f->data[0] == FRAME_KILLED &&
	    (f->data[1] < 1 || f->data[1] > FRAME_SIGNAL_MAX))
		return -EPROTO;
	r->how = f->data[0];
	r->number = f->data[1];
	take_text(r->text, sizeof(r->text), f, 2);
	r->over = true;
	return 0;
}

static int take_frame(void *ctx, const struct frame *f)
{
	struct relay *r = ctx;
	char text[256];

	if (r->over)
		return 0;
	switch (f->type) {
	case FRAME_STARTED:
		if (r->started)
			return -EPROTO;
		r->started = true;
		r->host.started(r->host.ctx);
		return 0;
	case FRAME_DATA:
		if (f->len < 1 || f->data[0] < 1 || f->data[0] > 2)
			return -EPROTO;
		return take_output(&r->out[f->data[0] - 1], f->data + 1,
				   f->len - 1);
	case FRAME_CREDIT:
		return take_credit(r, f);
	case FRAME_CLOSE:
		if (f->len != 1 || f->data[0] > 2)
			return -EPROTO;
		if (f->data[0] == 0)
			r->in_ended = true;
		return 0;
	case FRAME_NOTICE:
		take_text(text, sizeof(text), f, 0);
		r->host.notice(r->host.ctx, text);
		return 0;
	case FRAME_END:
		return take_end(r, f);
	default:
		return -EPROTO;
	}
}

/* --- all of it --- */

/* Have @io wait for @events, or, if there are none, not at all. */
static bool await(struct relay *r, struct io *io, uint32_t events)
{
	if (!events) {
		loop_del(io);
		return true;
	}
	if (io->loop)
		return loop_mod(io, events) == 0;
	return loop_add(r->loop, io, events) != -EPERM;
}

static void tell_end(struct relay *r)
{
	if (!r->over || r->told || r->out[0].len || r->out[1].len)
		return;
	r->told = true;
	if (r->how)
		r->host.ended(r->host.ctx, r->how, r->number, r->text);
	else
		r->host.broken(r->host.ctx, r->text);
}

/* Move all that can be moved, and say what is waited for. */
static void pump(struct relay *r)
{
	unsigned i;

	do {
		for (i = 0; i < 2; i++) {
			write_out(&r->out[i]);
			put_outlet(r, &r->out[i]);
		}
		put_signals(r);
		put_input(r);
		send_frames(r);
		if (!await(r, &r->in_io,
			   wanted(r) && !r->in_ready ? EPOLLIN : 0))
			r->in_always = r->in_ready = true;
	} while (r->in_ready && wanted(r));
	for (i = 0; i < 2; i++)
		await(r, &r->out[i].io, r->out[i].len ? EPOLLOUT : 0);
	await(r, &r->io, r->over ? 0 : EPOLLIN | (r->to_len ? EPOLLOUT : 0));
	tell_end(r);
}

/* False if there is nothing more for now. */
static bool take(struct relay *r)
{
	uint8_t buf[FRAME_MAX];
	ssize_t n = stream_read(&r->channel, buf, sizeof(buf));

	if (n == -EAGAIN || r->over)
		return false;
	if (n <= 0) {
		r->over = true;
		strcpy(r->text, "the channel to the guest is closed");
	} else if (frame_feed(&r->reader, buf, n, take_frame, r) < 0) {
		r->over = true;
		strcpy(r->text, "the guest broke the channel's protocol");
	}
	return !r->over;
}

static void channel_ready(struct io *io, uint32_t events)
{
	struct relay *r = container_of(io, struct relay, io);

	if (events & ~EPOLLOUT)
		take(r);
	pump(r);
}

static void out_ready(struct io *io, uint32_t events)
{
	(void)events;
	pump(container_of(io, struct outlet, io)->relay);
}

static void in_ready(struct io *io, uint32_t events)
{
	struct relay *r = container_of(io, struct relay, in_io);

	(void)events;
	r->in_ready = true;
	pump(r);
}

bool relay_drain(struct relay *r)
{
	unsigned i;

	for (i = 0; i < DRAIN && take(r); i++)
		;
	pump(r);
	return r->how;
}

void relay_signal(struct relay *r, unsigned number)
{
	r->signals |= 1ull << (number & 63);
	pump(r);
}

static int open_streams(struct relay *r, int channel, const int fds[3])
{
	int n = stream_of(&r->channel, channel, O_RDWR);
	unsigned i;

	/* A closed input has ended, a closed output is lost. */
	if (!n && stream_of(&r->in, fds[0], O_RDONLY) < 0)
		r->in_ended = r->tell_ended = true;
	for (i = 0; i < 2; i++) {
		struct outlet *o = &r->out[i];

		o->relay = r;
		o->id = i + 1;
		o->window = FRAME_WINDOW;
		o->io.fn = out_ready;
		if (!n && stream_of(&o->to, fds[i + 1], O_WRONLY) < 0)
			o->lost = o->tell_lost = true;
		o->io.fd = o->to.fd;
	}
	return n;
}

struct relay *relay_new(struct loop *loop, int channel, const int fds[3],
			const struct relay_host *host)
{
	static const int standard[3] = { 0, 1, 2 };
	struct relay *r = calloc(1, sizeof(*r));
	int n;

	if (!r)
		return NULL;
	r->loop = loop;
	r->host = *host;
	r->channel = r->in = r->out[0].to = r->out[1].to = STREAM_NONE;
	r->in_window = FRAME_WINDOW;
	n = open_streams(r, channel, fds ? fds : standard);
	r->io = (struct io){ .fd = r->channel.fd, .fn = channel_ready };
	r->in_io = (struct io){ .fd = r->in.fd, .fn = in_ready };
	if (!n)
		n = loop_add(loop, &r->io, EPOLLIN);
	if (n < 0) {
		relay_free(r);
		errno = -n;
		return NULL;
	}
	close(channel);
	return r;
}

void relay_free(struct relay *r)
{
	unsigned i;

	if (!r)
		return;
	loop_del(&r->io);
	loop_del(&r->in_io);
	for (i = 0; i < 2; i++) {
		write_out(&r->out[i]);
		loop_del(&r->out[i].io);
		stream_close(&r->out[i].to);
	}
	stream_close(&r->in);
	stream_close(&r->channel);
	free(r);
}
