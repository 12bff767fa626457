/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A notification goes from the guest through KVM to the other process without
 * us: the eventfd of a queue's notifications is the one that it was given. The
 * way back is by an eventfd to this device's thread, and from there as any
 * device's interrupt, which the guest may have masked or moved meanwhile.
 *
 * The queues are handed over at DRIVER_OK and taken back at a reset, both while
 * the driver's write of the status waits: after a reset nobody may write to
 * guest memory any more.
 */
#include "virtio/fs.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "core/util.h"
#include "host/virtiofsd.h"
#include "virtio/vhost_user.h"
#include "virtio/virtio.h"

#define QUEUE_SIZE 256
/* For what goes before other requests, and one for these. */
#define QUEUES 2u

struct call {
	struct io io; /* fd is -1 before it is there */
	struct fs *fs;
	unsigned q;
	bool started;
};

struct fs {
	struct virtio v;
	struct virtiofsd *back;
	struct vhost_user *vu;
	int ram_fd;
	struct io hang_up, says;
	bool lost;
	void (*tell)(void *ctx);
	void *ctx;
	struct call call[QUEUES];
};

/* The eventfd is the other process'; this is for whoever notifies us. */
static int fs_serve(struct virtio *v, unsigned q)
{
	const uint64_t one = 1;
	int fd = virtio_notify_fd(v, q);

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0) {
		/* The counter is full: it has been told. */
	}
	return 0;
}

static void called(struct io *io, uint32_t events)
{
	struct call *c = container_of(io, struct call, io);
	struct virtio *v = &c->fs->v;
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof(n)) < 0)
		return;
	virtio_lock(v);
	if (virtio_live(v) && v->vq[c->q].ready)
		virtio_interrupt(v, c->q);
	virtio_unlock(v);
}

static void said(struct io *io, uint32_t events)
{
	(void)events;
	if (!virtiofsd_say(container_of(io, struct fs, says)->back))
		loop_del(io);
}

static void hung_up(struct io *io, uint32_t events)
{
	struct fs *fs = container_of(io, struct fs, hang_up);

	(void)events;
	loop_del(io);
	virtio_lock(&fs->v);
	virtiofsd_say(fs->back);
	if (!fs->lost)
		log_warnx("virtiofsd has ended: what it shared is gone");
	fs->lost = true;
	virtio_needs_reset(&fs->v, "its back end is gone");
	virtio_unlock(&fs->v);
	if (fs->tell)
		fs->tell(fs->ctx);
}

/* A place in guest RAM that a ring was checked to be in. */
static const void *place(const struct fs *fs, gpa_t gpa)
{
	struct iovec iov;

	return gmem_map(fs->v.gmem, gpa, 1, &iov, 1) == 1 ? iov.iov_base : NULL;
}

static int open_call(struct fs *fs, struct call *c)
{
	int r;

	if (c->io.fd >= 0)
		return 0;
	c->io.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->io.fd < 0)
		return -errno;
	r = loop_add(fs->v.loop, &c->io, EPOLLIN);
	if (r < 0) {
		close(c->io.fd);
		c->io.fd = -1;
	}
	return r;
}

static int fs_activate(struct virtio *v)
{
	struct fs *fs = (struct fs *)v;
	struct vhost_ring rings[QUEUES] = { 0 };
	unsigned q;
	int r = 0;

	if (fs->lost)
		return -EIO;
	if (!fs->hang_up.loop)
		r = loop_add(v->loop, &fs->hang_up, EPOLLRDHUP);
	if (!r && !fs->says.loop)
		r = loop_add(v->loop, &fs->says, EPOLLIN);
	for (q = 0; q < QUEUES && !r; q++) {
		const struct virtqueue *vq = &v->vq[q];

		if (!vq->ready)
			continue;
		r = open_call(fs, &fs->call[q]);
		rings[q] = (struct vhost_ring){
			.size = vq->size,
			.desc = place(fs, vq->desc),
			.avail = place(fs, vq->avail),
			.used = place(fs, vq->used),
			.kick = virtio_notify_fd(v, q),
			.call = fs->call[q].io.fd,
		};
		fs->call[q].started = true;
	}
	if (!r)
		/* Without what is between the driver and the transport. */
		r = vhost_user_start(
			fs->vu, v->acked & vhost_user_features(fs->vu),
			&v->gmem->bank[0], fs->ram_fd, rings, QUEUES);
	if (r < 0)
		log_warnx("virtiofsd: handing queues over: %s", strerror(-r));
	return r;
}

