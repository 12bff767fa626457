/* SPDX-License-Identifier: MIT */
/*
 * The memory balloon (virtio 1.2, section 5.5): memory that the guest does
 * without, as it was asked to, or because it is free (page reporting), goes back
 * to the host. With statistics of the guest's, if it gives any.
 *
 * Pages are of 4 KiB, whatever the host's are; a larger one of the host's goes
 * back when all of it is in the balloon. Whatever the guest says, only memory
 * of its own can go, which it then finds zeroed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gmem;
struct virtio;

/* Kinds of statistics: VIRTIO_BALLOON_S_*. */
#define BALLOON_STATS 16u

/* All sizes in bytes. */
struct balloon_stats {
	uint64_t target; /* what the guest is to do without */
	uint64_t actual; /* what it says that it does without */
	uint64_t freed;	 /* given back to the host so far, in and out again */
	uint64_t errors; /* pages outside of the guest's memory */
	uint32_t known;	 /* 1 << VIRTIO_BALLOON_S_*: which of these it gave */
	uint64_t value[BALLOON_STATS]; /* at the last virtio_balloon_ask() */
};

/*
 * virtio_balloon_new() - a balloon; the host's pages have @page_size bytes
 *
 * NULL with errno set.
 */
struct virtio *virtio_balloon_new(const struct gmem *, unsigned page_size);

/*
 * virtio_balloon_set() - have the guest do without @bytes
 *
 * It gives them as fast as it can, or not at all; also after a reset. Any thread.
 */
void virtio_balloon_set(struct virtio *, uint64_t bytes);

/* What is known now. Any thread. */
void virtio_balloon_stats(struct virtio *, struct balloon_stats *out);

/*
 * virtio_balloon_ask() - have the guest bring its statistics up to date
 *
 * When it has, @told runs once, on any thread and under the device's lock: it
 * may only loop_post(). One at a time: a later call replaces it, and NULL takes
 * it back. 0, or -EAGAIN: the guest gives no statistics now; then @told is not
 * called. Any thread.
 */
int virtio_balloon_ask(struct virtio *, void (*told)(void *ctx), void *ctx);
