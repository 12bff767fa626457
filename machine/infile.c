/* SPDX-License-Identifier: MIT */
/*
 * Opening, checking and reading the files that go into guest memory. Every
 * error names the option and the path.
 */
#include "machine/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"

int infile_err(const struct infile *f, struct err *e, int code, const char *fmt,
	       ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(e, code, "%s %.200s: %s", f->opt, f->path, why);
}

int infile_open(struct infile *f, const char *opt, const char *path,
		struct err *e)
{
	struct stat st;
	int err;

	*f = (struct infile){ .opt = opt, .path = path };
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		err = infile_err(f, e, -errno, "cannot be opened (%s); %s",
				 strerror(errno), remedy_path(errno, path));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		err = infile_err(f, e, -EINVAL, "is %s; give a regular file",
				 file_kind(st.st_mode));
		goto fail;
	}
	if (!st.st_size) {
		err = infile_err(f, e, -ENODATA,
				 "is empty; was it copied completely?");
		goto fail;
	}
	f->size = st.st_size;
	f->mtime = st.st_mtim;
	return 0;
fail:
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	return err;
}

void infile_close(struct infile *f)
{
	if (f->size && f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

bool infile_has_changed(const struct infile *f)
{
	struct stat st;

	return fstat(f->fd, &st) < 0 || (uint64_t)st.st_size != f->size ||
	       st.st_mtim.tv_sec != f->mtime.tv_sec ||
	       st.st_mtim.tv_nsec != f->mtime.tv_nsec;
}

int infile_read(const struct infile *f, uint64_t off, void *buf, size_t len,
		struct err *e)
{
	uint8_t *dst = buf;

	while (len) {
		ssize_t n = pread(f->fd, dst, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			return infile_err(f, e, err, "cannot be read (%s)",
					  strerror(-err));
		}
		if (!n)
			return infile_err(f, e, -ENODATA,
					  "has become shorter since it was "
					  "opened; try again");
		dst += n;
		off += n;
		len -= n;
	}
	return 0;
}

int infile_load(const struct infile *f, uint64_t off, const struct gmem *mem,
		gpa_t gpa, size_t len, struct err *e)
{
	struct iovec iov[GMEM_BANKS];
	int i, err, n = gmem_map(mem, gpa, len, iov, GMEM_BANKS);

	if (n < 0)
		return infile_err(f, e, -EFAULT,
				  "does not fit into guest memory; give more "
				  "--memory");
	for (i = 0; i < n; i++) {
		err = infile_read(f, off, iov[i].iov_base, iov[i].iov_len, e);
		if (err)
			return err;
		off += iov[i].iov_len;
	}
	return 0;
}
