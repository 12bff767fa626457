/* SPDX-License-Identifier: MIT */
/*
 * A raw image: bytes of a file, or of a block device, are those of the disk.
 * Each request is done, by system calls that wait, before disk_submit() returns.
 */
#include "host/disk_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "core/log.h"
#include "core/remedy.h"

#define SECTOR 512u
/*
 * Bytes of a system call: a cancelled request is noticed between two of them.
 * One of this size takes about a millisecond, of which the call itself is no
 * share.
 */
#define PIECE (1u << 20)

struct raw {
	struct disk disk;
	int fd;
};

/* From the path, as opening a FIFO or a tape has effects of its own. */
static int check_kind(const char *path, const struct stat *st, struct err *e)
{
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	return err_set(e, -EINVAL,
		       "--disk %s: this is %s; give a raw image file or a "
		       "block device",
		       path, file_kind(st->st_mode));
}

static int lock(const struct raw *d, const char *path, struct err *e)
{
	struct flock l = {
		.l_type = d->disk.readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(d->fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(e, -EBUSY,
			       "--disk %s: another process has this image "
			       "open%s; stop it, or give both as FILE,ro",
			       path, d->disk.readonly ? " for writing" : "");
	/* Some network file systems have no locks. */
	log_warn("--disk %s: cannot lock the image", path);
	return 0;
}

static int measure(struct raw *d, const struct stat *st)
{
	int block = SECTOR;

	d->disk.block = SECTOR;
	if (!S_ISBLK(st->st_mode)) {
		d->disk.size = st->st_size;
		return 0;
	}
	if (ioctl(d->fd, BLKGETSIZE64, &d->disk.size) < 0)
		return -errno;
	if (ioctl(d->fd, BLKPBSZGET, &block) == 0 && block > (int)SECTOR)
		d->disk.block = block;
	return 0;
}

/* Could it be opened just to be read? */
static bool is_for_reading(int err)
{
	return err == EACCES || err == EPERM || err == EROFS || err == ETXTBSY;
}

static int open_locked(struct raw *d, const char *path, struct err *e)
{
	const int mode = d->disk.readonly ? O_RDONLY : O_RDWR;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return err_path(e, -errno, "--disk", path);
	r = check_kind(path, &st, e);
	if (r < 0)
		return r;
	/* Should it have become a FIFO meanwhile, this does not block. */
	d->fd = open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (d->fd < 0 && !d->disk.readonly && is_for_reading(errno))
		return err_set(e, -errno,
			       "--disk %s: %s; see that it may be written, or "
			       "give it as FILE,ro",
			       path, strerror(errno));
	if (d->fd < 0 || fstat(d->fd, &st) < 0)
		return err_path(e, -errno, "--disk", path);
	r = check_kind(path, &st, e);
	if (r == 0)
		r = lock(d, path, e);
	if (r < 0)
		return r;
	r = measure(d, &st);
	if (r == 0 && d->disk.size < SECTOR)
		return err_set(e, -EINVAL,
			       "--disk %s: the image is smaller than one "
			       "sector (512 bytes); grow it with truncate -s",
			       path);
	return r < 0 ? err_path(e, r, "--disk", path) : 0;
}

/* --- requests --- */

static bool is_cancelled(const struct disk_request *r)
{
	return __atomic_load_n(&r->cancelled, __ATOMIC_RELAXED);
}

/* How many of the @n make a piece; *@over: bytes of the last beyond it. */
static int piece_of(const struct iovec *iov, int n, size_t *over)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < n && i < IOV_MAX && sum < PIECE; i++)
		sum += iov[i].iov_len;
	*over = sum > PIECE ? sum - PIECE : 0;
	return i;
}

static void step(struct disk_request *r, size_t done)
{
	r->moved += done;
	while (r->n && done >= r->iov->iov_len) {
		done -= r->iov->iov_len;
		r->iov++;
		r->n--;
	}
	if (done) {
		r->iov->iov_base = (uint8_t *)r->iov->iov_base + done;
		r->iov->iov_len -= done;
	}
}

