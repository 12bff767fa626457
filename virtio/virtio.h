/* SPDX-License-Identifier: MIT */
/*
 * A virtio device without its transport: identity, features, status, queues,
 * configuration bytes (virtio 1.2, section 2).
 *
 * A model embeds a struct virtio as its first member and serves its queues; a
 * transport (virtio/mmio.h) embeds nothing and turns register accesses into the
 * calls below. Neither knows the other.
 *
 * Words: the driver notifies the device (an available buffer notification of
 * the specification), and the device interrupts the driver (a used buffer or
 * configuration change notification).
 *
 * Threads: one lock a device. Register accesses come from vCPUs' threads;
 * requests are served on the device's loop, where notifications arrive by
 * eventfd. Both hold the lock, and neither for long: a turn of the loop's does
 * a bounded amount of work (VIRTIO_TURN), and what may block is done without
 * the lock (virtio_begin()). Without a loop, requests are served in the register
 * access itself: that is how unit tests and fuzzers run a model.
 *
 * A device that is held (virtio_hold()) takes no buffer, touches no guest
 * memory and sends no interrupt. What comes meanwhile is looked at again when
 * nothing holds it any more.
 *
 * Lock order: a device's lock, then a character back end's. No callback may
 * come from a back end that holds a lock of its own.
 */
#pragma once

#include <pthread.h>

#include "core/device.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/quiet.h"
#include "virtio/virtqueue.h"

#define VIRTIO_QUEUES_MAX 64u
#define VIRTIO_CONFIG_MAX 256u

/*
 * What a device does in a turn, in bytes moved; a chain counts as VIRTIO_CHAIN
 * more, since fetching 256 descriptors and returning them costs about as much
 * as copying that, and a longer one in proportion. So a turn is 64 chains, or
 * 256 KiB: some 100 us, and one or two ms on a slow host.
 */
#define VIRTIO_TURN	   (256u << 10)
#define VIRTIO_CHAIN	   4096u
#define VIRTIO_CHAIN_PIECE (VIRTIO_CHAIN / 256)

/* Why a device is held; the reasons are bits, and it is while there is one. */
#define VIRTIO_PAUSED	 1u /* device_ops.quiesce */
#define VIRTIO_NO_MASTER 2u /* a PCI function that may not touch memory */
#define VIRTIO_RESETTING 4u /* a reset waits for requests in progress */
#define VIRTIO_ENDING	 8u

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
	 * those that do not come by virtio_notify_fd().
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
	/*
	 * DRIVER_OK was set. 0, or -errno: the device needs a reset. If it is
	 * held, what works by itself is to start with resume() only.
	 */
	int (*activate)(struct virtio *);
	/*
	 * For a model whose queues somebody else serves: have that stop, since
	 * the device is held and no request is in progress; or go on. On the
	 * loop, or in the register access that waits for it.
	 */
	void (*stop)(struct virtio *);
	void (*resume)(struct virtio *);
	/*
	 * Requests of queue @q that are in progress need not be finished, and
	 * may fail: somebody waits for virtio_end(), and their results are of
	 * no use any more.
	 */
	void (*cancel)(struct virtio *, unsigned q);
	/* Queue @q was reset, and nothing of it may be kept. */
	void (*queue_reset)(struct virtio *, unsigned q);
	/* The device was reset; after queue_reset() of each queue. */
	void (*reset)(struct virtio *);
	/* The driver wrote to the configuration space; within its size. */
	void (*config_write)(struct virtio *, unsigned off, const void *buf,
			     unsigned len);
	/*
	 * What the model itself has to keep, as save and load in core/device.h
	 * have it. NULL: such a device cannot be saved yet.
	 */
	int (*save)(const struct virtio *, struct json_t *to);
	int (*load)(struct virtio *, const struct json_t *from, struct err *);
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
	uint64_t bytes;	   /* of data in them, both ways; as models count */
	uint64_t errors;   /* rings broken, requests refused or failed */
};

/* The eventfd by which the driver notifies the loop of a queue's buffers. */
struct virtio_notifier {
	struct io io; /* fd is -1 until virtio_notify_fd() */
	struct virtio *v;
	unsigned q;
};

/* What a driver did that it should not, and is let. */
enum virtio_liberty {
	VIRTIO_EARLY_QUEUES,
	VIRTIO_NO_FEATURES_OK,
	VIRTIO_NO_VERSION_1,
};

struct virtio {
	const struct virtio_ops *ops;
	const struct gmem *gmem;
	struct loop *loop; /* NULL: requests are served where notified */
	struct iothread *thread;
	bool async;  /* the transport can have an eventfd notified */
	bool legacy; /* the transport's registers are of before virtio 1.0 */
	pthread_mutex_t lock;
	struct virtio_transport transport;
	char name[DEVICE_NAME_MAX]; /* see struct device */

