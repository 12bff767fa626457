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

static int write_and_rename(const char *path, const void *buf, size_t len)
{
	char tmp[PATH_MAX];
	mode_t mask = umask(0);
	int fd, r;

	umask(mask);
	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, buf, len);
	if (!r && fchmod(fd, 0666 & ~mask) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && rename(tmp, path) < 0)
		r = -errno;
	if (r)
		unlink(tmp);
	return r;
}

int output_write(const char *path, const void *buf, size_t len, struct err *e)
{
	struct stat st;
	int r;

	if (!strcmp(path, "-"))
		r = write_all(STDOUT_FILENO, buf, len);
	else if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		r = write_in_place(path, buf, len);
	else
		r = write_and_rename(path, buf, len);
	return r ? err_set(e, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}
