/* SPDX-License-Identifier: MIT */
/*
 * The messages of vhost-user, each with a deadline, behind the operations of
 * virtio/vhost.h.
 */
#include "virtio/vhost_user.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <linux/vhost_types.h>

#include "core/log.h"
#include "core/timer.h"

#define FLAG_VERSION 0x1u
#define FLAG_REPLY   0x4u
#define FLAG_NEED    0x8u

/* Beside virtio's own, of which this bit is none. */
#define F_PROTOCOL_FEATURES 30
#define PROTOCOL_REPLY_ACK  3

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	SET_VRING_ENABLE = 18,
};

struct memory {
	uint32_t nregions, padding;
	struct {
		uint64_t gpa, size, address, offset;
	} region;
};

struct message {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct memory memory;
	} u;
} __attribute__((packed));

#define HEADER offsetof(struct message, u)

struct vhost_user {
	struct vhost_back back;
	int fd;
	int error;		     /* the first: -errno */
	uint64_t patience, deadline; /* ns */
	uint64_t protocol;
};

static int fail(struct vhost_user *v, int error)
{
	/* Half a message would be read as the beginning of another. */
	shutdown(v->fd, SHUT_RDWR);
	v->error = error;
	return error;
}

/* Until the deadline. 0 or -errno. */
static int await(const struct vhost_user *v, short events)
{
	struct pollfd p = { .fd = v->fd, .events = events };
	struct timespec left;
	uint64_t t = mono_ns();
	int n = 0;

	if (t < v->deadline) {
		left.tv_sec = (v->deadline - t) / NSEC_PER_SEC;
		left.tv_nsec = (v->deadline - t) % NSEC_PER_SEC;
		n = ppoll(&p, 1, &left, NULL);
	}
	return n > 0 ? 0 : n == 0 ? -ETIMEDOUT : -errno;
}

