/* SPDX-License-Identifier: MIT */
#include "host/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

static int write_in_place(const char *path, const void *buf, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, buf, len);
	if (close(fd) < 0 && !r)
		r = -errno;
	return r;
}

int output_temporary(const char *path, char tmp[PATH_MAX])
{
	mode_t mask = umask(0);
	int fd, r;

	umask(mask);
	if (snprintf(tmp, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0666 & ~mask) < 0) {
		r = -errno;
		close(fd);
		unlink(tmp);
		return r;
	}
	return fd;
}

static int write_and_rename(const char *path, const void *buf, size_t len)
{
	char tmp[PATH_MAX];
	int fd = output_temporary(path, tmp), r;

	if (fd < 0)
		return fd;
	r = write_all(fd, buf, len);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(tmp, path) < 0)
		r = -errno;
	if (r)
		unlink(tmp);
	return r;
}

static int try_temporary(const char *path)
{
	char tmp[PATH_MAX];
	int fd = output_temporary(path, tmp);

	if (fd < 0)
		return fd;
	close(fd);
	unlink(tmp);
	return 0;
}

/*
 * The file that @path leads to: what is replaced is the file, not a symbolic
 * link to it, as /dev/stdout is one. @path itself if it leads to no name.
 */
static const char *follow(const char *path, char buf[PATH_MAX])
{
	return realpath(path, buf) ? buf : path;
}

int output_check(const char *path, struct err *e)
{
	char buf[PATH_MAX];
	struct stat st;
	int r = 0;

	if (!strcmp(path, "-"))
		return 0;
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		r = try_temporary(follow(path, buf));
	else if (S_ISFIFO(st.st_mode))
		return err_set(e, -EINVAL,
			       "%s: is a FIFO; give a regular file, or - for "
			       "standard output",
			       path);
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	else if (access(path, W_OK) < 0)
		r = -errno;
	return r ? err_path(e, r, "cannot write", path) : 0;
}

int output_write(const char *path, const void *buf, size_t len, struct err *e)
{
	char name[PATH_MAX];
	struct stat st;
	int r;

	if (!strcmp(path, "-"))
		r = write_all(STDOUT_FILENO, buf, len);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		r = write_in_place(path, buf, len);
	else
		r = write_and_rename(follow(path, name), buf, len);
	return r ? err_path(e, r, "cannot write", path) : 0;
}
