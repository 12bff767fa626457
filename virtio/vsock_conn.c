/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A connection is waited for only as far as something can be done: for input
 * while there is none, for room while bytes of the guest's wait for it. The
 * kernel reports a hang-up all the same, always, so that a connection that has
 * hung up and still holds input for a guest without buffers leaves the loop;
 * the driver's next buffers go on with it.
 *
 * Only the loop's thread may take a descriptor out of the loop. A reset comes
 * from a vCPU's thread: it shuts the socket down, which is a hang-up, which the
 * loop then sees. A connection that has left the loop is freed by anybody.
 *
 * While the device is held, a connection of which the loop has something to say
 * leaves it too (`parked`): that is heard when nothing holds the device.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/unix.h"
#include "virtio/vsock_impl.h"

#define HEADER	   sizeof(struct virtio_vsock_hdr)
#define PACKET_MAX 65536u
#define OP(name)   (1u << VIRTIO_VSOCK_OP_##name)

struct conn *conn_find(struct vsock *s, uint32_t guest_port, uint32_t host_port)
{
	struct conn *c;

	for (c = s->conn; c < s->conn + VSOCK_CONNS; c++)
		if (c->guest_port == guest_port && c->host_port == host_port &&
		    c->state != CONN_FREE && c->state != CONN_LEFT)
			return c;
	return NULL;
}

/* --- the guest's bytes --- */

static void drop_output(struct conn *c)
{
	free(c->buf);
	c->buf = NULL;
	c->head = c->len = 0;
}

static void disconnect(struct conn *c)
{
	loop_del(&c->io);
	if (c->io.fd >= 0)
		close(c->io.fd);
	c->io.fd = -1;
	drop_output(c);
}

/* Two pieces of the ring: @len bytes from @at. */
static void ring_pieces(const struct conn *c, uint32_t at, uint32_t len,
			struct iovec iov[2])
{
	uint32_t first = VSOCK_BUFFER - at % VSOCK_BUFFER;

	if (first > len)
		first = len;
	iov[0] = (struct iovec){ c->buf + at % VSOCK_BUFFER, first };
	iov[1] = (struct iovec){ c->buf, len - first };
}

static void flush(struct conn *c)
{
	struct iovec iov[2];
	ssize_t n;

	while (c->len) {
		ring_pieces(c, c->head, c->len, iov);
		n = unix_write(c->io.fd, iov, 2);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			/*
			 * Nobody will read it. There may be input left, which
			 * is delivered.
			 */
			drop_output(c);
			c->shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
			return;
		}
		c->head += n;
		c->len -= n;
	}
	drop_output(c);
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		shutdown(c->io.fd, SHUT_WR);
}

/* Behind what is there already. */
static bool keep(struct conn *c, struct vq_chain *from, uint32_t len)
{
	struct iovec iov[2];

	if (!c->buf)
		c->buf = malloc(VSOCK_BUFFER);
	if (!c->buf)
		return false;
	ring_pieces(c, c->head + c->len, len, iov);
	vq_get(from, iov[0].iov_base, iov[0].iov_len);
	vq_get(from, iov[1].iov_base, iov[1].iov_len);
	c->len += len;
	return true;
}

/* Leave @s no longer than @len. */
static void cut(struct vq_span *s, size_t len)
{
	size_t sum = 0;
	unsigned i;

	for (i = 0; i < s->n && sum < len; i++) {
		if (s->iov[i].iov_len > len - sum)
			s->iov[i].iov_len = len - sum;
		sum += s->iov[i].iov_len;
	}
	s->n = i;
	s->len = sum;
}