static int send_message(struct vhost_user *v, struct message *m, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = "";
	struct iovec iov = { m, HEADER + m->size };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;
	int r;

	if (v->error)
		return v->error;
	v->deadline = mono_ns() + v->patience;
	if (fd >= 0) {
		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do {
		r = await(v, POLLOUT);
		n = r ? -1 : sendmsg(v->fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && !r)
			r = -errno;
	} while (n < 0 && (r == -EINTR || r == -EAGAIN));
	if (n == (ssize_t)iov.iov_len)
		return 0;
	return fail(v, n < 0 ? r : -EIO);
}

static int receive(struct vhost_user *v, void *buf, size_t len)
{
	uint8_t *p = buf;
	ssize_t n;
	int r;

	while (len) {
		r = await(v, POLLIN);
		n = r ? -1 : recv(v->fd, p, len, MSG_DONTWAIT);
		if (n < 0 && !r)
			r = -errno;
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (n <= 0)
			return fail(v, n ? r : -ECONNRESET);
		p += n;
		len -= n;
	}
	return 0;
}

/* The answer to @request, of exactly @size bytes. */
static int receive_reply(struct vhost_user *v, uint32_t request, size_t size,
			 struct message *m)
{
	int r = receive(v, m, HEADER);

	if (r)
		return r;
	if (m->request != request || !(m->flags & FLAG_REPLY) ||
	    m->size != size)
		return fail(v, -EPROTO);
	return receive(v, &m->u, size);
}

/* Ask for @m, and get the answer in it. */
static int call(struct vhost_user *v, struct message *m, size_t size)
{
	const uint32_t request = m->request;
	int r;

	m->flags = FLAG_VERSION;
	r = send_message(v, m, -1);
	return r ? r : receive_reply(v, request, size, m);
}

/* Tell @m, with @fd if not -1, and have it acknowledged if that can be. */
static int tell(struct vhost_user *v, struct message *m, int fd)
{
	const bool ack = v->protocol >> PROTOCOL_REPLY_ACK & 1;
	const uint32_t request = m->request;
	int r;

	m->flags = FLAG_VERSION | (ack ? FLAG_NEED : 0);
	r = send_message(v, m, fd);
	if (!r && ack)
		r = receive_reply(v, request, sizeof(m->u.u64), m);
	if (!r && ack && m->u.u64)
		r = fail(v, -EREMOTEIO);
	if (r < 0)
		log_debug("vhost-user: request %u: %s", request, strerror(-r));
	return r;
}

static int tell_u64(struct vhost_user *v, enum request what, uint64_t val,
		    int fd)
{
	struct message m = { .request = what, .size = 8, .u.u64 = val };

	return tell(v, &m, fd);
}

static int tell_state(struct vhost_user *v, enum request what, unsigned q,
		      unsigned num)
{
	struct message m = { .request = what,
			     .size = sizeof(m.u.state),
			     .u.state = { q, num } };

	return tell(v, &m, -1);
}

static int get_u64(struct vhost_user *v, enum request what, uint64_t *val)
{
	struct message m = { .request = what };
	int r = call(v, &m, sizeof(m.u.u64));

	*val = r ? 0 : m.u.u64;
	return r;
}

static int greet(struct vhost_user *v)
{
	struct message owner = { .request = SET_OWNER };
	uint64_t features, offered;
	int r = get_u64(v, GET_FEATURES, &features);

	if (!r && !(features >> F_PROTOCOL_FEATURES & 1))
		return fail(v, -EPROTONOSUPPORT);
	v->back.features = features & ~(1ull << F_PROTOCOL_FEATURES);
	if (!r)
		r = get_u64(v, GET_PROTOCOL_FEATURES, &offered);
	if (!r)
		r = tell_u64(v, SET_PROTOCOL_FEATURES,
			     offered & 1u << PROTOCOL_REPLY_ACK, -1);
	if (!r)
		v->protocol = offered & 1u << PROTOCOL_REPLY_ACK;
	return r ? r : tell(v, &owner, -1);
}

static void vhost_user_free(struct vhost_back *back)
{
	struct vhost_user *v = (struct vhost_user *)back;

	close(v->fd);
	free(v);
}

static int set_memory(struct vhost_user *v, const struct gmem_bank *ram, int fd)
{
	struct message m = {
		.request = SET_MEM_TABLE,
		.size = sizeof(m.u.memory),
		.u.memory = { .nregions = 1,
			      .region = { .gpa = ram->base,
					  .size = ram->size,
					  .address = (uintptr_t)ram->hva } },
	};

	return tell(v, &m, fd);
}

static int set_up(struct vhost_back *back, uint64_t features,
		  const struct gmem_bank *ram, int ram_fd)
{
	struct vhost_user *v = (struct vhost_user *)back;
	int r = tell_u64(v, SET_FEATURES,
			 features | 1ull << F_PROTOCOL_FEATURES, -1);

	return r ? r : set_memory(v, ram, ram_fd);
}

static int queue_start(struct vhost_back *back, unsigned q,
		       const struct vhost_ring *ring)
{
	struct vhost_user *v = (struct vhost_user *)back;
	struct message addr = {
		.request = SET_VRING_ADDR,
		.size = sizeof(addr.u.addr),
		.u.addr = { .index = q,
			    .desc_user_addr = (uintptr_t)ring->desc,
			    .avail_user_addr = (uintptr_t)ring->avail,
			    .used_user_addr = (uintptr_t)ring->used },
	};
	int r = tell_state(v, SET_VRING_NUM, q, ring->size);

	if (!r)
		r = tell(v, &addr, -1);
	if (!r)
		r = tell_state(v, SET_VRING_BASE, q, ring->base);
	if (!r)
		r = tell_u64(v, SET_VRING_CALL, q, ring->interrupt);
	if (!r)
		r = tell_u64(v, SET_VRING_KICK, q, ring->notify);
	return r ? r : tell_state(v, SET_VRING_ENABLE, q, 1);
}

static int queue_stop(struct vhost_back *back, unsigned q, uint16_t *base)
{
	struct vhost_user *v = (struct vhost_user *)back;
	struct message m = { .request = GET_VRING_BASE,
			     .size = sizeof(m.u.state),
			     .u.state = { .index = q } };
	int r = tell_state(v, SET_VRING_ENABLE, q, 0);

	if (!r)
		r = call(v, &m, sizeof(m.u.state));
	if (!r)
		*base = m.u.state.num;
	return r;
}

static const struct vhost_back_ops vhost_user_ops = {
	.set_up = set_up,
	.queue_start = queue_start,
	.queue_stop = queue_stop,
	.free = vhost_user_free,
};

struct vhost_back *vhost_user_new(int fd, uint64_t patience)
{
	struct vhost_user *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return NULL;
	v->back.ops = &vhost_user_ops;
	v->back.fd = v->fd = fd;
	v->patience = patience;
	r = greet(v);
	if (!r)
		return &v->back;
	free(v);
	errno = -r;
	return NULL;
}
