/* SPDX-License-Identifier: MIT */
/*
 * Where the VMs of a user are registered: one directory a VM.
 *
 * BASE is --runtime-dir, or /run/nestor for root, or $XDG_RUNTIME_DIR/nestor:
 * ours, and closed to others (0700). BASE/NAME is one VM:
 *
 *	lock		an OFD write lock, held as long as its nestor lives
 *	vm.json		name, id, pid, when it was started
 *	config		its configuration, as --config reads it
 *	control.sock	its control socket, 0600
 *	end.json	how it ended; empty until then
 *
 * and what other parts put there. Whether a VM lives is told by the lock alone:
 * a process id is used again, and a file outlives kill -9, but the kernel
 * releases a lock.
 *
 * No VM's name begins with a dot.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define VM_NAME_MAX 64
#define VM_ID_LEN   8 /* hexadecimal digits */

struct err;
struct rundir;

/*
 * rundir_open() - the base directory @path (NULL: the usual one)
 *
 * With @create it is made if it is not there (its parent is not). -errno with
 * a sentence in @e; -ENOENT without @create.
 */
int rundir_open(const char *path, bool create, struct rundir **out,
		struct err *e);
void rundir_close(struct rundir *);

/* As it was given or found; for messages. */
const char *rundir_path(const struct rundir *);

/* May a VM be called that? Letters, digits, '.', '_' and '-'; see --name. */
bool vm_name_is_valid(const char *name);

/* --- the VM of this process ------------------------------------------------ */

struct vmdir;

/*
 * vmdir_new() - register a VM as @name (NULL: as its id)
 *
 * The remains of a dead VM of that name are replaced. @config is kept for
 * those who ask. All or nothing, and of two processes that want a name one
 * gets it. -errno with a sentence in @e: -EEXIST if a VM of that name runs.
 */
int vmdir_new(struct rundir *, const char *name, const char *config,
	      struct vmdir **out, struct err *e);

const char *vmdir_name(const struct vmdir *);
const char *vmdir_id(const struct vmdir *);

/* The directory, for files of other parts; the vmdir's. */
int vmdir_fd(const struct vmdir *);

/* The listening control socket, non-blocking; the vmdir's. */
int vmdir_listener(const struct vmdir *);

/*
 * vmdir_ended() - keep how the VM ended: @json, below 4096 bytes
 *
 * Its room was taken at the beginning, so that a full disk does not matter.
 * 0 or -errno.
 */
int vmdir_ended(struct vmdir *, const char *json);

/* Closes and frees it; removes the directory too unless @keep. NULL is fine. */
void vmdir_close(struct vmdir *, bool keep);

/* --- any VM ---------------------------------------------------------------- */

struct vmref {
	int dir;
	char name[VM_NAME_MAX + 1];
};

/*
 * rundir_each() - hand every VM to @fn, dead or alive, in order of names
 *
 * The reference is closed when @fn returns, unless it took it and set its dir
 * to -1. Stops when @fn returns other than 0, and returns that; or -errno.
 */
int rundir_each(struct rundir *, int (*fn)(void *ctx, struct vmref *),
		void *ctx);

/*
 * rundir_find() - the VM that is called @name, or has it as its id
 *
 * -ENOENT with a sentence in @e.
 */
int rundir_find(struct rundir *, const char *name, struct vmref *out,
		struct err *e);
void vmref_close(struct vmref *);

/* Does its nestor live? 1, 0, or -errno if that cannot be told now: -EMFILE. */
int vmref_is_alive(const struct vmref *);

/* Has its directory been removed? */
bool vmref_is_gone(const struct vmref *);

/*
 * vmref_await() - returns when its nestor has ended, however long that takes
 *
 * 0 or -errno (-EINTR).
 */
int vmref_await(const struct vmref *);

/* An object of the file @file; NULL: there is none that makes sense. */
json_t *vmref_json(const struct vmref *, const char *file);

/* All of the file @file, terminated, to be freed; NULL with errno. */
char *vmref_text(const struct vmref *, const char *file);

/*
 * vmref_connect() - a stream to its control socket, non-blocking
 *
 * Or -errno: -EAGAIN if too many wait for it already, -ECONNREFUSED if nobody
 * listens, -EACCES if the one who does is neither of our user nor root.
 */
int vmref_connect(const struct vmref *);

/*
 * vmref_remove() - the directory of a dead VM
 *
 * -EBUSY if it lives, with a sentence in @e as for any other -errno.
 */
int vmref_remove(struct rundir *, const struct vmref *, struct err *e);