	uint64_t offered, acked; /* features */
	uint8_t status;		 /* VIRTIO_CONFIG_S_* */
	unsigned nqueues;
	struct virtqueue *vq;
	struct virtio_notifier *notifier;

	struct task turn; /* to serve those that were asked for */
	uint64_t asked;	  /* 1 << queue */
	unsigned next;	  /* queue whose turn it is */
	unsigned spent;	  /* of VIRTIO_TURN */
	bool serving;	  /* somebody is in serve() */

	unsigned holds;		/* VIRTIO_PAUSED, ... */
	unsigned in_flight;	/* requests between begin and end */
	pthread_cond_t drained; /* there are none */
	bool stopped;		/* it is held, and stop() was called */
	struct quiet *quiet;	/* who waits for that */
	uint64_t used_owed;	/* interrupts to send when nothing holds it */
	bool config_owed;

	uint8_t config[VIRTIO_CONFIG_MAX]; /* as the driver reads it */
	unsigned config_size;

	bool shut;	    /* it worked, and its driver has reset it since */
	unsigned liberties; /* that the log has told of, a bit each */
	struct virtio_stats stats;
	struct log_limit complaints;
	int failure; /* the last errno that was reported since a reset; or 0 */
	void (*failed)(void *ctx, int err);
	void *failed_ctx;
};

static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
	return v->acked >> feature & 1;
}

/* --- for models --------------------------------------------------------- */

/*
 * virtio_init() - a device with @nqueues queues of at most @size entries
 *
 * Of more, if the transport says so. Offers @features, beside those that every
 * device here has: VERSION_1, INDIRECT_DESC, EVENT_IDX, RING_RESET. @loop may be
 * NULL. 0 or -ENOMEM.
 */
int virtio_init(struct virtio *, const struct virtio_ops *, const struct gmem *,
		struct loop *loop, unsigned nqueues, uint16_t size,
		uint64_t features);

/* Stops the device's own thread, if any; nobody else runs any more. */
void virtio_exit(struct virtio *);

/*
 * virtio_each() - hand each buffer that queue @q holds to @fn
 *
 * The usual serve(). @fn gives the chain back by virtio_push(), now or later,
 * and returns 0. Or it returns -EAGAIN, and the chain stays available for the
 * next serve(); VIRTIO_MORE: the same, and that serve() comes by itself, in a
 * later turn; or -EPROTO. Stops when the turn is over, and asks for another. 0
 * or -EPROTO.
 */
#define VIRTIO_MORE 1
int virtio_each(struct virtio *, unsigned q, struct vq_chain *scratch,
		int (*fn)(struct virtio *, unsigned q, struct vq_chain *));

/*
 * virtio_pop() - take the next chain, for a model that keeps several at a time
 *
 * 1; 0: there is none, or the turn is over (the next is asked for then), or the
 * device is held, as it may be whenever the lock was let go; or -EPROTO.
 */
int virtio_pop(struct virtio *, unsigned q, struct vq_chain *);

/* Of this turn, @bytes are spent; chains are counted by virtio_pop(). */
static inline void virtio_spend(struct virtio *v, size_t bytes)
{
	v->spent += bytes < VIRTIO_TURN ? bytes : VIRTIO_TURN;
}

/* Is the turn over? Whoever has more to do calls virtio_ask(), and returns. */
static inline bool virtio_spent(const struct virtio *v)
{
	return v->spent >= VIRTIO_TURN;
}

/* vq_push(), counted. */
void virtio_push(struct virtio *, unsigned q, struct vq_chain *,
		 uint32_t written);

/* Publish what was pushed to queue @q, and interrupt if that is wanted. */
void virtio_publish(struct virtio *, unsigned q);

/* Interrupt for queue @q, whose used ring somebody else has written. */
void virtio_interrupt(struct virtio *, unsigned q);

/*
 * virtio_begin() - a request is in progress, for which the lock is let go
 * virtio_end() - it has been pushed, and published; the lock is held again
 *
 * In between, queues and features stay as they are: resets and holds wait for
 * virtio_end(), of which there is one for each virtio_begin().
 */
static inline void virtio_begin(struct virtio *v)
{
	v->in_flight++;
}

void virtio_end(struct virtio *);

/*
 * virtio_failed() - the host could not do @what, for @err, an errno
 *
 * Counted; logged and reported to the board if @err is not that of the last
 * time since a reset.
 */
void virtio_failed(struct virtio *, int err, const char *what);

