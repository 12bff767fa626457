/* SPDX-License-Identifier: MIT */
/*
 * A program and all the files that it takes to start it, found as the kernel
 * and the dynamic linker would find them, and put into an initramfs: of a
 * script its interpreter, of a dynamic executable its linker and libraries, and
 * theirs (gABI chapter 5; ld.so(8)). Nothing is executed.
 *
 * Paths are absolute and within a root directory, out of which neither they
 * nor symbolic links lead. Each file is packed under the path by which it was
 * found, even where that leads through symbolic links.
 */
#pragma once

struct closure;
struct cpio;
struct err;

/*
 * closure_new() - of the tree at @root, into @cpio, which stays the caller's
 *
 * NULL with a sentence in @e.
 */
struct closure *closure_new(const char *root, struct cpio *cpio, struct err *e);
/* NULL is allowed. */
void closure_free(struct closure *);

/*
 * closure_find() - the executable file that a shell would run for @name
 *
 * @path is the list of directories to look in, and @cwd where relative names
 * begin. Its path in *@found, to be freed; or -ENOENT, -EACCES if there is one
 * that is not executable, -ENOMEM.
 */
int closure_find(const struct closure *, const char *name, const char *path,
		 const char *cwd, char **found);

/*
 * closure_add() - the file @path and what it takes, or a directory with all in it
 *
 * 0, or -errno with a sentence in @e. That the archive fails is told by
 * cpio_finish() only.
 */
int closure_add(struct closure *, const char *path, struct err *e);

/* In @path of the root: a descriptor, read-only and of a regular file; -errno. */
int closure_open(const struct closure *, const char *path);
