/* SPDX-License-Identifier: MIT */
/*
 * Writing result files: a temporary file beside the final one, renamed when it
 * is complete.
 */
#include "host/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"

struct output {
	char *path; /* as the user has it */
	int fd;	    /* what is no file, and is written to as it is; or -1 */
	int dir;    /* where the file is; or -1 */
	char name[NAME_MAX + 1];
};

int output_all(int fd, const char *buf, size_t len, size_t *done)
{
	ssize_t n;

	for (*done = 0; *done < len; *done += n) {
		n = write(fd, buf + *done, len - *done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

int output_temporary(int dir, const char *name, struct temporary *t)
{
	uint32_t n;
	int fd;

	t->made.name = NULL;

	do {
		if (getrandom(&n, sizeof(n), 0) < 0)
			return -errno;
		if (snprintf(t->name, PATH_MAX, "%s.%08x", name, n) >= PATH_MAX)
			return -ENAMETOOLONG;
		fd = openat(dir, t->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			    0666);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return -errno;
	/* It is there, or somebody else has removed it. */
	leaving_note(&t->made, dir, t->name);
	return fd;
}

static int write_and_rename(const struct output *o, const void *buf, size_t len)
{
	struct temporary tmp;
	int fd = output_temporary(o->dir, o->name, &tmp), r;
	size_t done;

	if (fd < 0)
		return fd;
	r = output_all(fd, buf, len, &done);
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(o->dir, tmp.name, o->dir, o->name) < 0)
		r = -errno;
	if (r)
		leaving_remove(&tmp.made);
	else
		leaving_keep(&tmp.made);
	return r;
}

static int try_temporary(const struct output *o)
{
	struct temporary tmp;
	int fd = output_temporary(o->dir, o->name, &tmp);

	if (fd < 0)
		return fd;
	close(fd);
	leaving_remove(&tmp.made);
	return 0;
}

/*
 * The directory and the name of the file that @path leads to: what is replaced
 * is the file, not a symbolic link to it, as /dev/stdout is one. @path itself
 * if it leads to no name.
 */
static int open_dir(struct output *o, const char *path)
{
	char real[PATH_MAX], *slash;

	if (!realpath(path, real) &&
	    snprintf(real, sizeof(real), "%s", path) >= (int)sizeof(real))
		return -ENAMETOOLONG;
	slash = strrchr(real, '/');
	if (snprintf(o->name, sizeof(o->name), "%s",
		     slash ? slash + 1 : real) >= (int)sizeof(o->name))
		return -ENAMETOOLONG;
	if (!o->name[0])
		return -EISDIR;
	if (slash)
		slash[1] = '\0';
	o->dir = open(slash ? real : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return o->dir < 0 ? -errno : 0;
}

static int open_kind(struct output *o, const char *path)
{
	struct stat st;

	if (!strcmp(path, "-"))
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return open_dir(o, path);
	else
		o->fd = open(path, O_WRONLY | O_CLOEXEC);
	return o->fd < 0 ? -errno : 0;
}

static int complain(const char *path, int r, struct err *e)
{
	return r ? err_path(e, r, "cannot write", path) : 0;
}

static int open_any(const char *path, struct output **out, struct err *e)
{
	struct output *o = calloc(1, sizeof(*o));
	int r = -ENOMEM;

	if (o) {
		o->fd = o->dir = -1;
		o->path = strdup(path);
		r = o->path ? open_kind(o, path) : -ENOMEM;
	}
	if (r)
		output_close(o);
	else
		*out = o;
	return complain(path, r, e);
}

int output_open(const char *path, struct output **out, struct err *e)
{
	struct stat st;
	int r;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 &&
	    S_ISFIFO(st.st_mode))
		return err_set(e, -EINVAL,
			       "%s: is a FIFO; give a regular file, or - for "
			       "standard output",
			       path);
	r = open_any(path, out, e);
	if (r || (*out)->dir < 0)
		return r;
	r = try_temporary(*out);
	if (r) {
		output_close(*out);
		*out = NULL;
	}
	return complain(path, r, e);
}

void output_close(struct output *o)
{
	if (!o)
		return;
	if (o->fd >= 0)
		close(o->fd);
	if (o->dir >= 0)
		close(o->dir);
	free(o->path);
	free(o);
}

const char *output_path(const struct output *o)
{
	return o->path;
}

int output_put(struct output *o, const void *buf, size_t len, struct err *e)
{
	size_t done;

	return complain(o->path,
			o->dir >= 0 ? write_and_rename(o, buf, len)
				    : output_all(o->fd, buf, len, &done),
			e);
}

int output_write(const char *path, const void *buf, size_t len, struct err *e)
{
	struct output *o;
	int r = open_any(path, &o, e);

	if (r)
		return r;
	r = output_put(o, buf, len, e);
	output_close(o);
	return r;
}
