/* SPDX-License-Identifier: MIT */
/*
 * A virtio device without its transport: identity, features, status, queues,
 * configuration bytes (virtio 1.2, section 2).
 *
 * A model embeds a struct virtio as its first member and serves its queues; a
 * transport (virtio/mmio.h) embeds nothing and turns register accesses into the
 * calls below. Neither knows the other.
 *
 * Threads: one lock a device. Register accesses come from vCPUs' threads;
 * requests are served on the device's loop, where notifications arrive by
 * eventfd. Both hold the lock, so that a reset, which takes it too, returns
 * when the request in progress is done. Without a loop, requests are served in
 * the register access itself: that is how unit tests and fuzzers run a model.
 *
 * Lock order: a device's lock, then a character back end's. No callback may
 * come from a back end that holds a lock of its own.
 */
#pragma once

#include <pthread.h>

#include "core/log.h"
#include "core/loop.h"
#include "virtio/virtqueue.h"

#define VIRTIO_QUEUES_MAX 64u
#define VIRTIO_CONFIG_MAX 256u

struct virtio;

struct virtio_ops {
	const char *name;
	uint32_t id; /* VIRTIO_ID_* */
	/*
	 * Requests may block: they get a thread of their own, which starts with
	 * the first DRIVER_OK, as a guest may never use the device.
	 */
	bool own_thread;
	/*
	 * Another process waits for notifications. serve() then only passes on
	 * those that do not come by virtio_kick_fd().
	 */
	bool served_elsewhere;

	/*
	 * All below run under the lock, on any thread, and all but serve() may
	 * be NULL.
	 *
	 * serve(): queue @q, which is ready, may hold buffers, or has for the
	 * first time room again. 0, or -EPROTO if the driver broke the rules:
	 * the device then needs a reset. Runs on the loop if there is one.
	 */
	int (*serve)(struct virtio *, unsigned q);
	/* DRIVER_OK was set. 0, or -errno: the device needs a reset. */
	int (*activate)(struct virtio *);
	/* Queue @q was reset, and nothing of it may be kept. */
	void (*queue_reset)(struct virtio *, unsigned q);
	/* The device was; after each queue's own. */
	void (*reset)(struct virtio *);
	/* The driver wrote to the configuration space; within its size. */
	void (*config_write)(struct virtio *, unsigned off, const void *buf,
			     unsigned len);
	/* Frees the model, after virtio_exit(). Without the lock. */
	void (*free)(struct virtio *);
};

/* What the transport provides; all run under the lock. */
struct virtio_transport {
	/* A buffer of queue @q was used: interrupt. */
	void (*used)(void *ctx, unsigned q);
	/*
	 * The status or the configuration changed: refresh what the driver
	 * reads, and interrupt if DRIVER_OK is set.
	 */
	void (*config)(void *ctx);
	void *ctx;
};

/* Since the VM started; under the lock. */
struct virtio_stats {
	uint64_t notifications;
	uint64_t interrupts;
	uint64_t requests; /* chains given back */
	uint64_t errors;   /* rings broken, requests refused or failed */
};

/* An eventfd that tells the loop of new buffers in a queue. */
struct virtio_kick {
	struct io io; /* fd is -1 until virtio_kick_fd() */
	struct virtio *v;
	unsigned q;
};

struct virtio {
	const struct virtio_ops *ops;
	const struct gmem *gmem;
	struct loop *loop; /* NULL: requests are served where notified */
	struct iothread *thread;
	bool async; /* the transport can have an eventfd notified */
	pthread_mutex_t lock;
	struct virtio_transport transport;

	uint64_t offered, acked; /* features */
	uint8_t status;		 /* VIRTIO_CONFIG_S_* */
	unsigned nqueues;
	struct virtqueue *vq;
	struct virtio_kick *kick;
	struct task serve_all;
	uint8_t config[VIRTIO_CONFIG_MAX]; /* as the driver reads it */
	unsigned config_size;

