/* SPDX-License-Identifier: MIT */
/*
 * An initramfs in the making: a cpio archive of the "newc" kind, as Linux'
 * Documentation/driver-api/early-userspace/buffer-format.rst has it, in memory
 * of its own (a memfd).
 *
 * Paths are absolute and as seen from the guest. The directories that lead to
 * one are added before it, and what is there already is left as it is. All
 * belongs to root. After the first failure nothing more is written, and
 * cpio_finish() tells it: what is between need not be checked.
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cpio;

/* NULL with errno set. */
struct cpio *cpio_new(void);

/* NULL is allowed. */
void cpio_free(struct cpio *);

/* Is there something under this path? */
bool cpio_has(const struct cpio *, const char *path);

/* Permission bits are @mode's. */
void cpio_dir(struct cpio *, const char *path, mode_t mode);
void cpio_link(struct cpio *, const char *path, const char *target);
void cpio_device(struct cpio *, const char *path, mode_t mode, dev_t dev);
void cpio_bytes(struct cpio *, const char *path, mode_t mode, const void *buf,
		size_t len);

/*
 * cpio_file() - what the regular file @fd holds, from its start
 *
 * As long as it is when this is called: -EIO is the archive's failure if it
 * shrinks meanwhile, -EFBIG if it is 4 GiB or more. @fd stays the caller's.
 */
void cpio_file(struct cpio *, const char *path, mode_t mode, int fd);

/* So many bytes so far. */
uint64_t cpio_size(const struct cpio *);

/*
 * cpio_finish() - write the end of the archive, and free what made it
 *
 * The memfd, now the caller's, or -errno.
 */
int cpio_finish(struct cpio *);
