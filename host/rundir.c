/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A VM's directory is made under a name with a dot, filled, locked, and renamed
 * to its own: under that name it is complete. Whoever makes, renames or removes
 * one holds flock() on the base directory, for the moment that it takes; so a
 * directory with a dot whose lock is free is a leftover of somebody who was
 * killed, and is swept up by the next who comes. Readers take no lock, and find
 * a directory that is removed under their hands merely gone.
 *
 * A socket's path has 107 bytes; sockets are therefore reached through
 * /proc/self/fd, and neither a long path nor one swapped meanwhile matters.
 */
#include "host/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/utc.h"
#include "core/remedy.h"
#include "host/rundir_impl.h"

#define END_SIZE 4096
#define BACKLOG	 128

struct vmdir {
	struct rundir *base; /* the caller's */
	int dir, lock, end, listener;
	char id[VM_ID_LEN + 1];
	char name[VM_NAME_MAX + 1];
};

static int write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);
	size_t len = strlen(text);
	ssize_t n = 0;
	int r;

	if (fd < 0)
		return -errno;
	/* Where it is cut short, the next one tells by what. */
	for (; len && (n = write(fd, text, len)) > 0; text += n)
		len -= n;
	r = n < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int write_lock(struct vmdir *d)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	d->lock = openat(d->dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			 0600);
	if (d->lock < 0 || fcntl(d->lock, F_OFD_SETLK, &l) < 0)
		return -errno;
	return 0;
}

static int write_vm_json(struct vmdir *d)
{
	char now[UTC_SIZE], *text;
	struct timespec t;
	json_t *o;
	int r;

	clock_gettime(CLOCK_REALTIME, &t);
	utc_text(now, &t, false);
	o = json_pack("{s:s, s:s, s:i, s:s}", "name", d->name, "id", d->id,
		      "pid", (int)getpid(), "started", now);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	r = text ? write_file(d->dir, "vm.json", text) : -ENOMEM;
	free(text);
	return r;
}

