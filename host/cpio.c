/* SPDX-License-Identifier: MIT */
/*
 * Writing a cpio archive into a memfd. A tree of paths remembers what has been
 * added.
 */
#include "host/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TRAILER "TRAILER!!!"

struct cpio {
	int fd;
	FILE *f;
	int error; /* the first: -errno */
	uint32_t inode;
	uint64_t size;
	void *paths; /* a tree of what is there */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct cpio *cpio_new(void)
{
	struct cpio *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = memfd_create("initramfs", MFD_CLOEXEC);
	c->f = c->fd < 0 ? NULL : fdopen(fcntl(c->fd, F_DUPFD_CLOEXEC, 0), "w");
	if (!c->f) {
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return NULL;
	}
	return c;
}

void cpio_free(struct cpio *c)
{
	if (!c)
		return;
	tdestroy(c->paths, free);
	if (c->f)
		fclose(c->f);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

bool cpio_has(const struct cpio *c, const char *path)
{
	return tfind(path, &c->paths, by_name);
}

uint64_t cpio_size(const struct cpio *c)
{
	return c->size;
}

static void fail(struct cpio *c, int error)
{
	if (!c->error)
		c->error = error;
}

static void put(struct cpio *c, const void *buf, size_t len)
{
	if (!c->error && fwrite(buf, 1, len, c->f) != len)
		fail(c, -errno);
	c->size += len;
}

/* Names and contents end at multiples of 4. */
static void pad(struct cpio *c)
{
	put(c, "\0\0\0", -c->size & 3);
}

/* True if it is new; then it is noted. */
static bool note(struct cpio *c, const char *path)
{
	char *copy;

	if (c->error || cpio_has(c, path))
		return false;
	copy = strdup(path);
	if (copy && tsearch(copy, &c->paths, by_name))
		return true;
	free(copy);
	fail(c, -ENOMEM);
	return false;
}

static void put_header(struct cpio *c, const char *name, mode_t mode,
		       uint64_t size, dev_t dev)
{
	char header[111];

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++c->inode, mode, 0, 0, 1, 0, (unsigned)size, 0, 0, major(dev),
		 minor(dev), (unsigned)strlen(name) + 1, 0);
	put(c, header, 110);
	put(c, name, strlen(name) + 1);
	pad(c);
}

static void add_parents(struct cpio *c, const char *path)
{
	char *copy = strdup(path), *slash;

	if (!copy) {
		fail(c, -ENOMEM);
		return;
	}
	for (slash = strchr(copy + 1, '/'); slash; slash = strchr(slash, '/')) {
		*slash = '\0';
		cpio_dir(c, copy, 0755);
		*slash++ = '/';
	}
	free(copy);
}

/* True if contents are to follow. */
static bool begin(struct cpio *c, const char *path, mode_t mode, uint64_t size,
		  dev_t dev)
{
	if (size > UINT32_MAX) {
		fail(c, -EFBIG);
		return false;
	}
	add_parents(c, path);
	if (!note(c, path))
		return false;
	put_header(c, path + 1, mode, size, dev);
	return true;
}

void cpio_dir(struct cpio *c, const char *path, mode_t mode)
{
	if (path[1])
		begin(c, path, S_IFDIR | (mode & 07777), 0, 0);
}

void cpio_link(struct cpio *c, const char *path, const char *target)
{
	if (!begin(c, path, S_IFLNK | 0777, strlen(target), 0))
		return;
	put(c, target, strlen(target));
	pad(c);
}

void cpio_device(struct cpio *c, const char *path, mode_t mode, dev_t dev)
{
	begin(c, path, mode, 0, dev);
}

void cpio_bytes(struct cpio *c, const char *path, mode_t mode, const void *buf,
		size_t len)
{
	if (!begin(c, path, S_IFREG | (mode & 07777), len, 0))
		return;
	put(c, buf, len);
	pad(c);
}

void cpio_file(struct cpio *c, const char *path, mode_t mode, int fd)
{
	char buf[65536];
	struct stat st;
	off_t off = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0) {
		fail(c, -errno);
		return;
	}
	if (!begin(c, path, S_IFREG | (mode & 07777), st.st_size, 0))
		return;
	while (off < st.st_size && !c->error) {
		size_t want = st.st_size - off;

		n = pread(fd, buf, want < sizeof(buf) ? want : sizeof(buf),
			  off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(c, n < 0 ? -errno : -EIO);
			return;
		}
		put(c, buf, n);
		off += n;
	}
	pad(c);
}

int cpio_finish(struct cpio *c)
{
	int fd;

	put_header(c, TRAILER, 0, 0, 0);
	if (fflush(c->f))
		fail(c, -errno);
	fd = c->fd;
	if (c->error)
		fd = c->error;
	else
		c->fd = -1;
	cpio_free(c);
	return fd;
}
