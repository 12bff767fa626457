/* SPDX-License-Identifier: MIT */
#include "host/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "core/log.h"

#define SECTOR 512u

struct disk {
	int fd;
	bool readonly;
	uint64_t size;
	uint32_t block;
	int failed; /* -errno of the first flush that failed */
};

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
		return "a character device";
	default:
		return "no file";
	}
}

/* From the path, as opening a FIFO or a tape has effects of its own. */
static int check_kind(const char *path, const struct stat *st, struct err *e)
{
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	return err_set(e, -EINVAL,
		       "--disk %s: this is %s; give a raw image file or a "
		       "block device",
		       path, kind_of(st->st_mode));
}

static int lock(const struct disk *d, const char *path, struct err *e)
{
	struct flock l = {
		.l_type = d->readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (fcntl(d->fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(e, -EBUSY,
			       "--disk %s: another process has this image "
			       "open%s; stop it, or give both as FILE,ro",
			       path, d->readonly ? " for writing" : "");
	/* Some network file systems have no locks. */
	log_warn("--disk %s: cannot lock the image", path);
	return 0;
}

static int measure(struct disk *d, const struct stat *st)
{
	int block = SECTOR;

	d->block = SECTOR;
	if (!S_ISBLK(st->st_mode)) {
		d->size = st->st_size;
		return 0;
	}
	if (ioctl(d->fd, BLKGETSIZE64, &d->size) < 0)
		return -errno;
	if (ioctl(d->fd, BLKPBSZGET, &block) == 0 && block > (int)SECTOR)
		d->block = block;
	return 0;
}

static int open_locked(struct disk *d, const char *path, struct err *e)
{
	const int mode = d->readonly ? O_RDONLY : O_RDWR;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return err_set(e, -errno, "--disk %s: %s", path,
			       strerror(errno));
	r = check_kind(path, &st, e);
	if (r < 0)
		return r;
	/* Should it have become a FIFO meanwhile, this does not block. */
	d->fd = open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (d->fd < 0)
		return err_set(e, -errno, "--disk %s: %s%s", path,
			       strerror(errno),
			       d->readonly ? "" : "; or give it as FILE,ro");
	if (fstat(d->fd, &st) < 0)
		return err_set(e, -errno, "--disk %s: %s", path,
			       strerror(errno));
	r = check_kind(path, &st, e);
	if (r == 0)
		r = lock(d, path, e);
	if (r < 0)
		return r;
	r = measure(d, &st);
	if (r == 0 && d->size < SECTOR)
		return err_set(e, -EINVAL,
			       "--disk %s: the image is smaller than one "
			       "sector (512 bytes); grow it with truncate -s",
			       path);
	return r < 0 ? err_set(e, r, "--disk %s: %s", path, strerror(-r)) : 0;
}

struct disk *disk_open(const char *path, bool readonly, struct err *e)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(e, -ENOMEM, "--disk %s: out of memory", path);
		return NULL;
	}
	d->fd = -1;
	d->readonly = readonly;
	/* A limit on file sizes is the guest's I/O error, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	if (open_locked(d, path, e) < 0) {
		disk_close(d);
		return NULL;
	}
	return d;
}

void disk_close(struct disk *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

uint64_t disk_size(const struct disk *d)
{
	return d->size;
}

bool disk_readonly(const struct disk *d)
{
	return d->readonly;
}

uint32_t disk_block_size(const struct disk *d)
{
	return d->block;
}

/* Until all is moved: a signal, or the kernel's limit, cuts a call short. */
static int64_t transfer(struct disk *d,
			ssize_t (*io)(int, const struct iovec *, int, off_t),
			struct iovec *iov, int n, uint64_t off)
{
	int64_t done = 0;

	while (n) {
		ssize_t r = io(d->fd, iov, n, off + done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && !done)
			return -errno;
		if (r <= 0)
			return done;
		done += r;
		while (n && (size_t)r >= iov->iov_len) {
			r -= iov->iov_len;
			iov++;
			n--;
		}
		if (r) {
			iov->iov_base = (uint8_t *)iov->iov_base + r;
			iov->iov_len -= r;
		}
	}
	return done;
}

int64_t disk_readv(struct disk *d, struct iovec *iov, int n, uint64_t off)
{
	return transfer(d, preadv, iov, n, off);
}

int64_t disk_writev(struct disk *d, struct iovec *iov, int n, uint64_t off)
{
	return transfer(d, pwritev, iov, n, off);
}

int disk_flush(struct disk *d)
{
	if (!d->failed && !d->readonly && fdatasync(d->fd) < 0) {
		d->failed = -errno;
		log_warn("disk: flush failed; all further ones will");
	}
	return d->failed;
}

static int punch(struct disk *d, int mode, uint64_t off, uint64_t len)
{
	int r;

	do
		r = fallocate(d->fd, mode | FALLOC_FL_KEEP_SIZE, off, len);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int disk_discard(struct disk *d, uint64_t off, uint64_t len)
{
	int r = len ? punch(d, FALLOC_FL_PUNCH_HOLE, off, len) : 0;

	return r == -EOPNOTSUPP ? 0 : r;
}

static int write_zeros(struct disk *d, uint64_t off, uint64_t len)
{
	static const uint8_t zeros[4096];
	struct iovec v[16];

	while (len) {
		uint64_t n = 0;
		int i = 0;

		for (; i < 16 && n < len; n += v[i++].iov_len) {
			v[i].iov_base = (void *)zeros;
			v[i].iov_len = len - n < sizeof(zeros) ? len - n
							       : sizeof(zeros);
		}
		if (disk_writev(d, v, i, off) != (int64_t)n)
			return -EIO;
		off += n;
		len -= n;
	}
	return 0;
}

int disk_zero(struct disk *d, uint64_t off, uint64_t len, bool unmap)
{
	int r = -EOPNOTSUPP;

	if (!len)
		return 0;
	if (unmap)
		r = punch(d, FALLOC_FL_PUNCH_HOLE, off, len);
	if (r == -EOPNOTSUPP)
		r = punch(d, FALLOC_FL_ZERO_RANGE, off, len);
	return r == -EOPNOTSUPP ? write_zeros(d, off, len) : r;
}