/* Until all is moved: a signal, or the kernel's limit, cuts a call short. */
static int transfer(struct raw *d, struct disk_request *r,
		    ssize_t (*io)(int, const struct iovec *, int, off_t))
{
	size_t over;
	ssize_t did;
	int n;

	while (r->n) {
		if (is_cancelled(r))
			return -ECANCELED;
		n = piece_of(r->iov, r->n, &over);
		r->iov[n - 1].iov_len -= over;
		did = io(d->fd, r->iov, n, r->off + r->moved);
		r->iov[n - 1].iov_len += over;
		if (did < 0 && errno == EINTR)
			continue;
		/* The end of a file that has become shorter is an error too. */
		if (did <= 0)
			return did ? -errno : -EIO;
		step(r, did);
	}
	return 0;
}

static int flush(struct raw *d)
{
	if (!d->disk.failed && !d->disk.readonly && fdatasync(d->fd) < 0)
		d->disk.failed = -errno;
	return d->disk.failed;
}

static int punch(struct raw *d, int mode, uint64_t off, uint64_t len)
{
	int r;

	do
		r = fallocate(d->fd, mode | FALLOC_FL_KEEP_SIZE, off, len);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int discard(struct raw *d, const struct disk_request *r)
{
	int rc = r->len ? punch(d, FALLOC_FL_PUNCH_HOLE, r->off, r->len) : 0;

	return rc == -EOPNOTSUPP ? 0 : rc;
}

static int write_zeros(struct raw *d, const struct disk_request *r)
{
	static const uint8_t zeros[4096];
	struct iovec v[16];
	struct disk_request w = { .off = r->off };
	uint64_t left = r->len;
	int rc = 0;

	while (left && !rc) {
		for (w.n = 0; w.n < 16 && left; w.n++) {
			v[w.n].iov_base = (void *)zeros;
			v[w.n].iov_len =
				left < sizeof(zeros) ? left : sizeof(zeros);
			left -= v[w.n].iov_len;
		}
		w.iov = v;
		rc = is_cancelled(r) ? -ECANCELED : transfer(d, &w, pwritev);
	}
	return rc;
}

static int zero(struct raw *d, const struct disk_request *r)
{
	int rc = -EOPNOTSUPP;

	if (!r->len)
		return 0;
	if (r->unmap)
		rc = punch(d, FALLOC_FL_PUNCH_HOLE, r->off, r->len);
	if (rc == -EOPNOTSUPP)
		rc = punch(d, FALLOC_FL_ZERO_RANGE, r->off, r->len);
	return rc == -EOPNOTSUPP ? write_zeros(d, r) : rc;
}

static int perform(struct raw *d, struct disk_request *r)
{
	switch (r->op) {
	case DISK_READ:
		return transfer(d, r, preadv);
	case DISK_WRITE:
		return transfer(d, r, pwritev);
	case DISK_FLUSH:
		return flush(d);
	case DISK_DISCARD:
		return discard(d, r);
	case DISK_ZERO:
		return zero(d, r);
	default:
		return -EINVAL;
	}
}

static void raw_submit(struct disk *disk, struct disk_request *r)
{
	struct raw *d = (struct raw *)disk;

	r->result = perform(d, r);
	if (!r->result && r->durable)
		r->result = flush(d);
	r->done(r);
}

/* --- life --- */

static void raw_close(struct disk *disk)
{
	struct raw *d = (struct raw *)disk;

	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

static const struct disk_ops raw_ops = {
	.format = "raw",
	.submit = raw_submit,
	.close = raw_close,
};

struct disk *disk_raw_open(const char *path, bool readonly, struct err *e)
{
	struct raw *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(e, -ENOMEM, "--disk %s: out of memory", path);
		return NULL;
	}
	d->disk.ops = &raw_ops;
	d->disk.readonly = readonly;
	d->fd = -1;
	/* A limit on file sizes is the guest's I/O error, not our end. */
	if (open_locked(d, path, e) < 0) {
		raw_close(&d->disk);
		return NULL;
	}
	return &d->disk;
}
