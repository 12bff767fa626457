/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * All runs on the loop, but for resets. A packet of the driver's is dealt with
 * at once; what it is to be answered with is no packet in a queue, but a state
 * of its connection, from which conn_next() says what to send when the driver
 * has a buffer for it: a request, a reset, that there is data. Connections that
 * have something to send take turns, packet by packet.
 *
 * Only an answer to a packet that belongs to no connection has to be kept: there
 * are VSOCK_RSTS places for them, and while all are taken the driver's packets
 * stay in their queue. So nothing that the driver does makes anything grow.
 */
#include "virtio/vsock.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_ids.h>
#include <unistd.h>

#include "virtio/vsock_impl.h"

#define QUEUE_SIZE 128
#define RX	   0
#define TX	   1
#define EVENT	   2
#define CID_HOST   2u
/* Where others begin to count, too: no service has such a number. */
#define FIRST_PORT 0x40000000u
#define OP(name)   (1u << VIRTIO_VSOCK_OP_##name)
/* To connect takes several system calls of the host's. */
#define DIAL_COST (VIRTIO_TURN / 16)

/* --- to the guest --- */

static int64_t next_work(const struct vsock *s)
{
	unsigned i, at = (s->turn + 1) % VSOCK_CONNS;
	uint64_t word = s->work[at / 64] >> at % 64;

	if (word)
		return at + __builtin_ctzll(word);
	for (i = 1; i <= VSOCK_CONNS / 64; i++) {
		at = (at / 64 + 1) * 64 % VSOCK_CONNS;
		if (s->work[at / 64])
			return at + __builtin_ctzll(s->work[at / 64]);
	}
	return -1;
}

static struct virtio_vsock_hdr header(const struct vsock *s, uint32_t host_port,
				      uint32_t guest_port, unsigned op)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(CID_HOST),
		.dst_cid = htole64(s->cid),
		.src_port = htole32(host_port),
		.dst_port = htole32(guest_port),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
	};
}

static void put_rst(struct vsock *s)
{
	const struct vsock_rst *r = &s->rst[s->rst_head];
	struct virtio_vsock_hdr h =
		header(s, r->host_port, r->guest_port, VIRTIO_VSOCK_OP_RST);

	h.src_cid = htole64(r->cid);
	h.type = htole16(r->type);
	vq_put(&s->rx, &h, sizeof(h));
	virtio_push(&s->v, RX, &s->rx, sizeof(h));
	s->rst_head = (s->rst_head + 1) % VSOCK_RSTS;
	s->nrsts--;
}

/* The packet is on its way. */
static void note(struct conn *c, unsigned op, uint32_t len)
{
	c->owed &= ~(op | OP(CREDIT_UPDATE));
	c->told = conn_forwarded(c);
	c->sent += len;
	if (op == OP(CREDIT_REQUEST))
		c->asked = true;
	if (op == OP(SHUTDOWN))
		c->shut_told = c->shut;
	if (op == OP(RST))
		conn_leave(c);
	else
		conn_settle(c);
}

/* 1 sent; 0 there was nothing after all; -EPROTO a buffer is of no use. */
static int put_packet(struct vsock *s, struct conn *c)
{
	struct virtio_vsock_hdr h;
	unsigned op = conn_next(c);
	uint32_t len = 0;

	if (op == OP(RW)) {
		if (s->rx.in.len == sizeof(h))
			return -EPROTO;
		len = conn_read(c, &s->rx);
		if (!len) {
			conn_settle(c);
			return 0;
		}
	}
	h = header(s, c->host_port, c->guest_port, __builtin_ctz(op));
	h.len = htole32(len);
	h.buf_alloc = htole32(VSOCK_BUFFER);
	h.fwd_cnt = htole32(conn_forwarded(c));
	if (op == OP(SHUTDOWN))
		h.flags = htole32(c->shut);
	vq_poke(&s->rx, 0, &h, sizeof(h));
	virtio_push(&s->v, RX, &s->rx, sizeof(h) + len);
	virtio_spend(&s->v, len);
	s->v.stats.bytes += len;
	note(c, op, len);
	return 1;
}

/* Into the buffer that was popped; as put_packet(). */
static int put_next(struct vsock *s)
{
	int64_t i = next_work(s);

	if (s->rx.in.len < sizeof(struct virtio_vsock_hdr))
		return -EPROTO;
	if (s->nrsts) {
		put_rst(s);
		return 1;
	}
	s->turn = i;
	return put_packet(s, &s->conn[i]);
}

