/* SPDX-License-Identifier: MIT */
/* What a guest with a socket device expects; for tests on vsock_rig.h. */
#pragma once

#include "tests/unit/fds.h"
#include "tests/unit/spin.h"
#include "tests/unit/test.h"
#include "tests/unit/vsock_rig.h"

#define BUFFER 131072u

static uint8_t big[BUFFER + 1];

/* The next packet is @op, between these two ports. */
static inline const struct virtio_vsock_hdr *expect(struct vrig *v, unsigned op)
{
	const struct virtio_vsock_hdr *h = vrig_next(v, NULL);

	if (!h)
		FAIL("no packet, but %u was expected", op);
	EQ(le16toh(h->op), op);
	EQ(le64toh(h->src_cid), 2);
	EQ(le64toh(h->dst_cid), CID);
	EQ(le32toh(h->src_port), HOST);
	EQ(le32toh(h->dst_port), GUEST);
	EQ(le16toh(h->type), VIRTIO_VSOCK_TYPE_STREAM);
	return h;
}

static inline void silence(struct vrig *v)
{
	const struct virtio_vsock_hdr *h = vrig_next(v, NULL);

	if (h)
		FAIL("a packet %u that nobody expected", le16toh(h->op));
	OK(!rig_needs_reset(&v->r));
}

/* A connection that the guest has asked for. */
static inline void connected(struct vrig *v)
{
	vrig_of(v);
	vrig_send(v, VIRTIO_VSOCK_OP_REQUEST);
	EQ(v->dialled, 1);
	EQ(le32toh(expect(v, VIRTIO_VSOCK_OP_RESPONSE)->buf_alloc), BUFFER);
}

static inline void peer_says(struct vrig *v, const char *s)
{
	EQ(write(v->peer, s, strlen(s)), strlen(s));
	vrig_spin(v);
}

static inline void peer_hears(struct vrig *v, const char *s)
{
	char buf[100] = "";

	EQ(read(v->peer, buf, sizeof(buf) - 1), strlen(s));
	STR_EQ(buf, s);
}

static inline bool peer_is_alone(struct vrig *v)
{
	char c;

	return read(v->peer, &c, 1) == 0;
}

static inline void guest_hears(struct vrig *v, const char *s)
{
	const uint8_t *data;
	const struct virtio_vsock_hdr *h = vrig_next(v, &data);

	OK(h);
	EQ(le16toh(h->op), VIRTIO_VSOCK_OP_RW);
	EQ(le32toh(h->len), strlen(s));
	MEM_EQ(data, s, strlen(s));
}

/* Until the device keeps @left bytes of the guest's; how many were sent. */
static inline uint32_t fill(struct vrig *v, uint32_t left)
{
	const struct virtio_vsock_hdr *h;
	uint32_t sent = 0, out = 0;

	do {
		vrig_say(v, big, 1024);
		sent += 1024;
		vrig_send(v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
		while ((h = vrig_next(v, NULL))) {
			EQ(le16toh(h->op), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
			out = le32toh(h->fwd_cnt);
		}
		vrig_refill(v);
	} while (sent - out < left);
	EQ(sent - out, left);
	return sent;
}
