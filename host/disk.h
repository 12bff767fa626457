/* SPDX-License-Identifier: MIT */
/*
 * A disk image: a raw file or a block device.
 *
 * What it does is a table of operations (host/disk_impl.h), so that another
 * format, or another way to ask the host, is another file. A request is
 * submitted, and done when its callback has been called: for a raw image, while
 * disk_submit() runs, which then takes as long as the host takes.
 *
 * It is locked while open (an OFD lock: shared to read, exclusive to write), so
 * that no two VMs write to one image.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk;
struct err;
struct json_t;

/* NULL with a sentence in @e. SIGXFSZ is to be ignored. */
struct disk *disk_open(const char *path, bool readonly, struct err *e);

/* No request is in progress. */
void disk_close(struct disk *);

/* Another driver uses it: what has failed was the last one's. None in progress. */
void disk_restart(struct disk *);

/* Bytes; does not change. */
uint64_t disk_size(const struct disk *);
bool disk_readonly(const struct disk *);
/* Bytes of the smallest write that needs no read: 512 or more. */
uint32_t disk_block_size(const struct disk *);

enum disk_op {
	DISK_READ,
	DISK_WRITE,
	/*
	 * What was written before survives a loss of power. After a failure,
	 * the kernel may have dropped what it could not write and report the
	 * next attempt as a success: so that is final here, until whoever uses
	 * the disk begins anew.
	 */
	DISK_FLUSH,
	DISK_DISCARD, /* give the range back to the host; done, or not */
	DISK_ZERO,    /* make the range read as zeros */
	DISK_OPS
};

/* Embedded by the caller, and left alone until done() is called. */
struct disk_request {
	enum disk_op op;
	bool durable;	   /* flush afterwards, as DISK_FLUSH */
	bool unmap;	   /* DISK_ZERO: the range may lose its space */
	uint64_t off, len; /* bytes; all of @iov of a read or write */
	struct iovec *iov; /* used up in the process */
	int n;
	/* Any thread, and once. It may free the request. */
	void (*done)(struct disk_request *);

	int result;	/* 0 or -errno; of a cancelled one, -ECANCELED */
	uint64_t moved; /* bytes read or written, in order, also by a failure */
	bool cancelled; /* atomic */
};

/*
 * disk_submit() - begin @r, or do all of it
 *
 * The fields up to done() are the caller's to fill in. One thread at a time.
 * Requests in progress at once may be done in any order.
 */
void disk_submit(struct disk *, struct disk_request *r);

/*
 * disk_cancel() - @r, which is in progress, need not be finished; any thread
 *
 * It is done soon, with -ECANCELED or as if nothing had been said. What of a
 * write has been done stays done.
 */
void disk_cancel(struct disk *, struct disk_request *r);

/*
 * disk_save() - what there must be again when a VM goes on with this disk
 * disk_load() - is it there?
 *
 * As save and load in core/device.h have it. The image's contents are not part
 * of it.
 */
int disk_save(const struct disk *, struct json_t *to);
int disk_load(const struct disk *, const struct json_t *from, struct err *e);