	struct virtio_stats stats;
	struct log_limit complaints;
};

static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
	return v->acked >> feature & 1;
}

/* --- for models --------------------------------------------------------- */

/*
 * virtio_init() - a device with @nqueues queues of at most @size entries
 *
 * Offers @features, beside those that every device here has: VERSION_1,
 * INDIRECT_DESC, EVENT_IDX, RING_RESET. @loop may be NULL. 0 or -ENOMEM.
 */
int virtio_init(struct virtio *, const struct virtio_ops *, const struct gmem *,
		struct loop *loop, unsigned nqueues, uint16_t size,
		uint64_t features);

/* Stops the device's own thread, if any; nobody else runs any more. */
void virtio_exit(struct virtio *);

/*
 * virtio_each() - hand each buffer that queue @q holds to @fn
 *
 * The usual serve(). @fn gives the chain back by vq_push() and returns 0; or
 * returns -EAGAIN, and the chain stays available, to be had again at the next
 * serve(); or -EPROTO. Takes at most a queue's worth of buffers, then lets the
 * loop attend to others. 0 or -EPROTO.
 */
int virtio_each(struct virtio *, unsigned q, struct vq_chain *scratch,
		int (*fn)(struct virtio *, unsigned q, struct vq_chain *));

/* vq_push(), counted. */
void virtio_push(struct virtio *, unsigned q, struct vq_chain *,
		 uint32_t written);

/* Publish what was pushed to queue @q, and interrupt if that is wanted. */
void virtio_notify_used(struct virtio *, unsigned q);

/*
 * virtio_config_set() - change @len configuration bytes at @off, tell the driver
 *
 * @len is 1, 2, 4 or 8, and @off a multiple of it: a driver sees the old value
 * or the new one.
 */
void virtio_config_set(struct virtio *, unsigned off, const void *buf,
		       unsigned len);

/* Have queue @q served now, if that can be; on the loop, if there is one. */
void virtio_serve(struct virtio *, unsigned q);

/* The same soon, from any thread (or now, without a loop). */
void virtio_kick(struct virtio *, unsigned q);

/* The ring or a request broke the rules: set DEVICE_NEEDS_RESET. */
void virtio_needs_reset(struct virtio *, const char *why);

/* A driver is there (DRIVER_OK) and the device works. */
bool virtio_live(const struct virtio *);

/* --- for transports; all under the lock ----------------------------------- */

void virtio_lock(struct virtio *);
void virtio_unlock(struct virtio *);

/* The driver accepts @bits of the half @sel; ignored after FEATURES_OK. */
void virtio_ack_features(struct virtio *, uint32_t sel, uint32_t bits);

/*
 * virtio_set_status() - the driver writes the status register (2.1)
 *
 * 0 resets. FEATURES_OK sticks only if the features make sense, DRIVER_OK only
 * after that; what was set stays set.
 */
void virtio_set_status(struct virtio *, uint8_t status);

/* True if size and addresses of queue @q may be written now. */
bool virtio_queue_open(const struct virtio *, unsigned q);

/* The driver sets or clears queue @q's ready bit; ignored out of season. */
void virtio_queue_ready(struct virtio *, unsigned q, bool ready);

/* Reset of one queue (2.6.1); ignored unless RING_RESET was negotiated. */
void virtio_queue_reset(struct virtio *, unsigned q);

/* A notification that came as a register access; any @q. */
void virtio_notified(struct virtio *, uint32_t q);

/*
 * virtio_kick_fd() - the eventfd that notifies queue @q
 *
 * Made when first asked for; the device's. -errno, or -EAGAIN if nobody
 * would wait for it.
 */
int virtio_kick_fd(struct virtio *, unsigned q);

/* The driver writes to the configuration space; any range. */
void virtio_config_write(struct virtio *, unsigned off, const void *buf,
			 unsigned len);

/* Power-on state: takes the lock itself. */
void virtio_reset(struct virtio *);
