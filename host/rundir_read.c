/* SPDX-License-Identifier: MIT */
/* Reading the base directory and the VMs in it, which other processes own. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/rundir_impl.h"
#include "host/unix.h"

/* Nobody's configuration is larger; see config/options.c. */
#define TEXT_MAX (1u << 20)

bool vm_name_is_valid(const char *name)
{
	const char *s;

	if (!isalnum((unsigned char)*name))
		return false;
	for (s = name; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return false;
	return s - name <= VM_NAME_MAX;
}

static char *usual_path(void)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (geteuid() == 0)
		return strdup("/run/nestor");
	if (!dir || *dir != '/')
		return NULL;
	return asprintf(&path, "%s/nestor", dir) < 0 ? NULL : path;
}

static int check_owner(struct rundir *d, struct err *e)
{
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return err_path(e, -errno, "--runtime-dir", d->path);
	if (st.st_uid != geteuid())
		return err_set(e, -EPERM,
			       "--runtime-dir %s: belongs to user %u; give a "
			       "directory of your own",
			       d->path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return err_set(e, -EPERM,
			       "--runtime-dir %s: is open to others (mode "
			       "%03o); close it by 'chmod 700 %s'",
			       d->path, st.st_mode & 0777, d->path);
	return 0;
}

static int open_base(struct rundir *d, bool create, struct err *e)
{
	int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	d->fd = open(d->path, how);
	if (d->fd < 0 && errno == ENOENT && create) {
		if (mkdir(d->path, 0700) < 0 && errno != EEXIST)
			return err_set(e, -errno,
				       "--runtime-dir %s: cannot be made: %s; "
				       "%s",
				       d->path, strerror(errno),
				       remedy_path(errno, d->path));
		d->fd = open(d->path, how);
	}
	if (d->fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, -ENOTDIR,
			       "--runtime-dir %s: is no directory; a symbolic "
			       "link is not followed",
			       d->path);
	if (d->fd < 0)
		return err_path(e, -errno, "--runtime-dir", d->path);
	return check_owner(d, e);
}

int rundir_open(const char *path, bool create, struct rundir **out,
		struct err *e)
{
	struct rundir *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_no_memory(e);
	d->fd = -1;
	d->path = path ? strdup(path) : usual_path();
	if (d->path)
		r = open_base(d, create, e);
	else
		r = err_set(e, -EINVAL,
			    "XDG_RUNTIME_DIR is not set, so there is no usual "
			    "place for VMs: give --runtime-dir DIR");
	if (r < 0)
		rundir_close(d);
	else
		*out = d;
	return r;
}

void rundir_close(struct rundir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	free(d->path);
	free(d);
}

const char *rundir_path(const struct rundir *d)
{
	return d->path;
}

DIR *rundir_opendir(struct rundir *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* What is in the directory @dir; it holds none. With no descriptor more. */
static void empty(int dir)
{
	_Alignas(struct dirent64) char buf[4096];
	struct dirent64 *de;
	ssize_t n, at;

	lseek(dir, 0, SEEK_SET);
	while ((n = getdents64(dir, buf, sizeof(buf))) > 0)
		for (at = 0; at < n; at += de->d_reclen) {
			de = (struct dirent64 *)(buf + at);
			unlinkat(dir, de->d_name, 0);
		}
}

int rundir_erase(struct rundir *d, const char *name, int dir)
{
	struct stat a, b;

	if (fstatat(d->fd, name, &a, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (dir >= 0 && (fstat(dir, &b) < 0 || a.st_ino != b.st_ino ||
			 a.st_dev != b.st_dev))
		return 0;
	if (dir >= 0)
		empty(dir);
	return unlinkat(d->fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* What is called @name in @dir, however long the path of that is. */
static void socket_path(char path[64], int dir, const char *name)
{
	snprintf(path, 64, "/proc/self/fd/%d/%s", dir, name);
}

int rundir_listen(int dir, const char *name, int backlog)
{
	char path[64];

	socket_path(path, dir, name);
	return unix_socket(path, backlog);
}

int vmref_open(struct rundir *d, const char *name, struct vmref *out)
{
	out->dir = openat(d->fd, name,
			  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	snprintf(out->name, sizeof(out->name), "%s", name);
	return out->dir < 0 ? -errno : 0;
}

void vmref_close(struct vmref *ref)
{
	if (ref->dir >= 0)
		close(ref->dir);
	ref->dir = -1;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of all VMs, sorted; how many, or -errno. */
static int list_names(struct rundir *d, char ***names)
{
	DIR *dir = rundir_opendir(d);
	int n = 0, room = 0, r = 0;
	struct dirent *de;
	char **grown;

	*names = NULL;
	if (!dir)
		return -errno;
	while (!r && (de = readdir(dir))) {
		if (!vm_name_is_valid(de->d_name))
			continue;
		if (n == room) {
			room = room ? 2 * room : 32;
			grown = realloc(*names, room * sizeof(**names));
			if (!grown) {
				r = -ENOMEM;
				break;
			}
			*names = grown;
		}
		(*names)[n] = strdup(de->d_name);
		if (!(*names)[n])
			r = -ENOMEM;
		else
			n++;
	}
	closedir(dir);
	if (n)
		qsort(*names, n, sizeof(**names), compare);
	if (!r)
		return n;
	while (n)
		free((*names)[--n]);
	free(*names);
	return r;
}

/* Is it this process that is out of descriptors or memory? */
static bool is_ours(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

int rundir_each(struct rundir *d, int (*fn)(void *ctx, struct vmref *),
		void *ctx)
{
	struct vmref ref;
	char **names;
	int n = list_names(d, &names), i, r = 0;

	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		int opened = r ? -ECANCELED : vmref_open(d, names[i], &ref);

		/* Any other failure: it is gone, or was no directory. */
		if (is_ours(opened))
			r = opened;
		if (opened == 0) {
			r = fn(ctx, &ref);
			vmref_close(&ref);
		}
		free(names[i]);
	}
	free(names);
	return r;
}

struct sought {
	const char *id;
	struct vmref *out;
};

static int has_id(void *ctx, struct vmref *ref)
{
	struct sought *s = ctx;
	json_t *vm = vmref_json(ref, "vm.json");
	const char *id = json_string_value(json_object_get(vm, "id"));
	bool found = id && !strcmp(id, s->id);

	json_decref(vm);
	if (!found)
		return 0;
	*s->out = *ref;
	ref->dir = -1;
	return 1;
}

int rundir_find(struct rundir *d, const char *name, struct vmref *out,
		struct err *e)
{
	struct sought s = { name, out };

	if (vm_name_is_valid(name) && vmref_open(d, name, out) == 0)
		return 0;
	if (strlen(name) == VM_ID_LEN && rundir_each(d, has_id, &s) > 0)
		return 0;
	return err_set(e, -ENOENT, "no VM is called '%.80s': see 'nestor ls'",
		       name);
}

/* O_NONBLOCK: what is no file, a FIFO, must not hold up anybody. */
static int open_file(const struct vmref *ref, const char *file)
{
	return openat(ref->dir, file,
		      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

int vmref_is_alive(const struct vmref *ref)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open_file(ref, "lock");
	bool held;

	if (fd < 0)
		return is_ours(-errno) ? -errno : 0;
	held = fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type == F_WRLCK;
	close(fd);
	return held;
}

bool vmref_is_gone(const struct vmref *ref)
{
	struct stat st;

	return fstat(ref->dir, &st) == 0 && st.st_nlink == 0;
}

int vmref_await(const struct vmref *ref)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open_file(ref, "lock");
	int r;

	/* A directory is removed at its nestor's end. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = fcntl(fd, F_OFD_SETLKW, &l) < 0 ? -errno : 0;
	close(fd);
	return r;
}

char *vmref_text(const struct vmref *ref, const char *file)
{
	int fd = open_file(ref, file);
	size_t len = 0;
	char *text = fd < 0 ? NULL : malloc(TEXT_MAX + 1);
	ssize_t n = 0;

	while (text && len < TEXT_MAX &&
	       (n = read(fd, text + len, TEXT_MAX - len)) > 0)
		len += n;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	if (text)
		text[len] = '\0';
	return text;
}

json_t *vmref_json(const struct vmref *ref, const char *file)
{
	char *text = vmref_text(ref, file);
	json_t *o =
		text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	free(text);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

int vmref_connect(const struct vmref *ref)
{
	char path[64];

	socket_path(path, ref->dir, "control.sock");
	return unix_connect(path);
}