/*
 * One that has not said that it is done may go on writing to memory, which the
 * driver, or the next kernel, uses for something else: it is ended.
 */
static void fs_queue_reset(struct virtio *v, unsigned q)
{
	struct fs *fs = (struct fs *)v;
	int r;

	if (!fs->call[q].started)
		return;
	fs->call[q].started = false;
	r = vhost_user_stop(fs->vu, q);
	if (r == 0 || fs->lost)
		return;
	fs->lost = true;
	log_warnx("virtiofsd: taking a queue back: %s: what it shares is gone",
		  strerror(-r));
	r = virtiofsd_end(fs->back);
	if (r < 0)
		log_warnx("virtiofsd cannot be ended: %s", strerror(-r));
}

static void free_calls(struct fs *fs)
{
	unsigned q;

	for (q = 0; q < QUEUES; q++)
		if (fs->call[q].io.fd >= 0)
			close(fs->call[q].io.fd);
}

static void fs_free(struct virtio *v)
{
	struct fs *fs = (struct fs *)v;

	virtio_exit(v);
	free_calls(fs);
	vhost_user_free(fs->vu);
	virtiofsd_free(fs->back);
	free(fs);
}

static const struct virtio_ops fs_ops = {
	.name = "virtio-fs",
	.id = VIRTIO_ID_FS,
	.own_thread = true,
	.served_elsewhere = true,
	.serve = fs_serve,
	.activate = fs_activate,
	.queue_reset = fs_queue_reset,
	.free = fs_free,
};

static void configure(struct fs *fs, const char *tag)
{
	struct virtio_fs_config cfg = {
		.num_request_queues = htole32(QUEUES - 1),
	};
	const size_t len = strlen(tag);

	memcpy(cfg.tag, tag, len < sizeof(cfg.tag) ? len : sizeof(cfg.tag));
	fs->v.config_size = sizeof(cfg);
	memcpy(fs->v.config, &cfg, sizeof(cfg));
}

struct virtio *virtio_fs_new(const struct gmem *gmem, int ram_fd,
			     struct virtiofsd *back, const char *tag,
			     void (*lost)(void *ctx), void *ctx)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int fd = -1, err = ENOMEM;
	unsigned q;

	if (!fs ||
	    virtio_init(&fs->v, &fs_ops, gmem, NULL, QUEUES, QUEUE_SIZE, 0)) {
		free(fs);
		errno = err;
		return NULL;
	}
	fd = virtiofsd_connect(back);
	fs->vu = fd < 0 ? NULL : vhost_user_new(fd, VHOST_USER_PATIENCE);
	if (!fs->vu) {
		err = errno;
		if (fd >= 0)
			close(fd);
		virtio_exit(&fs->v);
		free(fs);
		errno = err;
		return NULL;
	}
	/* Nothing that the other process has not got. */
	fs->v.offered &= vhost_user_features(fs->vu);
	fs->back = back;
	fs->ram_fd = ram_fd;
	fs->tell = lost;
	fs->ctx = ctx;
	fs->hang_up = (struct io){ .fd = vhost_user_fd(fs->vu), .fn = hung_up };
	fs->says = (struct io){ .fd = virtiofsd_says_fd(back), .fn = said };
	for (q = 0; q < QUEUES; q++)
		fs->call[q] = (struct call){ .io = { .fd = -1, .fn = called },
					     .fs = fs,
					     .q = q };
	configure(fs, tag);
	return &fs->v;
}
