/* SPDX-License-Identifier: MIT */
/*
 * A disk image: a raw file or a block device.
 *
 * It is locked while open (an OFD lock: shared to read, exclusive to write), so
 * that no two VMs write to one image. I/O is synchronous; one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk;
struct err;

/* NULL with a sentence in @e. SIGXFSZ is ignored from here on. */
struct disk *disk_open(const char *path, bool readonly, struct err *e);
void disk_close(struct disk *);

/* Bytes; does not change. */
uint64_t disk_size(const struct disk *);
bool disk_readonly(const struct disk *);
/* Bytes of the smallest write that needs no read: 512 or more. */
uint32_t disk_block_size(const struct disk *);

/*
 * disk_readv(), disk_writev() - all that @iov says, at byte @off
 *
 * The vector is used up in the process. Bytes moved; fewer than asked for only
 * if an error or the end of the file came after some; -errno if before any.
 */
int64_t disk_readv(struct disk *, struct iovec *iov, int n, uint64_t off);
int64_t disk_writev(struct disk *, struct iovec *iov, int n, uint64_t off);

/*
 * disk_flush() - what was written before survives a loss of power
 *
 * 0 or -errno. After a failure, the kernel may have dropped what it could not
 * write and report the next attempt as a success: so that is final here.
 */
int disk_flush(struct disk *);

/* Give the range back to the host. 0, also if it cannot; or -errno. */
int disk_discard(struct disk *, uint64_t off, uint64_t len);

/*
 * disk_zero() - make the range read as zeros
 *
 * With @unmap it may lose its space. 0 or -errno.
 */
int disk_zero(struct disk *, uint64_t off, uint64_t len, bool unmap);