/* What had failed, @what, is there again: reported likewise. */
void virtio_recovered(struct virtio *, const char *what);

/*
 * virtio_config_set() - change @len configuration bytes at @off, tell the driver
 *
 * @len is 1, 2, 4 or 8, and @off a multiple of it: a driver sees the old value
 * or the new one.
 */
void virtio_config_set(struct virtio *, unsigned off, const void *buf,
		       unsigned len);

/*
 * virtio_serve() - have queue @q served now, if that can be, or in its turn
 * virtio_ask() - have it served in the device's next turn, behind others
 *
 * virtio_serve() is called on the loop, if there is one. Without a loop, both
 * serve it now.
 */
void virtio_serve(struct virtio *, unsigned q);
void virtio_ask(struct virtio *, unsigned q);

/* The ring or a request broke the rules: set DEVICE_NEEDS_RESET. */
void virtio_needs_reset(struct virtio *, const char *why);

/* A driver is there (DRIVER_OK) and the device works, unless it is held. */
bool virtio_live(const struct virtio *);

/* And it is not: buffers may be taken. */
static inline bool virtio_works(const struct virtio *v)
{
	return !v->holds && virtio_live(v);
}

/* --- for the board, before the guest runs ---------------------------------- */

/* How log, statistics and events call it; at first, by its kind. */
void virtio_set_name(struct virtio *, const char *name);

/*
 * @fn hears of what virtio_failed() logs, and with an @err of 0 of what
 * virtio_recovered() does; under the lock, on any thread.
 */
void virtio_on_failure(struct virtio *, void (*fn)(void *ctx, int err),
		       void *ctx);

/* --- for transports; all under the lock ----------------------------------- */

void virtio_lock(struct virtio *);
void virtio_unlock(struct virtio *);

/*
 * virtio_hold() - hold it for @why; returns when no request is in progress
 * virtio_release() - not for @why any more
 *
 * Hold lets the lock go while it waits, which takes as long as the host takes
 * for a request: registers are served meanwhile. Not on the device's loop.
 */
void virtio_hold(struct virtio *, unsigned why);
void virtio_release(struct virtio *, unsigned why);

/*
 * virtio_quiesce(), virtio_resume() - the same for VIRTIO_PAUSED, as
 * device_ops.quiesce and resume have it: without waiting. They take the lock.
 */
void virtio_quiesce(struct virtio *, struct quiet *);
void virtio_resume(struct virtio *);

/* The driver accepts @bits of the half @sel; ignored after FEATURES_OK, DRIVER_OK. */
void virtio_ack_features(struct virtio *, uint32_t sel, uint32_t bits);

/*
 * virtio_set_status() - the driver writes the status register (2.1)
 *
 * 0 resets, once no request is in progress. FEATURES_OK sticks only if all
 * features were offered, and DRIVER_OK not if that was refused; what was set
 * stays set. Drivers that leave FEATURES_OK or VERSION_1 out work, as on QEMU;
 * the log tells of it once.
 */
void virtio_set_status(struct virtio *, uint8_t status);

/* Have it work, if its status says so: it was set, or loaded. 0 or -errno. */
int virtio_start(struct virtio *);

/* True if size and addresses of queue @q may be written now. */
bool virtio_queue_open(const struct virtio *, unsigned q);

/*
 * The driver sets or clears queue @q's ready bit. It is set before DRIVER_OK or
 * with RING_RESET; else that is ignored. Before FEATURES_OK it works too, and the
 * log tells of it once.
 */
void virtio_queue_ready(struct virtio *, unsigned q, bool ready);

/*
 * Reset of one queue (2.6.1), once no request is in progress; ignored unless
 * RING_RESET was negotiated.
 */
void virtio_queue_reset(struct virtio *, unsigned q);

/* A notification that came as a register access; any @q. */
void virtio_notified(struct virtio *, uint32_t q);

/*
 * virtio_notify_fd() - the eventfd that notifies queue @q
 *
 * Made when first asked for, and the device's. -errno: -EAGAIN if nobody would
 * wait for it.
 */
int virtio_notify_fd(struct virtio *, unsigned q);

/* The driver writes to the configuration space; any range. */
void virtio_config_write(struct virtio *, unsigned off, const void *buf,
			 unsigned len);

/* Power-on state: takes the lock itself. */
void virtio_reset(struct virtio *);

/*
 * virtio_save(), virtio_load() - features, status, queues, and the model's own
 *
 * As save and load in core/device.h have it; -EOPNOTSUPP if the model has none.
 * They take the lock.
 */
int virtio_save(struct virtio *, struct json_t *to);
int virtio_load(struct virtio *, const struct json_t *from, struct err *);
