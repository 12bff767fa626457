/* SPDX-License-Identifier: MIT */
/* What the kinds of disk images share; nobody else includes this, but tests. */
#pragma once

#include "host/disk.h"

struct disk_ops {
	const char *format;
	/*
	 * As disk_submit(), which has checked nothing: set result and moved,
	 * then call done().
	 */
	void (*submit)(struct disk *, struct disk_request *);
	/* `cancelled` is set already. NULL, if submit() looks at that. */
	void (*cancel)(struct disk *, struct disk_request *);
	void (*close)(struct disk *); /* frees it */
};

/* Embedded, as the first member, by each kind. */
struct disk {
	const struct disk_ops *ops;
	bool readonly;
	uint64_t size;
	uint32_t block;
	int failed; /* -errno of the first flush that failed */
};

/* A raw file or a block device; as disk_open(). */
struct disk *disk_raw_open(const char *path, bool readonly, struct err *e);