bool conn_write(struct conn *c, struct vq_chain *from, uint32_t len)
{
	ssize_t n = 0;

	if (len > VSOCK_BUFFER - c->len)
		return false;
	c->received += len;
	/* Nobody reads it any more: it counts as read. */
	if (!len || c->shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		return true;
	cut(&from->out, len);
	if (!c->len)
		n = unix_write(c->io.fd, from->out.iov, from->out.n);
	if (n < 0 && n != -EAGAIN) {
		c->shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
		return true;
	}
	if (n < 0)
		n = 0;
	vq_skip(&from->out, n);
	return (uint32_t)n == len || keep(c, from, len - n);
}

/* --- the host's --- */

uint32_t conn_credit(const struct conn *c)
{
	uint32_t unread = c->sent - c->read;

	return unread < c->room ? c->room - unread : 0;
}

/* The host's process sends no more, or is even gone. */
static void end_of_input(struct conn *c)
{
	c->readable = false;
	c->shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
	if (c->gone) {
		c->shut |= VIRTIO_VSOCK_SHUTDOWN_RCV;
		disconnect(c);
	}
}

uint32_t conn_read(struct conn *c, const struct vq_chain *to)
{
	struct vq_span room = { .iov = c->s->iov,
				.n = to->in.n,
				.len = to->in.len };
	uint32_t max = conn_credit(c);
	ssize_t n;

	memcpy(room.iov, to->in.iov, room.n * sizeof(room.iov[0]));
	vq_skip(&room, HEADER);
	cut(&room, max < PACKET_MAX ? max : PACKET_MAX);
	n = unix_read(c->io.fd, room.iov, room.n);
	if (n == -EAGAIN) {
		c->readable = false;
	} else if (n <= 0) {
		end_of_input(c);
	} else if ((size_t)n < room.len && c->io.loop) {
		/* That was all; if more has come since, the loop says so. */
		c->readable = false;
	}
	return n > 0 ? n : 0;
}

/* --- its life --- */

static void set_work(struct conn *c)
{
	unsigned i = c - c->s->conn;
	uint64_t bit = 1ull << i % 64;

	if (conn_next(c))
		c->s->work[i / 64] |= bit;
	else
		c->s->work[i / 64] &= ~bit;
}

static void release(struct conn *c)
{
	disconnect(c);
	c->state = CONN_FREE;
	set_work(c);
}

/* The host's process has gone; what it has sent is still there. */
static void hung_up(struct conn *c)
{
	loop_del(&c->io);
	c->gone = c->readable = true;
	drop_output(c);
	if (c->shut & VIRTIO_VSOCK_SHUTDOWN_SEND)
		end_of_input(c);
	if (c->state == CONN_ASKING)
		conn_break(c);
	else if (c->state == CONN_LEFT)
		release(c);
}

static void ready(struct io *io, uint32_t events)
{
	struct conn *c = (struct conn *)io;
	struct vsock *s = c->s;

	virtio_lock(&s->v);
	if (s->v.holds) {
		loop_del(io);
		c->parked = s->parked = true;
		virtio_unlock(&s->v);
		return;
	}
	if (events & EPOLLIN)
		c->readable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		hung_up(c);
	else if (events & EPOLLOUT)
		flush(c);
	conn_settle(c);
	vsock_serve(s);
	virtio_unlock(&s->v);
}

void conn_unpark_all(struct vsock *s)
{
	struct conn *c;

	s->parked = false;
	for (c = s->conn; c < s->conn + VSOCK_CONNS; c++) {
		if (!c->parked)
			continue;
		c->parked = false;
		if (c->state != CONN_FREE && c->io.fd >= 0 &&
		    loop_add(s->v.loop, &c->io, c->watched) < 0)
			conn_break(c);
	}
}

static struct conn *place(const struct vsock *s)
{
	const struct conn *c;

	for (c = s->conn; c < s->conn + VSOCK_CONNS; c++)
		if (c->state == CONN_FREE)
			return (struct conn *)c;
	return NULL;
}

bool conn_room(const struct vsock *s)
{
	return place(s);
}

struct conn *conn_new(struct vsock *s, int fd, uint32_t guest_port,
		      uint32_t host_port)
{
	struct conn *c = place(s);

	if (!c)
		return NULL;
	*c = (struct conn){ .io = { .fd = fd, .fn = ready },
			    .s = s,
			    .guest_port = guest_port,
			    .host_port = host_port };
	return loop_add(s->v.loop, &c->io, 0) < 0 ? NULL : c;
}

unsigned conn_next(const struct conn *c)
{
	static const unsigned order[] = { OP(RST), OP(REQUEST), OP(RESPONSE) };
	unsigned i;

	if (c->state == CONN_FREE || c->state == CONN_LEFT)
		return 0;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (c->owed & order[i])
			return order[i];
	if (c->state != CONN_OPEN)
		return 0;
	if (c->readable && !(c->shut & VIRTIO_VSOCK_SHUTDOWN_SEND)) {
		if (conn_credit(c))
			return OP(RW);
		if (!c->asked)
			return OP(CREDIT_REQUEST);
	}
	if (c->shut & ~c->shut_told)
		return OP(SHUTDOWN);
	/* The guest has not heard yet that half of its credit is free again. */
	if (c->owed & OP(CREDIT_UPDATE) ||
	    conn_forwarded(c) - c->told >= VSOCK_BUFFER / 2)
		return OP(CREDIT_UPDATE);
	return 0;
}

void conn_settle(struct conn *c)
{
	const uint32_t deaf = VIRTIO_VSOCK_SHUTDOWN_SEND;
	uint32_t events = 0;

	if (c->state == CONN_LEFT && !c->len)
		release(c);
	set_work(c);
	if (!c->io.loop)
		return;
	if (c->state == CONN_OPEN && !c->readable && !(c->shut & deaf))
		events |= EPOLLIN;
	if (c->len)
		events |= EPOLLOUT;
	if (events == c->watched)
		return;
	c->watched = events;
	if (loop_mod(&c->io, events) < 0)
		conn_break(c);
}

void conn_shut(struct conn *c, uint32_t flags)
{
	c->guest_shut |= flags & SHUT_BOTH;
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV) {
		shutdown(c->io.fd, SHUT_RD);
		c->readable = false;
		c->shut |= VIRTIO_VSOCK_SHUTDOWN_SEND;
		c->shut_told |= VIRTIO_VSOCK_SHUTDOWN_SEND;
	}
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND && !c->len)
		shutdown(c->io.fd, SHUT_WR);
}

void conn_break(struct conn *c)
{
	disconnect(c);
	c->state = CONN_BROKEN;
	c->owed = OP(RST);
	set_work(c);
}

void conn_leave(struct conn *c)
{
	if (!c->len) {
		release(c);
		return;
	}
	c->state = CONN_LEFT;
	c->guest_shut = SHUT_BOTH;
	shutdown(c->io.fd, SHUT_RD);
	conn_settle(c);
}

void conn_abandon(struct conn *c)
{
	if (c->state == CONN_FREE || c->state == CONN_LEFT)
		return;
	if (!c->io.loop) {
		release(c);
		return;
	}
	c->state = CONN_LEFT;
	c->guest_shut = SHUT_BOTH;
	set_work(c);
	shutdown(c->io.fd, c->len ? SHUT_RD : SHUT_RDWR);
}
