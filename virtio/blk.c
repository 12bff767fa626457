/* SPDX-License-Identifier: MIT */
/*
 * Requests are served one by one on a thread of the device's own, by calls that
 * move data straight between the image and guest memory. They hold the device's
 * lock meanwhile: a reset waits for the one in progress.
 *
 * The page cache of the host is a volatile write cache: what FLUSH acknowledged
 * is on the medium. For a driver that does not negotiate FLUSH, every write is.
 */
#include "virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>

#include "host/disk.h"
#include "virtio/virtio.h"

#define QUEUE_SIZE 256u
#define SECTOR	   512u
/* Header and status take a descriptor each. */
#define SEGMENTS (QUEUE_SIZE - 2)
/* A range to discard or zero, in sectors: bounds the time that one takes. */
#define RANGE_MAX (1u << 21)

struct blk {
	struct virtio v;
	struct disk *disk;
	uint64_t sectors;
	char serial[VIRTIO_BLK_ID_BYTES];
	struct vq_chain chain;
};

/* The range lies within the disk. */
static bool fits(const struct blk *b, uint64_t sector, uint64_t bytes)
{
	return bytes % SECTOR == 0 && sector <= b->sectors &&
	       bytes / SECTOR <= b->sectors - sector;
}

static uint8_t status_of(struct blk *b, int r)
{
	if (r == 0)
		return VIRTIO_BLK_S_OK;
	b->v.stats.errors++;
	return VIRTIO_BLK_S_IOERR;
}

static uint8_t do_read(struct blk *b, uint64_t sector, struct vq_chain *c,
		       uint32_t *written)
{
	const size_t len = c->in.len;
	int64_t r;

	if (!fits(b, sector, len))
		return status_of(b, -EINVAL);
	r = disk_readv(b->disk, c->in.iov, c->in.n, sector * SECTOR);
	*written = r < 0 ? 0 : r;
	return status_of(b, *written == len ? 0 : -EIO);
}

/* A driver that knows of no cache must find its write done when told so. */
static int write_through(struct blk *b)
{
	return virtio_has(&b->v, VIRTIO_BLK_F_FLUSH) ? 0 : disk_flush(b->disk);
}

static uint8_t do_write(struct blk *b, uint64_t sector, struct vq_chain *c)
{
	const int64_t len = c->out.len;
	int64_t r;

	if (disk_readonly(b->disk) || !fits(b, sector, len))
		return status_of(b, -EINVAL);
	r = disk_writev(b->disk, c->out.iov, c->out.n, sector * SECTOR);
	return status_of(b, r == len ? write_through(b) : -EIO);
}

static uint8_t do_get_id(struct blk *b, struct vq_chain *c, uint32_t *written)
{
	uint32_t n = sizeof(b->serial);

	if (n > c->in.len)
		n = c->in.len;
	vq_put(c, b->serial, n);
	*written = n;
	return VIRTIO_BLK_S_OK;
}

/* DISCARD and WRITE_ZEROES: one segment, as the configuration says. */
static uint8_t do_range(struct blk *b, uint32_t type, struct vq_chain *c)
{
	struct virtio_blk_discard_write_zeroes seg;
	uint64_t sector, bytes, known;
	uint32_t flags;
	int r;

	if (disk_readonly(b->disk) || c->out.len != sizeof(seg))
		return status_of(b, -EINVAL);
	vq_get(c, &seg, sizeof(seg));
	sector = le64toh(seg.sector);
	bytes = (uint64_t)le32toh(seg.num_sectors) * SECTOR;
	flags = le32toh(seg.flags);
	known = type == VIRTIO_BLK_T_DISCARD
			? 0
			: VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	if (flags & ~known)
		return VIRTIO_BLK_S_UNSUPP;
	if (!fits(b, sector, bytes) || bytes / SECTOR > RANGE_MAX)
		return status_of(b, -EINVAL);
	if (type == VIRTIO_BLK_T_DISCARD)
		r = disk_discard(b->disk, sector * SECTOR, bytes);
	else
		r = disk_zero(b->disk, sector * SECTOR, bytes, flags);
	return status_of(b, r ? r : write_through(b));
}

static int request(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct blk *b = (struct blk *)v;
	struct virtio_blk_outhdr h;
	uint32_t written = 0;
	uint8_t *status = vq_last(c), s;

	if (!status || vq_get(c, &h, sizeof(h)))
		return -EPROTO;
	switch (le32toh(h.type)) {
	case VIRTIO_BLK_T_IN:
		s = do_read(b, le64toh(h.sector), c, &written);
		break;
	case VIRTIO_BLK_T_OUT:
		s = do_write(b, le64toh(h.sector), c);
		break;
	case VIRTIO_BLK_T_FLUSH:
		s = status_of(b, disk_flush(b->disk));
		break;
	case VIRTIO_BLK_T_GET_ID:
		s = do_get_id(b, c, &written);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		s = do_range(b, le32toh(h.type), c);
		break;
	default:
		s = VIRTIO_BLK_S_UNSUPP;
	}
	*status = s;
	virtio_push(v, q, c, written + 1);
	/* Each as soon as it is done: the next one may take its time. */
	virtio_publish(v, q);
	return 0;
}

static int blk_serve(struct virtio *v, unsigned q)
{
	struct blk *b = (struct blk *)v;

	return virtio_each(v, q, &b->chain, request);
}

static void blk_free(struct virtio *v)
{
	struct blk *b = (struct blk *)v;

	virtio_exit(v);
	disk_close(b->disk);
	free(b);
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.own_thread = true,
	.serve = blk_serve,
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
	if (virtio_init(&b->v, &blk_ops, gmem, NULL, 1, QUEUE_SIZE, features)) {
		free(b);
		return NULL;
	}
	b->disk = disk;
	b->sectors = disk_size(disk) / SECTOR;
	if (serial)
		memcpy(b->serial, serial, strnlen(serial, sizeof(b->serial)));
	configure(b);
	return &b->v;
}
