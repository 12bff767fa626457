/* SPDX-License-Identifier: MIT */
/*
 * A guest with a socket device, for tests and the fuzzer: a back end whose
 * connections are socket pairs, of which the test has the other ends, and
 * packets to send and to look at.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/virtio_vsock.h>

#include "host/vsock.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/vsock.h"

#define RX	 0
#define TX	 1
#define EVENT	 2
#define HDR	 44u
#define CID	 7u
#define GUEST	 1000u /* a port of the guest's */
#define HOST	 80u   /* of the host's, on which somebody listens */
#define RXBUF(i) (DATA + 0x10000 + (i)*0x1000ull)
#define TXBUF	 DATA

struct vrig {
	struct vsock_back back;
	struct vsock_front front;
	struct rig r;
	struct loop *loop;
	int peer;	   /* the host's end of the last connection, or -1 */
	unsigned dialled;  /* how often the guest has asked for HOST */
	uint32_t accepted; /* the port that accepted() told */
	uint16_t seen;	   /* used RX buffers looked at */
	bool freed;
};

static inline void vrig_attach(struct vsock_back *b,
			       const struct vsock_front *front)
{
	((struct vrig *)b)->front = *front;
}

/* A connection: the device's end; the test's is v->peer. */
static inline int vrig_pair(struct vrig *v)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fd) < 0)
		return -errno;
	if (v->peer >= 0)
		close(v->peer);
	v->peer = fd[1];
	return fd[0];
}

static inline int vrig_dial(struct vsock_back *b, uint32_t port)
{
	struct vrig *v = (struct vrig *)b;

	if (port != HOST)
		return -ENOENT;
	v->dialled++;
	return vrig_pair(v);
}

static inline void vrig_accepted(struct vsock_back *b, int fd, uint32_t port)
{
	(void)fd;
	((struct vrig *)b)->accepted = port;
}

static inline void vrig_freed(struct vsock_back *b)
{
	((struct vrig *)b)->freed = true;
}

static inline void vrig_stop(void *loop)
{
	loop_stop(loop);
}

/*
 * The loop has done what it had to do, and what that has brought, several times.
 */
static inline void vrig_spin(struct vrig *v)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		if (v->r.loop) {
			rig_fence(v->loop);
			continue;
		}
		loop_call(v->loop, vrig_stop, v->loop);
		loop_run(v->loop);
	}
}

/* A process of the host's asks for port @port by @fd, on the loop. */
struct vrig_question {
	struct vrig *v;
	int fd, result;
	uint32_t port;
};

static inline void vrig_asked_now(void *arg)
{
	struct vrig_question *q = arg;

	q->result = q->v->front.asked(q->v->front.ctx, q->fd, q->port);
}

static inline int vrig_asked(struct vrig *v, int fd, uint32_t port)
{
	struct vrig_question q = { v, fd, 0, port };

	if (!v->r.loop) {
		vrig_asked_now(&q);
		return q.result;
	}
	loop_call(v->loop, vrig_asked_now, &q);
	rig_fence(v->loop);
	rig_settle(&v->r);
	return q.result;
}

static inline void vrig_rx(struct vrig *v, unsigned i, uint32_t len)
{
	rig_desc(&v->r, RX, i, RXBUF(i), len, W, 0);
	rig_avail(&v->r, RX, i);
}

/* All of the guest's buffers are available, also those that it has seen. */
static inline void vrig_refill(struct vrig *v)
{
	while ((uint16_t)(v->r.avail[RX] - v->seen) < QSIZE)
		vrig_rx(v, v->r.avail[RX] % QSIZE, 0x1000);
	rig_notify(&v->r, RX);
}

static inline void vrig_new(struct vrig *v)
{
	log_level = LOG_ERROR;
	memset(v, 0, sizeof(*v));
	v->peer = -1;
	v->back = (struct vsock_back){ vrig_attach, vrig_dial, vrig_accepted,
				       vrig_freed };
	rig_ram(&v->r);
	v->loop = rig_on_a_thread ? rig_loop(&v->r) : loop_new();
	rig_plug(&v->r, virtio_vsock_new(&v->r.m, v->loop, &v->back, CID));
}

/* With @buffers of 4 KiB for what it receives. */
static inline void vrig_start(struct vrig *v, unsigned buffers)
{
	unsigned i;

	rig_start(&v->r, 0);
	v->seen = 0;
	for (i = 0; i < buffers; i++)
		vrig_rx(v, i, 0x1000);
}

static inline void vrig_of(struct vrig *v)
{
	vrig_new(v);
	vrig_start(v, QSIZE);
}

static inline void vrig_free(struct vrig *v)
{
	bool own = !v->r.loop;

	rig_free(&v->r);
	if (own)
		loop_free(v->loop);
	if (v->peer >= 0)
		close(v->peer);
}

/* A packet from port GUEST to port HOST, with much credit. */
static inline struct virtio_vsock_hdr vrig_header(unsigned op)
{
	return (struct virtio_vsock_hdr){
		.src_cid = htole64(CID),
		.dst_cid = htole64(2),
		.src_port = htole32(GUEST),
		.dst_port = htole32(HOST),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
		.buf_alloc = htole32(1 << 20),
	};
}

/* Send @h with @len bytes at @data behind it, whatever @h says of them. */
static inline void vrig_send_raw(struct vrig *v,
				 const struct virtio_vsock_hdr *h,
				 const void *data, uint32_t len)
{
	memcpy(rig_at(&v->r, TXBUF), h, HDR);
	if (len)
		memcpy(rig_at(&v->r, TXBUF + HDR), data, len);
	rig_desc(&v->r, TX, 0, TXBUF, HDR + len, 0, 0);
	rig_send(&v->r, TX, 0);
}

static inline void vrig_send(struct vrig *v, unsigned op)
{
	const struct virtio_vsock_hdr h = vrig_header(op);

	vrig_send_raw(v, &h, NULL, 0);
}

static inline void vrig_say(struct vrig *v, const void *data, uint32_t len)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RW);

	h.len = htole32(len);
	vrig_send_raw(v, &h, data, len);
}

/*
 * The next packet that the guest has got, and in *@data what is behind its
 * header; NULL if there is none.
 */
static inline const struct virtio_vsock_hdr *vrig_next(struct vrig *v,
						       const uint8_t **data)
{
	uint32_t id;
	uint8_t *p;

	if (v->seen == rig_used_idx(&v->r, RX))
		return NULL;
	memcpy(&id, rig_at(&v->r, USED(RX) + 4 + v->seen++ % QSIZE * 8), 4);
	p = rig_at(&v->r, RXBUF(le32toh(id)));
	if (data)
		*data = p + HDR;
	return (const struct virtio_vsock_hdr *)p;
}

/* The driver answers by @op a question of the host's that it was not asked yet. */
static inline void vrig_answers_unasked(struct vrig *v, uint16_t op)
{
	struct virtio_vsock_hdr h = vrig_header(op);

	vrig_new(v);
	vrig_start(v, 0);
	EQ(vrig_asked(v, vrig_pair(v), GUEST), 0);
	h.dst_port = htole32(0x40000001);
	vrig_send_raw(v, &h, NULL, 0);
}
