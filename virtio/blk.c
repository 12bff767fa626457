/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A request is taken under the device's lock, given to the disk without it, and
 * completed under it, whenever the disk says so, and in any order. For a raw
 * image that is before disk_submit() returns: requests are then done one by one,
 * on a thread of the device's own. Data moves straight between the image and
 * guest memory.
 *
 * A request has a struct until it is completed. There is always one, and more
 * are made when the disk keeps them; they are kept for later.
 *
 * The page cache of the host is a volatile write cache: what FLUSH acknowledged
 * is on the medium. For a driver that does not negotiate FLUSH, every write is.
 */
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "core/util.h"
#include "host/disk.h"
#include "virtio/virtio.h"

#define QUEUE_SIZE 256u /* and so many requests at a time */
#define SECTOR	   512u
/* Header and status take a descriptor each. */
#define SEGMENTS (QUEUE_SIZE - 2)
/* A range to discard or zero, in sectors: bounds the time that one takes. */
#define RANGE_MAX (1u << 21)

struct blk;

struct request {
	struct disk_request io;
	struct blk *blk;
	struct request *next; /* of the free ones */
	bool in_progress;
	uint8_t *status; /* in guest memory */
	struct vq_chain chain;
};

struct blk {
	struct virtio v;
	struct disk *disk;
	uint64_t sectors;
	char serial[VIRTIO_BLK_ID_BYTES];
	bool short_of; /* requests: the queue is to be served when one is free */
	struct request *free;
	struct request *all[QUEUE_SIZE];
	unsigned n;
};

static const char *const failed[DISK_OPS] = {
	[DISK_READ] = "a read",	       [DISK_WRITE] = "a write",
	[DISK_FLUSH] = "a flush",      [DISK_DISCARD] = "a discard",
	[DISK_ZERO] = "writing zeros",
};

/* --- the structs of requests --- */

static int add_request(struct blk *b)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->blk = b;
	r->next = b->free;
	b->free = b->all[b->n++] = r;
	return 0;
}

/* The one to use next, which stays in the list; NULL: all are in progress. */
static struct request *free_request(struct blk *b)
{
	if (!b->free && b->n < QUEUE_SIZE)
		add_request(b);
	b->short_of = !b->free;
	return b->free;
}

/* --- completion --- */

static void complete(struct request *r, uint8_t status, uint64_t written)
{
	struct virtio *v = &r->blk->v;

	*r->status = status;
	virtio_push(v, 0, &r->chain, written + 1);
	/* Each as soon as it is done: the next one may take its time. */
	virtio_publish(v, 0);
}

/* What the driver asked for cannot be, or the disk could not do it. */
static void refuse(struct request *r, uint8_t status)
{
	r->blk->v.stats.errors++;
	complete(r, status, 0);
}

/* The disk is done with it. */
static void done(struct disk_request *io)
{
	struct request *r = container_of(io, struct request, io);
	struct blk *b = r->blk;
	bool more;

	virtio_lock(&b->v);
	if (io->result == -ECANCELED)
		b->v.stats.errors++;
	else if (io->result)
		virtio_failed(&b->v, -io->result, failed[io->op]);
	b->v.stats.bytes += io->moved;
	complete(r, io->result ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK,
		 io->op == DISK_READ ? io->moved : 0);
	r->in_progress = false;
	r->next = b->free;
	b->free = r;
	more = b->short_of;
	b->short_of = false;
	virtio_end(&b->v);
	if (more)
		virtio_ask(&b->v, 0);
	virtio_unlock(&b->v);
}

/* --- requests --- */

/* The range lies within the disk. */
static bool fits(const struct blk *b, uint64_t sector, uint64_t bytes)
{
	return bytes % SECTOR == 0 && sector <= b->sectors &&
	       bytes / SECTOR <= b->sectors - sector;
}

/* Hand the request that r->io describes to the disk. */
static void submit(struct request *r, uint64_t sector)
{
	struct blk *b = r->blk;

	r->io.off = sector * SECTOR;
	r->io.done = done;
	/*
	 * For a driver that knows of no cache, a write is durable once
	 * completed.
	 */
	r->io.durable = r->io.op != DISK_READ && r->io.op != DISK_FLUSH &&
			!virtio_has(&b->v, VIRTIO_BLK_F_FLUSH);
	r->in_progress = true;
	b->free = r->next;
	virtio_begin(&b->v);
	virtio_unlock(&b->v);
	disk_submit(b->disk, &r->io);
	virtio_lock(&b->v);
}

