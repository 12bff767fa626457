/* SPDX-License-Identifier: MIT */
/*
 * A network back end: a tap interface of the host's, one packet a read or
 * write, each behind a 12-byte struct virtio_net_hdr_v1.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define TAP_HEADER 12u

struct tap;
struct err;

/*
 * tap_open() - take over the tap interface @name, or make one
 *
 * NULL lets the kernel choose a name. An interface made here goes away with the
 * descriptor. Addresses and bridges are the user's business. NULL with a
 * sentence in @e.
 */
struct tap *tap_open(const char *name, struct err *e);

/*
 * tap_take() - the same with a descriptor that the parent process opened
 *
 * Owns @fd, only if it succeeds. NULL with a sentence in @e.
 */
struct tap *tap_take(int fd, struct err *e);

/*
 * tap_wrap() - anything that speaks in such packets, e.g. a socket pair
 *
 * The peer takes all of @offloads (TUN_F_*). Owns @fd; NULL with errno set, and
 * it does not.
 */
struct tap *tap_wrap(int fd, unsigned offloads);

void tap_close(struct tap *);

/* The interface's name; "" if there is none. */
const char *tap_name(const struct tap *);
/* Does not block; becomes readable when tap_read() has a packet. */
int tap_fd(const struct tap *);

/* Which of TUN_F_* the other side knows, both ways; 0 for none. */
unsigned tap_offloads(const struct tap *);
/* What the receiver of tap_read() can take. 0 or -errno. */
int tap_set_offloads(struct tap *, unsigned tun_f);

/*
 * tap_read(), tap_write() - one packet, header included
 *
 * Bytes, or -errno; -EAGAIN if there is none now. A packet longer than the
 * vector is cut.
 */
int64_t tap_read(struct tap *, const struct iovec *iov, int n);
int64_t tap_write(struct tap *, const struct iovec *iov, int n);
