/* SPDX-License-Identifier: MIT */
/*
 * The files of a command: paths within a root, scripts and their interpreters,
 * whole directories. What ELF files need is found by host/closure_elf.c.
 */
#include "host/closure.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "core/util.h"
#include "host/closure_impl.h"
#include "host/cpio.h"

/* Interpreters of interpreters: the kernel's own bound is 5. */
#define SCRIPTS_MAX 5

static int open_in(const struct closure *c, const char *path, int flags)
{
	/* A FIFO must not make anybody wait; O_PATH opens none. */
	const int careful = flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK;
	struct open_how how = {
		.flags = flags | O_CLOEXEC | careful,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = syscall(SYS_openat2, c->root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int closure_open(const struct closure *c, const char *path)
{
	int fd = open_in(c, path, O_RDONLY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

int closure_open_dir(const struct closure *c, const char *path)
{
	return open_in(c, path, O_RDONLY | O_DIRECTORY);
}

struct closure *closure_new(const char *root, struct cpio *cpio, struct err *e)
{
	struct closure *c = calloc(1, sizeof(*c));

	if (!c) {
		err_no_memory(e);
		return NULL;
	}
	c->cpio = cpio;
	c->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->root < 0) {
		err_path(e, -errno, "--root", root);
		free(c);
		return NULL;
	}
	return c;
}

void closure_free(struct closure *c)
{
	if (!c)
		return;
	while (c->ndirs)
		free(c->dirs[--c->ndirs]);
	free(c->dirs);
	close(c->root);
	free(c);
}

char *closure_clean(const char *path)
{
	char *out = malloc(strlen(path) + 2), *to = out;
	size_t len;

	if (!out)
		return NULL;
	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && !memcmp(path, "..", 2)) {
			while (to > out && *--to != '/')
				;
		} else if (len && (len > 1 || *path != '.')) {
			*to++ = '/';
			memcpy(to, path, len);
			to += len;
		}
	}
	if (to == out)
		*to++ = '/';
	*to = '\0';
	return out;
}

/* --- a command's name --- */

static int is_executable(const struct closure *c, const char *path)
{
	int fd = open_in(c, path, O_PATH), r = 0;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		r = -EACCES;
	close(fd);
	return r;
}

static char *join(const char *dir, size_t len, const char *name)
{
	char *all, *clean;

	if (asprintf(&all, "%.*s/%s", (int)len, dir, name) < 0)
		return NULL;
	clean = closure_clean(all);
	free(all);
	return clean;
}

/* 0 with the path in *@found, or why not. */
static int try(const struct closure *c, char *path, char **found)
{
	int r = path ? is_executable(c, path) : -ENOMEM;

	if (r)
		free(path);
	else
		*found = path;
	return r;
}

int closure_find(const struct closure *c, const char *name, const char *path,
		 const char *cwd, char **found)
{
	int r, worst = -ENOENT;
	size_t len;

	if (*name == '/')
		return try(c, closure_clean(name), found);
	if (strchr(name, '/'))
		return try(c, join(cwd, strlen(cwd), name), found);
	for (;; path += len + 1) {
		len = strcspn(path, ":");
		/* No directory between two colons is the current one. */
		r = try(c,
			len && *path == '/' ? join(path, len, name)
					    : join(cwd, strlen(cwd), name),
			found);
		if (!r)
			return 0;
		if (r != -ENOENT && r != -ENOTDIR)
			worst = r;
		if (!path[len])
			return worst;
	}
}

/* --- files --- */

static int add_file(struct closure *c, const char *path, int fd, unsigned depth,
		    struct err *e);

static int add_program(struct closure *c, const char *path, unsigned depth,
		       const char *whose, struct err *e)
{
	int fd = closure_open(c, path), r;

	if (fd < 0)
		return err_set(e, fd, "%s needs %s: %s", whose, path,
			       strerror(-fd));
	r = add_file(c, path, fd, depth, e);
	close(fd);
	return r;
}

/* "#!INTERPRETER [ARGUMENT]"; env's argument is a program too. */
static int add_script(struct closure *c, const char *path, char *line,
		      unsigned depth, struct err *e)
{
	char *save, *interp, *arg, *found;
	int r;

	line[strcspn(line, "\n")] = '\0';
	interp = strtok_r(line + 2, " \t\r", &save);
	if (!interp || *interp != '/' || depth == SCRIPTS_MAX)
		return 0;
	r = add_program(c, interp, depth + 1, path, e);
	arg = strtok_r(NULL, " \t\r", &save);
	if (r || !arg || *arg == '-' || strchr(arg, '=') ||
	    strcmp(strrchr(interp, '/'), "/env"))
		return r;
	r = closure_find(c, arg, DEFAULT_PATH, "/", &found);
	if (r)
		return err_set(e, r, "%s needs %s: %s", path, arg,
			       strerror(-r));
	r = add_program(c, found, depth + 1, path, e);
	free(found);
	return r;
}

/* The file, and what its first bytes say that it takes. */
static int add_file(struct closure *c, const char *path, int fd, unsigned depth,
		    struct err *e)
{
	char head[256] = "";
	struct stat st;

	if (cpio_has(c->cpio, path))
		return 0;
	if (fstat(fd, &st) < 0)
		return err_host(e, -errno, "%s", path);
	cpio_file(c->cpio, path, st.st_mode, fd);
	if (pread(fd, head, sizeof(head) - 1, 0) < 4)
		return 0;
	if (!memcmp(head, "#!", 2))
		return add_script(c, path, head, depth, e);
	if (!memcmp(head, "\177ELF", 4))
		return closure_add_elf(c, path, fd, NULL, e);
	return 0;
}

/* --- directories --- */

static int add_any(struct closure *c, const char *path, unsigned depth,
		   struct err *e);

static void add_link(struct closure *c, const char *path)
{
	int fd = open_in(c, path, O_PATH | O_NOFOLLOW);
	char target[PATH_MAX];
	ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target));

	if (n > 0 && (size_t)n < sizeof(target)) {
		target[n] = '\0';
		cpio_link(c->cpio, path, target);
	}
	if (fd >= 0)
		close(fd);
}

