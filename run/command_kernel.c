/* SPDX-License-Identifier: MIT */
/*
 * Finding out what a kernel image has built in and which module files it needs,
 * from the image's banner and the files modules.builtin and modules.dep.
 */
#include "run/command_kernel.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/values.h"
#include "core/log.h"
#include "host/closure.h"

#define BANNER "Linux version "

/* A file as it is in memory; NULL if it cannot be had. */
struct text {
	const char *p;
	size_t len;
};

static void map_fd(int fd, struct text *t)
{
	struct stat st;
	void *p;

	*t = (struct text){ 0 };
	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > 0) {
		p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED)
			*t = (struct text){ p, st.st_size };
	}
	close(fd);
}

static void unmap(struct text *t)
{
	if (t->p)
		munmap((void *)t->p, t->len);
}

static bool contains(const struct text *t, const char *what)
{
	return t->p && memmem(t->p, t->len, what, strlen(what));
}

/* "7.3.4-cloud", as uname says it; empty if it cannot be told. */
static void read_release(const struct text *image, char *out, size_t size)
{
	const char *p =
		image->p ? memmem(image->p, image->len, BANNER, strlen(BANNER))
			 : NULL;
	size_t n = 0, left;

	out[0] = '\0';
	if (!p)
		return;
	p += strlen(BANNER);
	left = image->p + image->len - p;
	while (n < left && n + 1 < size &&
	       (isalnum((unsigned char)p[n]) ||
		strchr("._+-~", p[n] ? p[n] : ' ')))
		n++;
	memcpy(out, p, n);
	out[n] = '\0';
}

static void open_list(const struct closure *root, const char *dir,
		      const char *name, struct text *t)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	map_fd(closure_open(root, path), t);
}

/* The line of @t whose file is the module @name: "a/b/NAME.ko[.xz]..." */
static const char *find_line(const struct text *t, const char *name,
			     size_t *len)
{
	const char *p = t->p, *end = t->p + t->len, *eol, *base;
	const size_t n = strlen(name);

	for (; p && p < end; p = eol + 1) {
		eol = memchr(p, '\n', end - p);
		if (!eol)
			eol = end;
		*len = eol - p;
		base = memchr(p, ':', *len);
		base = base ? base : eol;
		while (base > p && base[-1] != '/')
			base--;
		if ((size_t)(eol - base) >= n + 3 && !memcmp(base, name, n) &&
		    !memcmp(base + n, ".ko", 3))
			return p;
	}
	return NULL;
}

static bool add_once(struct strlist *files, const char *dir, const char *rel)
{
	char *path;
	unsigned i;

	if (asprintf(&path, "%s/%s", dir, rel) < 0)
		return false;
	for (i = 0; i < files->n; i++) {
		if (!strcmp(files->s[i], path)) {
			free(path);
			return true;
		}
	}
	return !strlist_add(files, path);
}

/* "FILE: DEPENDENCY...": what is needed by others stands behind them. */
static bool add_module(struct strlist *files, const char *dir, const char *line,
		       size_t len)
{
	char *copy = strndup(line, len), *word, *save;
	char *words[64];
	unsigned n = 0;
	bool ok = copy;

	for (word = copy ? strtok_r(copy, ": ", &save) : NULL; word && n < 64;
	     word = strtok_r(NULL, ": ", &save))
		words[n++] = word;
	while (n && ok)
		ok = add_once(files, dir, words[--n]);
	free(copy);
	return ok;
}

struct kernel {
	char dir[100]; /* of its modules */
	struct text image, builtin, dep;
};

static bool has(const struct kernel *k, const char *name, struct strlist *files)
{
	const char *line;
	size_t len;

	if (find_line(&k->builtin, name, &len))
		return true;
	line = find_line(&k->dep, name, &len);
	if (line)
		return add_module(files, k->dir, line, len);
	/* A file system's name, or a driver's, is in the image that has it. */
	if (!k->builtin.p && !k->dep.p)
		return !k->dir[0] || contains(&k->image, name);
	return false;
}

bool command_modules(const struct closure *root, const char *kernel,
		     const char *const *names, struct strlist *files)
{
	struct kernel k = { .dir = "" };
	char release[65];
	bool all = true;

	map_fd(open(kernel, O_RDONLY | O_CLOEXEC | O_NONBLOCK), &k.image);
	read_release(&k.image, release, sizeof(release));
	if (release[0]) {
		snprintf(k.dir, sizeof(k.dir), "/lib/modules/%s", release);
		open_list(root, k.dir, "modules.builtin", &k.builtin);
		open_list(root, k.dir, "modules.dep", &k.dep);
	}
	for (; *names; names++) {
		if (has(&k, *names, files))
			continue;
		log_debug("the kernel %s has no %s", release, *names);
		all = false;
	}
	unmap(&k.image);
	unmap(&k.builtin);
	unmap(&k.dep);
	return all;
}