static int reserve_end(struct vmdir *d)
{
	d->end = openat(d->dir, "end.json",
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (d->end < 0)
		return -errno;
	/* Some file systems cannot; then a full one loses the end's cause. */
	if (fallocate(d->end, FALLOC_FL_KEEP_SIZE, 0, END_SIZE) < 0 &&
	    errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

static int fill(struct vmdir *d, const char *config)
{
	int r = write_lock(d);

	if (!r)
		r = write_vm_json(d);
	if (!r)
		r = write_file(d->dir, "config", config);
	if (!r)
		r = reserve_end(d);
	if (!r) {
		r = rundir_listen(d->dir, "control.sock", BACKLOG);
		d->listener = r;
	}
	return r < 0 ? r : 0;
}

/* What was left behind by somebody who was killed; the base is locked. */
static void sweep(struct rundir *base)
{
	DIR *dir = rundir_opendir(base);
	struct dirent *de;
	struct vmref ref;

	while (dir && (de = readdir(dir))) {
		if (strncmp(de->d_name, ".new-", 5) ||
		    vmref_open(base, de->d_name, &ref) < 0)
			continue;
		if (vmref_is_alive(&ref) == 0)
			rundir_erase(base, de->d_name, ref.dir);
		vmref_close(&ref);
	}
	if (dir)
		closedir(dir);
}

/* Make room for a VM of our name; the base is locked. */
static int clear_name(struct rundir *base, const char *name, struct err *e)
{
	struct vmref ref;
	json_t *vm;
	int r = vmref_open(base, name, &ref), pid = 0;

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_host(e, r, "%s/%s", base->path, name);
	if (vmref_is_alive(&ref)) {
		vm = vmref_json(&ref, "vm.json");
		json_unpack(vm, "{s:i}", "pid", &pid);
		json_decref(vm);
		r = err_set(e, -EEXIST,
			    "--name %s: a VM of this name runs already (pid "
			    "%d); choose another name, or end it by 'nestor "
			    "stop %s'",
			    name, pid, name);
	} else {
		r = rundir_erase(base, name, ref.dir);
		if (r < 0)
			err_host(e, r, "%s/%s: cannot remove a dead VM",
				 base->path, name);
	}
	vmref_close(&ref);
	return r;
}

static void make_id(struct vmdir *d)
{
	struct timespec t;
	uint32_t n;

	/* It need not be secret, only another one than its neighbours'. */
	if (getentropy(&n, sizeof(n)) < 0) {
		clock_gettime(CLOCK_BOOTTIME, &t);
		n = t.tv_nsec ^ getpid();
	}
	/* Or jansson reads a seed of its own from /dev/urandom. */
	json_object_seed(n | 1);
	snprintf(d->id, sizeof(d->id), "%08x", n);
}

/* All of it; the base is locked. */
static int make(struct vmdir *d, const char *config, struct err *e)
{
	struct rundir *base = d->base;
	char temporary[5 + VM_ID_LEN + 1];
	int r;

	sweep(base);
	r = clear_name(base, d->name, e);
	if (r < 0)
		return r;
	snprintf(temporary, sizeof(temporary), ".new-%s", d->id);
	if (mkdirat(base->fd, temporary, 0700) < 0) {
		r = -errno;
		goto fail;
	}
	d->dir = openat(base->fd, temporary,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = d->dir < 0 ? -errno : fill(d, config);
	if (!r && renameat(base->fd, temporary, base->fd, d->name) < 0)
		r = -errno;
	if (!r)
		return 0;
	rundir_erase(base, temporary, d->dir);
fail:
	if (r == -ENOENT && access("/proc/self/fd", F_OK) < 0)
		return err_set(
			e, r,
			"%s: cannot register the VM there: there is no "
			"/proc, by which its socket is reached; mount it",
			base->path);
	return err_host(e, r, "%s: cannot register the VM there", base->path);
}

int vmdir_new(struct rundir *base, const char *name, const char *config,
	      struct vmdir **out, struct err *e)
{
	struct vmdir *d;
	int r;

	if (name && !vm_name_is_valid(name))
		return err_set(e, -EINVAL,
			       "--name %s: use letters, digits, '.', '_' and "
			       "'-', at most %d",
			       name, VM_NAME_MAX);
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_no_memory(e);
	d->base = base;
	d->dir = d->lock = d->end = d->listener = -1;
	make_id(d);
	snprintf(d->name, sizeof(d->name), "%s", name ? name : d->id);
	/* Its holder may have been stopped: a signal ends the wait. */
	if (flock(base->fd, LOCK_EX) < 0) {
		r = err_host(e, -errno, "%s: cannot register the VM there",
			     base->path);
	} else {
		r = make(d, config, e);
		flock(base->fd, LOCK_UN);
	}
	if (r < 0) {
		vmdir_close(d, true);
		return r;
	}
	*out = d;
	return 0;
}

const char *vmdir_name(const struct vmdir *d)
{
	return d->name;
}

const char *vmdir_id(const struct vmdir *d)
{
	return d->id;
}

int vmdir_fd(const struct vmdir *d)
{
	return d->dir;
}

int vmdir_listener(const struct vmdir *d)
{
	return d->listener;
}

int vmdir_ended(struct vmdir *d, const char *json)
{
	ssize_t len = strlen(json), n = pwrite(d->end, json, len, 0);

	return n == len ? 0 : n < 0 ? -errno : -ENOSPC;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Whatever comes meanwhile. */
static void lock(struct rundir *base)
{
	while (flock(base->fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

void vmdir_close(struct vmdir *d, bool keep)
{
	if (!d)
		return;
	if (!keep) {
		lock(d->base);
		rundir_erase(d->base, d->name, d->dir);
		flock(d->base->fd, LOCK_UN);
	}
	close_fd(d->listener);
	close_fd(d->end);
	close_fd(d->dir);
	/*
	 * Last, so that whoever waits for the lock finds all of the above done.
	 */
	close_fd(d->lock);
	free(d);
}

int vmref_remove(struct rundir *base, const struct vmref *ref, struct err *e)
{
	int r;

	lock(base);
	if (vmref_is_alive(ref))
		r = err_set(e, -EBUSY,
			    "%s still runs: end it by 'nestor stop %s' first",
			    ref->name, ref->name);
	else if ((r = rundir_erase(base, ref->name, ref->dir)) < 0)
		err_host(e, r, "%s/%s", base->path, ref->name);
	flock(base->fd, LOCK_UN);
	return r;
}
