/* SPDX-License-Identifier: MIT */
/*
 * A share of files: what is virtio-fs's own. Its queues are virtiofsd's
 * (virtio/vhost.h).
 */
#include "virtio/fs.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>

#include "core/util.h"
#include "host/virtiofsd.h"
#include "virtio/vhost_user.h"

#define QUEUE_SIZE 256
/* For what goes before other requests, and one for these. */
#define QUEUES 2u

struct fs {
	struct vhost h;
	struct virtiofsd *back;
	struct io says;
	struct log_limit not_again; /* why there is no other one */
	void (*tell)(void *ctx);
	void *ctx;
};

static void said(struct io *io, uint32_t events)
{
	struct fs *fs = container_of(io, struct fs, says);

	(void)events;
	virtio_lock(&fs->h.v);
	if (!virtiofsd_say(fs->back))
		loop_del(io);
	virtio_unlock(&fs->h.v);
}

/*
 * It may go on, and write to memory that the driver, or the next kernel, uses
 * for something else: so it is killed.
 */
static void gone(struct vhost *h)
{
	struct fs *fs = (struct fs *)h;
	int r = virtiofsd_end(fs->back);

	virtiofsd_say(fs->back);
	if (r < 0)
		log_warnx("virtiofsd cannot be ended: %s", strerror(-r));
	if (fs->tell)
		fs->tell(fs->ctx);
}

static struct vhost_back *again(struct vhost *h)
{
	struct fs *fs = (struct fs *)h;
	struct vhost_back *vu;
	struct err e;
	int r, fd;

	if (fs->says.loop)
		loop_del(&fs->says);
	r = virtiofsd_restart(fs->back, &e);
	fs->says.fd = virtiofsd_says_fd(fs->back);
	if (r < 0) {
		log_guest(&fs->not_again,
			  "%s: virtiofsd cannot be started again: %s",
			  h->v.name, e.text);
		virtio_failed(&h->v, -r, "starting its back end again");
		return NULL;
	}
	loop_add(h->v.loop, &fs->says, EPOLLIN);
	fd = virtiofsd_connect(fs->back);
	vu = vhost_user_new(fd, VHOST_USER_PATIENCE);
	if (vu)
		return vu;
	log_guest(&fs->not_again,
		  "%s: virtiofsd was started again and does not answer: %s",
		  h->v.name, strerror(errno));
	close(fd);
	virtiofsd_end(fs->back);
	return NULL;
}

static int fs_activate(struct virtio *v)
{
	struct fs *fs = (struct fs *)v;

	if (!fs->says.loop)
		loop_add(v->loop, &fs->says, EPOLLIN);
	return vhost_activate(v);
}

static void fs_free(struct virtio *v)
{
	struct fs *fs = (struct fs *)v;

	vhost_exit(&fs->h);
	virtiofsd_free(fs->back);
	free(fs);
}

static const struct virtio_ops fs_ops = {
	.name = "virtio-fs",
	.id = VIRTIO_ID_FS,
	.own_thread = true,
	.served_elsewhere = true,
	.serve = vhost_serve,
	.activate = fs_activate,
	.stop = vhost_stop,
	.resume = vhost_resume,
	.queue_reset = vhost_queue_reset,
	.free = fs_free,
};

static void configure(struct virtio *v, const char *tag)
{
	struct virtio_fs_config cfg = {
		.num_request_queues = htole32(QUEUES - 1),
	};
	const size_t len = strlen(tag);

	memcpy(cfg.tag, tag, len < sizeof(cfg.tag) ? len : sizeof(cfg.tag));
	v->config_size = sizeof(cfg);
	memcpy(v->config, &cfg, sizeof(cfg));
}

struct virtio *virtio_fs_new(const struct gmem *gmem, int ram_fd,
			     struct virtiofsd *back, const char *tag,
			     void (*lost)(void *ctx), void *ctx)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int fd = fs ? virtiofsd_connect(back) : -1, err;
	struct vhost_back *vu =
		fd < 0 ? NULL : vhost_user_new(fd, VHOST_USER_PATIENCE);

	if (!vu) {
		err = fs ? errno : ENOMEM;
		if (fd >= 0)
			close(fd);
		goto fail;
	}
	if (vhost_init(&fs->h, &fs_ops, gmem, ram_fd, vu, QUEUES, QUEUE_SIZE)) {
		err = ENOMEM;
		vu->ops->free(vu);
		goto fail;
	}
	fs->h.gone = gone;
	fs->h.again = again;
	fs->back = back;
	fs->tell = lost;
	fs->ctx = ctx;
	fs->says = (struct io){ .fd = virtiofsd_says_fd(back), .fn = said };
	configure(&fs->h.v, tag);
	return &fs->h.v;
fail:
	free(fs);
	errno = err;
	return NULL;
}