static void transfer(struct request *r, uint64_t sector, enum disk_op op)
{
	const struct vq_span *s =
		op == DISK_READ ? &r->chain.in : &r->chain.out;

	if (!fits(r->blk, sector, s->len) ||
	    (op == DISK_WRITE && disk_readonly(r->blk->disk))) {
		refuse(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->io.op = op;
	r->io.iov = s->iov;
	r->io.n = s->n;
	r->io.len = s->len;
	submit(r, sector);
}

static void get_id(struct request *r)
{
	uint32_t n = sizeof(r->blk->serial);

	if (n > r->chain.in.len)
		n = r->chain.in.len;
	vq_put(&r->chain, r->blk->serial, n);
	complete(r, VIRTIO_BLK_S_OK, n);
}

/* DISCARD and WRITE_ZEROES: one segment, as the configuration says. */
static void range(struct request *r, enum disk_op op)
{
	struct virtio_blk_discard_write_zeroes seg;
	uint64_t sector, bytes, known;
	uint32_t flags;

	if (disk_readonly(r->blk->disk) || r->chain.out.len != sizeof(seg)) {
		refuse(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	vq_get(&r->chain, &seg, sizeof(seg));
	sector = le64toh(seg.sector);
	bytes = (uint64_t)le32toh(seg.num_sectors) * SECTOR;
	flags = le32toh(seg.flags);
	known = op == DISK_DISCARD ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	if (flags & ~known) {
		complete(r, VIRTIO_BLK_S_UNSUPP, 0);
	} else if (!fits(r->blk, sector, bytes) || bytes / SECTOR > RANGE_MAX) {
		refuse(r, VIRTIO_BLK_S_IOERR);
	} else {
		r->io.op = op;
		r->io.len = bytes;
		r->io.unmap = flags;
		submit(r, sector);
	}
}

static int begin(struct request *r)
{
	struct virtio_blk_outhdr h;

	r->status = vq_last(&r->chain);
	if (!r->status || vq_get(&r->chain, &h, sizeof(h)))
		return -EPROTO;
	switch (le32toh(h.type)) {
	case VIRTIO_BLK_T_IN:
		transfer(r, le64toh(h.sector), DISK_READ);
		break;
	case VIRTIO_BLK_T_OUT:
		transfer(r, le64toh(h.sector), DISK_WRITE);
		break;
	case VIRTIO_BLK_T_FLUSH:
		r->io.op = DISK_FLUSH;
		submit(r, 0);
		break;
	case VIRTIO_BLK_T_GET_ID:
		get_id(r);
		break;
	case VIRTIO_BLK_T_DISCARD:
		range(r, DISK_DISCARD);
		break;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		range(r, DISK_ZERO);
		break;
	default:
		complete(r, VIRTIO_BLK_S_UNSUPP, 0);
	}
	return 0;
}

static int blk_serve(struct virtio *v, unsigned q)
{
	struct blk *b = (struct blk *)v;
	struct request *r;
	int n = 0;

	while ((r = free_request(b)) && (n = virtio_pop(v, q, &r->chain)) > 0) {
		n = begin(r);
		if (n < 0)
			break;
	}
	return n < 0 ? n : 0;
}

/* The disk looks at this between two pieces of a request. */
static void blk_cancel(struct virtio *v, unsigned q)
{
	struct blk *b = (struct blk *)v;
	unsigned i;

	(void)q;
	for (i = 0; i < b->n; i++)
		if (b->all[i]->in_progress)
			disk_cancel(b->disk, &b->all[i]->io);
}

/* No request is in progress: all there is to keep is which disk it was. */
static int blk_save(const struct virtio *v, json_t *to)
{
	return disk_save(((const struct blk *)v)->disk, to);
}

static void blk_reset(struct virtio *v)
{
	disk_restart(((struct blk *)v)->disk);
}

static int blk_load(struct virtio *v, const json_t *from, struct err *e)
{
	return disk_load(((struct blk *)v)->disk, from, e);
}

static void free_blk(struct blk *b)
{
	while (b->n)
		free(b->all[--b->n]);
	free(b);
}

static void blk_free(struct virtio *v)
{
	struct blk *b = (struct blk *)v;

	virtio_exit(v);
	disk_close(b->disk);
	free_blk(b);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.own_thread = true,
	.serve = blk_serve,
	.cancel = blk_cancel,
	.reset = blk_reset,
	.save = blk_save,
	.load = blk_load,
	.free = blk_free,
};

static void configure(struct blk *b)
{
	const uint32_t physical = disk_block_size(b->disk);
	struct virtio_blk_config cfg = {
		.capacity = htole64(b->sectors),
		.seg_max = htole32(SEGMENTS),
		.blk_size = htole32(SECTOR),
		.physical_block_exp = __builtin_ctz(physical / SECTOR),
		.max_discard_sectors = htole32(RANGE_MAX),
		.max_discard_seg = htole32(1),
		.discard_sector_alignment = htole32(physical / SECTOR),
		.max_write_zeroes_sectors = htole32(RANGE_MAX),
		.max_write_zeroes_seg = htole32(1),
		.write_zeroes_may_unmap = 1,
	};

	b->v.config_size = sizeof(cfg);
	memcpy(b->v.config, &cfg, sizeof(cfg));
}

struct virtio *virtio_blk_new(const struct gmem *gmem, struct disk *disk,
			      const char *serial)
{
	const uint64_t writable = 1ull << VIRTIO_BLK_F_DISCARD |
				  1ull << VIRTIO_BLK_F_WRITE_ZEROES;
	uint64_t features =
		1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE |
		1ull << VIRTIO_BLK_F_TOPOLOGY | 1ull << VIRTIO_BLK_F_FLUSH;
	struct blk *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	features |= disk_readonly(disk) ? 1ull << VIRTIO_BLK_F_RO : writable;
	if (add_request(b) ||
	    virtio_init(&b->v, &blk_ops, gmem, NULL, 1, QUEUE_SIZE, features)) {
		free_blk(b);
		return NULL;
	}
	b->disk = disk;
	b->sectors = disk_size(disk) / SECTOR;
	if (serial)
		memcpy(b->serial, serial, strnlen(serial, sizeof(b->serial)));
	configure(b);
	return &b->v;
}