static int serve_rx(struct vsock *s)
{
	int r = 0;

	while (r >= 0 && (s->nrsts || next_work(s) >= 0)) {
		r = virtio_pop(&s->v, RX, &s->rx);
		if (r <= 0)
			break;
		r = put_next(s);
		if (r <= 0)
			vq_unpop(&s->v.vq[RX], &s->rx);
	}
	virtio_publish(&s->v, RX);
	if (s->stalled && s->nrsts < VSOCK_RSTS) {
		s->stalled = false;
		virtio_ask(&s->v, TX);
	}
	return r < 0 ? r : 0;
}

void vsock_serve(struct vsock *s)
{
	virtio_serve(&s->v, RX);
}

/* 5.10.6.7: the driver drops all its connections. */
static int serve_event(struct vsock *s)
{
	const struct virtio_vsock_event ev = {
		.id = htole32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET),
	};
	struct virtqueue *vq = &s->v.vq[EVENT];
	int r;

	if (!s->reset_owed)
		return 0;
	do
		r = vq_pop(vq, &s->event);
	while (r == 0 && vq_listen(vq));
	if (r <= 0)
		return r;
	if (vq_put(&s->event, &ev, sizeof(ev)))
		return -EPROTO;
	virtio_push(&s->v, EVENT, &s->event, sizeof(ev));
	virtio_publish(&s->v, EVENT);
	s->reset_owed = false;
	return 0;
}

/* --- from the guest --- */

/* There is room: from_guest() has seen to it. */
static void refuse(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	const unsigned i = (s->rst_head + s->nrsts) % VSOCK_RSTS;

	if (le16toh(h->op) == VIRTIO_VSOCK_OP_RST)
		return;
	s->rst[i] = (struct vsock_rst){
		.cid = le64toh(h->dst_cid),
		.guest_port = le32toh(h->src_port),
		.host_port = le32toh(h->dst_port),
		.type = le16toh(h->type),
	};
	s->nrsts++;
}

static void on_request(struct vsock *s, const struct virtio_vsock_hdr *h)
{
	const uint32_t port = le32toh(h->dst_port);
	/* Without a place for it, the host is not to hear of the connection. */
	int fd = conn_room(s) ? s->back->dial(s->back, port) : -ENOSPC;
	struct conn *c = NULL;

	virtio_spend(&s->v, DIAL_COST);
	if (fd >= 0)
		c = conn_new(s, fd, le32toh(h->src_port), port);
	if (!c) {
		if (fd >= 0)
			close(fd);
		refuse(s, h);
		return;
	}
	c->state = CONN_OPEN;
	c->owed = OP(RESPONSE);
	c->room = le32toh(h->buf_alloc);
	c->read = le32toh(h->fwd_cnt);
	conn_settle(c);
}

/* What a guest may say in this state, and what is done; false: it may not. */
static bool on_packet(struct conn *c, const struct virtio_vsock_hdr *h,
		      struct vq_chain *chain)
{
	const unsigned op = le16toh(h->op);

