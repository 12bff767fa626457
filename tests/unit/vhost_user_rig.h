/* SPDX-License-Identifier: MIT */
/*
 * A back end of vhost-user for tests, which does as it is told, and notes what
 * it hears: on a thread, or in a process that shares its struct with the test.
 */
#pragma once

#include <pthread.h>
#include <sys/socket.h>

#include "tests/unit/test.h"

#define PROTOCOL (1ull << 30) /* VHOST_USER_F_PROTOCOL_FEATURES */

struct back {
	int fd;
	pthread_t thread;
	uint64_t features, protocol;
	unsigned refuse;  /* request to be refused */
	unsigned hang_up; /* request to hang up at */
	unsigned lie;	  /* request to be answered with a wrong size */
	unsigned heard[128];
	unsigned n;
	unsigned dribble; /* request to be answered byte by byte */
	uint64_t patience;
	uint32_t base; /* where the queue was to go on */
	uint64_t acked;
	int fds[16];
	unsigned nfds;
	uint8_t last[64]; /* payload of the memory table */
};

struct back_header {
	uint32_t request, flags, size;
};

static inline bool back_hear(struct back *b, struct back_header *h,
			     uint8_t *payload)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = { h, sizeof(*h) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	if (recvmsg(b->fd, &m, MSG_WAITALL) != sizeof(*h))
		return false;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		memcpy(&b->fds[b->nfds++], CMSG_DATA(c), sizeof(int));
	return !h->size ||
	       recv(b->fd, payload, h->size, MSG_WAITALL) == h->size;
}

static inline void back_answer(struct back *b, struct back_header h,
			       const void *payload, uint32_t size)
{
	uint8_t buf[128] = "";
	unsigned i;

	h.flags = 1 | 4;
	h.size = b->lie == h.request ? size + 8 : size;
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), payload, size);
	if (b->dribble == h.request) {
		for (i = 0; send(b->fd, buf + i % 8, 1, MSG_NOSIGNAL) == 1;)
			usleep(200000), i++;
		return;
	}
	OK(write(b->fd, buf, sizeof(h) + h.size) > 0);
}

static inline void *back_serve(void *arg)
{
	struct back *b = arg;
	uint8_t payload[256];
	struct back_header h;

	while (back_hear(b, &h, payload)) {
		uint64_t u64 = h.request == b->refuse;

		b->heard[b->n++] = h.request;
		if (h.request == b->hang_up)
			break;
		if (h.request == 2)
			memcpy(&b->acked, payload, 8);
		if (h.request == 5)
			memcpy(b->last, payload, 40);
		if (h.request == 10)
			memcpy(&b->base, payload + 4, 4);
		if (h.request == 11)
			payload[4] = 7; /* where it has stopped */
		if (h.request == 1)
			back_answer(b, h, &b->features, 8);
		else if (h.request == 15)
			back_answer(b, h, &b->protocol, 8);
		else if (h.request == 11)
			back_answer(b, h, payload, 8);
		else if (h.flags & 8)
			back_answer(b, h, &u64, 8);
	}
	close(b->fd);
	return NULL;
}
