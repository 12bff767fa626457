/* SPDX-License-Identifier: MIT */
/*
 * Libraries, where ld.so would find them: in the RPATHs of the file that needs
 * one and of those that need that file, unless it has a RUNPATH; in its
 * RUNPATH; in what /etc/ld.so.conf names; in the directories that the linker
 * knows by itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "host/closure_impl.h"
#include "host/cpio.h"
#include "host/elf.h"

/* Files that include files that include files. */
#define INCLUDES_MAX 4
/* Libraries of libraries. */
#define NEEDS_MAX 64

static const char *const known_dirs[] = {
	"/lib/aarch64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
	"/lib64",
	"/usr/lib64",
	"/lib",
	"/usr/lib",
	"/usr/local/lib",
};

/* --- /etc/ld.so.conf --- */

static void read_conf(struct closure *c, const char *path, unsigned depth);

/*
 * In practice the only wildcard is a last "*.conf". glob() would follow links out
 * of the root, and bring the C library's users, groups and resolver along.
 */
static void include_conf(struct closure *c, char *pattern, unsigned depth)
{
	char *name = strrchr(pattern, '/'), path[PATH_MAX];
	struct dirent **list;
	int fd, i, n;

	*name++ = '\0';
	fd = closure_open_dir(c, *pattern ? pattern : "/");
	if (fd < 0)
		return;
	n = scandirat(fd, ".", &list, NULL, alphasort);
	close(fd);
	for (i = 0; i < n; i++) {
		const char *found = list[i]->d_name;

		if (!fnmatch(name, found, FNM_PERIOD) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", pattern,
				     found) < sizeof(path))
			read_conf(c, path, depth + 1);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

static void take_conf_line(struct closure *c, char *line, unsigned depth)
{
	char **list, *word, *end;

	line[strcspn(line, "#\n")] = '\0';
	word = line + strspn(line, " \t");
	for (end = word + strlen(word); end > word && strchr(" \t", end[-1]);)
		*--end = '\0';
	if (!strncmp(word, "include", 7) && strchr(" \t", word[7])) {
		word += 7 + strspn(word + 7, " \t");
		if (*word == '/' && depth < INCLUDES_MAX)
			include_conf(c, word, depth);
		return;
	}
	if (*word != '/')
		return;
	list = reallocarray(c->dirs, c->ndirs + 1, sizeof(*list));
	if (!list)
		return;
	c->dirs = list;
	list[c->ndirs] = closure_clean(word);
	c->ndirs += !!list[c->ndirs];
}

static void read_conf(struct closure *c, const char *path, unsigned depth)
{
	int fd = closure_open(c, path);
	char line[PATH_MAX];
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (fgets(line, sizeof(line), f))
		take_conf_line(c, line, depth);
	fclose(f);
}

/* In the guest the linker has no cache but the one that is packed. */
static void read_dirs(struct closure *c)
{
	int fd;

	if (c->dirs_read)
		return;
	c->dirs_read = true;
	read_conf(c, "/etc/ld.so.conf", 0);
	fd = closure_open(c, "/etc/ld.so.cache");
	if (fd < 0)
		return;
	cpio_file(c->cpio, "/etc/ld.so.cache", 0644, fd);
	close(fd);
}

/* --- looking for a library --- */

/* The library at @path, if it is one for @machine; else -1. */
static int open_lib(const struct closure *c, const char *path, uint16_t machine)
{
	int fd = closure_open(c, path);
	struct elf elf;

	if (fd >= 0 && !elf_read(fd, &elf)) {
		const bool fits = elf.machine == machine;

		elf_free(&elf);
		if (fits)
			return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* 1 it is packed, 0 it is not there, or -errno with @e. */
static int try_lib(struct closure *c, const char *dir, size_t len,
		   const char *name, const struct closure_need *by,
		   struct err *e)
{
	char *all, *path = NULL;
	int fd, r = 0;

	if (asprintf(&all, "%.*s/%s", (int)len, dir, name) >= 0) {
		path = closure_clean(all);
		free(all);
	}
	if (!path)
		return err_no_memory(e);
	fd = open_lib(c, path, by->elf->machine);
	if (fd >= 0 && !cpio_has(c->cpio, path)) {
		cpio_file(c->cpio, path, 0755, fd);
		r = closure_add_elf(c, path, fd, by, e);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return r ? r : fd >= 0;
}

/* In one of the directories of @list, as RPATH has them. */
static int try_list(struct closure *c, const char *list, const char *origin,
		    const char *name, const struct closure_need *by,
		    struct err *e)
{
	static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}" };
	const size_t here = strrchr(origin, '/') - origin;
	char dir[PATH_MAX];
	unsigned i;
	size_t len;
	int r = 0;

	for (; !r; list += len + 1) {
		len = strcspn(list, ":");
		snprintf(dir, sizeof(dir), "%.*s", (int)len, list);
		for (i = 0; i < 2; i++) {
			const size_t n = strlen(tokens[i]);

			if (!strncmp(list, tokens[i], n) && n <= len)
				snprintf(dir, sizeof(dir), "%.*s%.*s",
					 (int)here, origin, (int)(len - n),
					 list + n);
		}
		if (*dir == '/' && !strchr(dir, '$'))
			r = try_lib(c, dir, strlen(dir), name, by, e);
		if (!list[len])
			break;
	}
	return r;
}

static int try_known(struct closure *c, const char *name,
		     const struct closure_need *by, struct err *e)
{
	unsigned i;
	int r = 0;

	read_dirs(c);
	for (i = 0; i < c->ndirs && !r; i++)
		r = try_lib(c, c->dirs[i], strlen(c->dirs[i]), name, by, e);
	for (i = 0; i < sizeof(known_dirs) / sizeof(*known_dirs) && !r; i++)
		r = try_lib(c, known_dirs[i], strlen(known_dirs[i]), name, by,
			    e);
	return r;
}

static int add_lib(struct closure *c, const char *name,
		   const struct closure_need *by, struct err *e)
{
	const struct closure_need *n;
	int r = 0;

	if (strchr(name, '/'))
		r = try_lib(c, "", 0, name, by, e);
	else if (by->elf->runpath)
		r = try_list(c, by->elf->runpath, by->path, name, by, e);
	else
		for (n = by; n && !r; n = n->up)
			if (n->elf->rpath && !n->elf->runpath)
				r = try_list(c, n->elf->rpath, n->path, name,
					     by, e);
	if (!r && !strchr(name, '/'))
		r = try_known(c, name, by, e);
	if (r)
		return r < 0 ? r : 0;
	return err_set(e, -ENOENT,
		       "%s needs the library %s, which is in none of the "
		       "root's library directories",
		       by->path, name);
}

static int add_interp(struct closure *c, const char *path, const char *interp,
		      struct err *e)
{
	int fd = closure_open(c, interp);

	if (fd < 0 || *interp != '/')
		return err_set(e, -ENOENT, "%s needs the linker %s: %s", path,
			       interp, strerror(fd < 0 ? -fd : ENOENT));
	cpio_file(c->cpio, interp, 0755, fd);
	close(fd);
	return 0;
}

int closure_add_elf(struct closure *c, const char *path, int fd,
		    const struct closure_need *up, struct err *e)
{
	struct closure_need me = { .path = path, .up = up };
	const struct closure_need *n;
	unsigned depth = 0, i;
	struct elf elf;
	int r = elf_read(fd, &elf);

	if (r == -ENOEXEC)
		return 0;
	if (r)
		return err_set(e, r, "%s: %s", path, strerror(-r));
	for (n = up; n; n = n->up)
		depth++;
	me.elf = &elf;
	if (elf.interp && !up)
		r = add_interp(c, path, elf.interp, e);
	for (i = 0; i < elf.nneeded && !r && depth < NEEDS_MAX; i++)
		r = add_lib(c, elf.needed[i], &me, e);
	elf_free(&elf);
	return r;
}