	if (c->state == CONN_ASKING) {
		/* It cannot answer a request that was not sent yet. */
		if (op != VIRTIO_VSOCK_OP_RESPONSE || c->owed & OP(REQUEST))
			return false;
		c->s->back->accepted(c->s->back, c->io.fd, c->host_port);
		c->state = CONN_OPEN;
		return true;
	}
	switch (op) {
	case VIRTIO_VSOCK_OP_RW:
		return le32toh(h->len) <= chain->out.len &&
		       !(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
		       conn_write(c, chain, le32toh(h->len));
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		conn_shut(c, le32toh(h->flags));
		return true;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		c->owed |= OP(CREDIT_UPDATE);
		return true;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		return true;
	default:
		return false;
	}
}

static void to_conn(struct conn *c, const struct virtio_vsock_hdr *h,
		    struct vq_chain *chain)
{
	if (le16toh(h->op) == VIRTIO_VSOCK_OP_RST) {
		conn_leave(c);
		return;
	}
	if (c->state == CONN_BROKEN) /* a reset is on its way */
		return;
	c->room = le32toh(h->buf_alloc);
	c->read = le32toh(h->fwd_cnt);
	if (conn_credit(c))
		c->asked = false;
	if (!on_packet(c, h, chain)) {
		c->s->v.stats.errors++;
		conn_break(c);
	} else if (c->guest_shut == SHUT_BOTH) {
		/* A clean end: the guest may use its port again. */
		refuse(c->s, h);
		conn_leave(c);
	} else {
		conn_settle(c);
	}
}

static int from_guest(struct virtio *v, unsigned q, struct vq_chain *chain)
{
	struct vsock *s = (struct vsock *)v;
	struct virtio_vsock_hdr h;
	struct conn *c;

	if (s->nrsts == VSOCK_RSTS) {
		s->stalled = true;
		return -EAGAIN;
	}
	if (vq_get(chain, &h, sizeof(h)))
		return -EPROTO;
	virtio_spend(v, chain->out.len);
	v->stats.bytes += chain->out.len;
	c = conn_find(s, le32toh(h.src_port), le32toh(h.dst_port));
	if (le64toh(h.src_cid) != s->cid || le64toh(h.dst_cid) != CID_HOST ||
	    le16toh(h.type) != VIRTIO_VSOCK_TYPE_STREAM) {
		v->stats.errors++;
		refuse(s, &h);
	} else if (c) {
		to_conn(c, &h, chain);
	} else if (le16toh(h.op) == VIRTIO_VSOCK_OP_REQUEST) {
		on_request(s, &h);
	} else {
		refuse(s, &h);
	}
	virtio_push(v, q, chain, 0);
	return 0;
}

/* --- from the host --- */

static uint32_t free_port(struct vsock *s, uint32_t guest_port)
{
	do
		s->next_port = (s->next_port + 1) % FIRST_PORT;
	while (conn_find(s, guest_port, FIRST_PORT + s->next_port));
	return FIRST_PORT + s->next_port;
}

static int on_asked(void *ctx, int fd, uint32_t port)
{
	struct vsock *s = ctx;
	struct conn *c = NULL;

	virtio_lock(&s->v);
	if (virtio_live(&s->v))
		c = conn_new(s, fd, port, free_port(s, port));
	if (c) {
		c->state = CONN_ASKING;
		c->owed = OP(REQUEST);
		conn_settle(c);
		vsock_serve(s);
	}
	virtio_unlock(&s->v);
	return c ? 0 : -ECONNREFUSED;
}

/* --- the device --- */

static int serve(struct virtio *v, unsigned q)
{
	struct vsock *s = (struct vsock *)v;
	int r = 0;

	if (s->parked)
		conn_unpark_all(s);
	if (q == EVENT)
		return serve_event(s);
	if (q == TX)
		r = virtio_each(v, q, &s->tx, from_guest);
	return r < 0 || !v->vq[RX].ready ? r : serve_rx(s);
}

static bool abandon_all(struct vsock *s)
{
	bool any = s->nrsts;
	unsigned i;

	for (i = 0; i < VSOCK_CONNS; i++) {
		any |= s->conn[i].state != CONN_FREE;
		conn_abandon(&s->conn[i]);
	}
	s->nrsts = 0;
	return any;
}

/* Without one of its queues, whatever was said and not heard is lost. */
static void queue_reset(struct virtio *v, unsigned q)
{
	struct vsock *s = (struct vsock *)v;

	if (q == EVENT || !abandon_all(s))
		return;
	s->reset_owed = true;
	virtio_ask(v, EVENT);
}

static void reset(struct virtio *v)
{
	struct vsock *s = (struct vsock *)v;

	abandon_all(s);
	s->stalled = s->reset_owed = false;
}

static void vsock_free(struct virtio *v)
{
	struct vsock *s = (struct vsock *)v;
	unsigned i;

	virtio_exit(v);
	for (i = 0; i < VSOCK_CONNS; i++)
		if (s->conn[i].state != CONN_FREE)
			conn_break(&s->conn[i]);
	s->back->free(s->back);
	free(s);
}

static const struct virtio_ops vsock_ops = {
	.name = "virtio-vsock",
	.id = VIRTIO_ID_VSOCK,
	.serve = serve,
	.queue_reset = queue_reset,
	.reset = reset,
	.free = vsock_free,
};

struct virtio *virtio_vsock_new(const struct gmem *gmem, struct loop *loop,
				struct vsock_back *back, uint32_t cid)
{
	struct virtio_vsock_config cfg = { .guest_cid = htole64(cid) };
	struct vsock *s = calloc(1, sizeof(*s));
	const struct vsock_front front = { .asked = on_asked, .ctx = s };

	if (!s)
		return NULL;
	if (virtio_init(&s->v, &vsock_ops, gmem, loop, 3, QUEUE_SIZE, 0)) {
		free(s);
		return NULL;
	}
	s->v.config_size = sizeof(cfg);
	memcpy(s->v.config, &cfg, sizeof(cfg));
	s->cid = cid;
	s->back = back;
	back->attach(back, &front);
	return &s->v;
}
