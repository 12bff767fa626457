/* SPDX-License-Identifier: MIT */
/* Remedies by errno: a table, and the sentences made of it. */
#include "core/remedy.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"

/* As much of a path as leaves room for the rest of the sentence. */
#define SHOWN 200

static const struct {
	int err;
	const char *remedy;
} remedies[] = {
	{ ENOENT, "check the path" },
	{ ENOTDIR, "check the path: a part of it is no directory" },
	{ EISDIR, "give a file" },
	{ EACCES, "see to its permissions, and to those of the directories "
		  "above it" },
	{ EPERM, "the host does not allow it: is it immutable or sealed, or is "
		 "a privilege missing?" },
	{ EROFS, "give a place that is not mounted read-only" },
	{ EMFILE, "raise the limit on open files (ulimit -n)" },
	{ ENFILE, "the whole host has too many files open: raise fs.file-max" },
	{ ENOSPC, "make room on the file system, or give a place on another" },
	{ EDQUOT, "the quota is used up: make room, or give another place" },
	{ EFBIG, "raise the limit on the size of files (ulimit -f)" },
	{ ELOOP, "check the symbolic links on the path: they lead round, or "
		 "must not be followed" },
	{ ENAMETOOLONG, "give a shorter path" },
	{ ENOMEM, "free memory, or raise the limit on it (ulimit -v, "
		  "vm.overcommit_memory, a cgroup's)" },
	{ ENXIO, "nobody reads from it, or no device is behind it" },
	{ ENODEV, "there is no such device: is its driver loaded?" },
	{ EBUSY, "something else uses it: end that, or give another" },
	{ ETXTBSY, "it is a program that runs: end that, or give another" },
	{ EADDRINUSE,
	  "somebody listens there: end that, or give another path" },
	{ EIO, "the device or its file system fails: see the kernel's log" },
	{ ESTALE, "the file server has lost it: mount it again" },
	{ EOPNOTSUPP,
	  "that file system cannot do it: give a place on another" },
	{ EOVERFLOW, "give a smaller file" },
	{ EAGAIN,
	  "raise the limit on processes (ulimit -u, a cgroup's pids.max), or "
	  "that on address space (ulimit -v)" },
};

static bool is_limited(int resource)
{
	struct rlimit l;

	return getrlimit(resource, &l) == 0 && l.rlim_cur != RLIM_INFINITY;
}

const char *remedy_memory(void)
{
	if (is_limited(RLIMIT_AS))
		return "raise the limit on address space (ulimit -v)";
	return is_limited(RLIMIT_DATA) ? "raise the limit on data (ulimit -d)"
				       : NULL;
}

const char *remedy(int err)
{
	const char *cure = err == ENOMEM ? remedy_memory() : NULL;
	unsigned i;

	if (cure)
		return cure;
	for (i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].err == err)
			return remedies[i].remedy;
	return "";
}

const char *remedy_limit(int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
	case EFBIG:
	case ENOMEM:
	case EAGAIN:
		return remedy(err);
	default:
		return NULL;
	}
}

/* Is the directory that @path is in there? */
static bool has_parent(const char *path)
{
	char dir[PATH_MAX];
	struct stat st;
	char *slash;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return true;
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return true;
	*slash = '\0';
	return stat(dir, &st) == 0;
}

const char *remedy_path(int err, const char *path)
{
	struct stat st;

	if (err != ENOENT)
		return remedy(err);
	if (lstat(path, &st) == 0)
		return "it is a symbolic link that leads nowhere: make what it "
		       "names, or give another";
	return has_parent(path) ? remedy(err)
				: "the directory that it is to be in does not "
				  "exist: make it, or check the path";
}

static int tell(struct err *e, int code, const char *what, const char *cure)
{
	return err_set(e, code, "%s: %s%s%s", what, strerror(-code),
		       *cure ? "; " : "", cure);
}

int err_host(struct err *e, int code, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return tell(e, code, what, remedy(-code));
}

int err_path(struct err *e, int code, const char *opt, const char *path)
{
	char what[300];

	snprintf(what, sizeof(what), "%s %.*s%s", opt, SHOWN, path,
		 strlen(path) > SHOWN ? "..." : "");
	return tell(e, code, what, remedy_path(-code, path));
}

const char *file_kind(mode_t mode)
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
		return "a block device";
	}
}