static int add_entry(struct closure *c, const char *dir, const struct dirent *d,
		     unsigned depth)
{
	char *path = join(dir, strlen(dir), d->d_name);
	struct err why;
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (d->d_type == DT_LNK)
		add_link(c, path);
	else if (d->d_type == DT_DIR || d->d_type == DT_REG)
		r = add_any(c, path, depth + 1, &why);
	if (r && r != -ENOMEM) {
		/* Not all that lies in a tree is to run. */
		log_debug("packing: %s", why.text);
		r = 0;
	}
	free(path);
	return r;
}

static int add_dir(struct closure *c, const char *path, int fd, unsigned depth,
		   struct err *e)
{
	struct dirent *d;
	DIR *dir;
	int r = 0;

	if (depth > 64)
		return err_set(e, -ELOOP, "--add %s: too deep", path);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_host(e, -errno, "--add %s", path);
	}
	cpio_dir(c->cpio, path, 0755);
	while (!r && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			r = add_entry(c, path, d, depth);
	closedir(dir);
	return r ? err_host(e, r, "--add %s", path) : 0;
}

static int add_any(struct closure *c, const char *path, unsigned depth,
		   struct err *e)
{
	int fd = open_in(c, path, O_RDONLY), r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = fd < 0 ? fd : -errno;
		if (fd >= 0)
			close(fd);
		return err_host(e, r, "%s", path);
	}
	if (S_ISDIR(st.st_mode))
		return add_dir(c, path, fd, depth, e);
	r = S_ISREG(st.st_mode)
		    ? add_file(c, path, fd, 0, e)
		    : err_set(e, -EINVAL, "%s: neither a file nor a directory",
			      path);
	close(fd);
	return r;
}

int closure_add(struct closure *c, const char *path, struct err *e)
{
	char *clean = closure_clean(path);
	int r = clean ? add_any(c, clean, 0, e) : err_no_memory(e);

	free(clean);
	return r;
}
