/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the socket device share: vsock.c has queues and
 * packets, vsock_conn.c a connection. All of it under the device's lock.
 */
#pragma once

#include <linux/virtio_vsock.h>

#include "host/vsock.h"
#include "virtio/virtio.h"
#include "virtio/vsock.h"

#define VSOCK_CONNS  256u
#define VSOCK_BUFFER 131072u

#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

enum conn_state {
	CONN_FREE,
	CONN_ASKING, /* a process of the host's waits for the guest's answer */
	CONN_OPEN,
	CONN_BROKEN, /* the guest is yet to be told; nothing of the host is left */
	CONN_LEFT, /* by the guest; what it sent is yet to go out */
};

struct vsock;

struct conn {
	struct io io; /* to the host's process; fd is -1: none */
	struct vsock *s;
	enum conn_state state;
	uint32_t guest_port, host_port;
	uint32_t watched; /* events that the loop waits for */
	unsigned owed;	  /* 1 << VIRTIO_VSOCK_OP_* to send to the guest */

	/* To the guest. Counts are modulo 2^32, as the guest's are. */
	bool readable;	     /* the host has sent something, as far as known */
	bool gone;	     /* its process has closed both directions */
	bool parked;	     /* out of the loop while the device is held */
	bool asked;	     /* the guest knows that we wait for credit */
	uint32_t sent;	     /* bytes */
	uint32_t room, read; /* the guest's buf_alloc and fwd_cnt */
	uint32_t shut;	     /* what it is to know of: SHUTDOWN flags */
	uint32_t shut_told;  /* what it knows */

	/* From the guest: what is on its way is in a ring of VSOCK_BUFFER. */
	uint32_t received, told; /* told: the fwd_cnt that it has seen last */
	uint32_t guest_shut;	 /* SHUTDOWN flags */
	uint8_t *buf;		 /* NULL while len is 0 */
	uint32_t head, len;
};

/* A packet that belonged to no connection is to be answered. */
struct vsock_rst {
	uint64_t cid; /* that the guest took for the host's */
	uint32_t guest_port, host_port;
	uint16_t type;
};

#define VSOCK_RSTS 64u

struct vsock {
	struct virtio v;
	struct vsock_back *back;
	struct vq_chain rx, tx, event;
	struct iovec iov[VQ_IOV_MAX];
	uint32_t cid;
	uint32_t next_port; /* the host's, for the next process to connect */
	struct vsock_rst rst[VSOCK_RSTS];
	unsigned rst_head, nrsts;
	bool parked;	 /* some of the connections are */
	bool stalled;	 /* the driver's packets wait for room there */
	bool reset_owed; /* a TRANSPORT_RESET event */
	unsigned turn;	 /* whose packet was the last */
	uint64_t work[VSOCK_CONNS / 64]; /* who has something for the guest */
	struct conn conn[VSOCK_CONNS];
};

/* --- vsock_conn.c; on the loop's thread unless it says otherwise ---------- */

/* The connection between these ports, while the guest is part of it. */
struct conn *conn_find(struct vsock *, uint32_t guest_port, uint32_t host_port);

/* Is there a place for one more? */
bool conn_room(const struct vsock *);

/* The device is held no more: wait again for what those that are parked do. */
void conn_unpark_all(struct vsock *);

/*
 * conn_new() - a connection by @fd, of which it waits for the end only
 *
 * Owns @fd. NULL, and does not: there are too many, or no memory.
 */
struct conn *conn_new(struct vsock *, int fd, uint32_t guest_port,
		      uint32_t host_port);

/* The 1 << VIRTIO_VSOCK_OP_* that it has for the guest now, or 0. */
unsigned conn_next(const struct conn *);

/* After any change: what it waits for, and whether it has work. */
void conn_settle(struct conn *);

/* What the process of the host's has sent, behind a header. 0: nothing. */
uint32_t conn_read(struct conn *, const struct vq_chain *to);

/* The guest sends the first @len bytes of @from. False: beyond its credit. */
bool conn_write(struct conn *, struct vq_chain *from, uint32_t len);

/* The guest will not receive, or not send, any more. */
void conn_shut(struct conn *, uint32_t flags);

/* Something is wrong: it ends on both sides, at once. */
void conn_break(struct conn *);

/* The guest has ended it, or has been told of the end. */
void conn_leave(struct conn *);

/* The guest that it belonged to is no more. Any thread. */
void conn_abandon(struct conn *);

/* Bytes of the guest's that are out. */
static inline uint32_t conn_forwarded(const struct conn *c)
{
	return c->received - c->len;
}

/* Bytes that the guest takes now. */
uint32_t conn_credit(const struct conn *);

/* --- vsock.c --------------------------------------------------------------- */

/* Give the guest what there is for it, if it can be. */
void vsock_serve(struct vsock *);
