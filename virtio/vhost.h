/* SPDX-License-Identifier: MIT */
/*
 * A virtio device whose queues somebody else serves: another process
 * (virtio/vhost_user.h) or the kernel.
 *
 * The model embeds a struct vhost as its first member and keeps what is its own:
 * identity and configuration. What it names here does the rest: its virtio_ops
 * are the vhost_*() below.
 *
 * Queues are handed over at DRIVER_OK, each with the place in it where to go on,
 * and taken back at a reset and while the device is held: so that a VM that is
 * paused stands still, and so does what its back end does to its memory.
 */
#pragma once

#include "core/gmem.h"
#include "core/pace.h"
#include "core/timer.h"
#include "virtio/virtio.h"

#define VHOST_QUEUES_MAX 8u

struct vhost_back;

/* A queue as the driver has set it up: places in our own address space. */
struct vhost_ring {
	unsigned size;
	const void *desc, *avail, *used;
	int notify;    /* eventfd: the driver has made buffers available */
	int interrupt; /* eventfd: a buffer was used */
	uint16_t base; /* index in the available ring where to go on */
};

/* Under the device's lock, or before it is there. Each: 0 or -errno. */
struct vhost_back_ops {
	/* A driver that has @features; guest RAM, from its file @ram_fd on. */
	int (*set_up)(struct vhost_back *, uint64_t features,
		      const struct gmem_bank *ram, int ram_fd);
	int (*queue_start)(struct vhost_back *, unsigned q,
			   const struct vhost_ring *ring);
	/*
	 * When it returns 0, the queue's memory and its buffers are no longer
	 * touched; *@base is where to go on.
	 */
	int (*queue_stop)(struct vhost_back *, unsigned q, uint16_t *base);
	void (*free)(struct vhost_back *);
};

/* Embedded, as the first member, by each kind. */
struct vhost_back {
	const struct vhost_back_ops *ops;
	uint64_t features; /* that it offers to a driver: virtio's bits */
	int fd;		   /* hangs up when it is gone; -1: it does not go */
};

struct vhost;

struct vhost_queue {
	struct io used; /* fd is -1 before it is there */
	struct vhost *vhost;
	unsigned q;
	bool handed; /* by the driver: it is to be served */
	bool served; /* by the back end, now */
	uint16_t base;
};

struct vhost {
	struct virtio v;
	struct vhost_back *back;
	int ram_fd;
	bool lost; /* the back end is gone, or not to be trusted any more */
	bool due;  /* its driver began since, and waits for another */
	struct io hang_up;
	struct task replace;
	struct pace pace;   /* of those that were started in another's place */
	struct timer later; /* when the next one may be; not open before */
	bool put_off;	    /* that was told */
	struct log_limit put_offs;
	struct vhost_queue queue[VHOST_QUEUES_MAX];
	/*
	 * It is lost: it has hung up, or a message to it has failed, and it may
	 * live on for all that. From here on it must be kept from guest memory.
	 * Once for each, under the lock, on any thread.
	 */
	void (*gone)(struct vhost *);
	/*
	 * Another in its place, for a driver that has reset the device since;
	 * NULL if there is none to be had. Under the lock, on the loop's thread.
	 */
	struct vhost_back *(*again)(struct vhost *);
};

/*
 * vhost_init() - as virtio_init(), with a back end
 *
 * Offers nothing that @back has not got. It owns @back; or, on -ENOMEM, it does
 * not.
 */
int vhost_init(struct vhost *, const struct virtio_ops *, const struct gmem *,
	       int ram_fd, struct vhost_back *back, unsigned nqueues,
	       uint16_t size);
/* As virtio_exit(), and frees the back end. */
void vhost_exit(struct vhost *);

/* For struct virtio_ops; served_elsewhere and own_thread are to be set. */
int vhost_serve(struct virtio *, unsigned q);
int vhost_activate(struct virtio *);
void vhost_stop(struct virtio *);
void vhost_resume(struct virtio *);
void vhost_queue_reset(struct virtio *, unsigned q);
