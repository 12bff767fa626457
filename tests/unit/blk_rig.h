/* SPDX-License-Identifier: MIT */
/* What the tests of the disk share: images and requests. */
#pragma once

#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/virtio_blk.h>

#include "host/disk.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/blk.h"

#define BIT(n)	(1ull << (n))
#define SECTORS 64u
#define HEADER	DATA
#define STATUS	(DATA + 0x100)
#define BUFFER	(DATA + 0x1000)

static const char *path;

static inline int image_open(void)
{
	path = test_path("image");
	return open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
}

/* A disk whose sector n is full of bytes n. */
static inline struct disk *disk_of(bool readonly)
{
	uint8_t sector[512];
	struct disk *d;
	struct err e;
	int i, fd = image_open();

	for (i = 0; i < (int)SECTORS; i++) {
		memset(sector, i, sizeof(sector));
		EQ(write(fd, sector, sizeof(sector)), sizeof(sector));
	}
	close(fd);
	d = disk_open(path, readonly, &e);
	OK(d);
	return d;
}

/* One of 64 MiB, of zeros. */
static inline struct disk *disk_of_size(bool readonly)
{
	struct disk *d;
	struct err e;
	int fd = image_open();

	EQ(ftruncate(fd, 64 << 20), 0);
	close(fd);
	d = disk_open(path, readonly, &e);
	OK(d);
	return d;
}

static inline void blk_of(struct rig *r, bool readonly, uint64_t features)
{
	log_level = LOG_ERROR;
	rig_ram(r);
	rig_plug(r, virtio_blk_new(&r->m, disk_of(readonly), "serial"));
	rig_start(r, features);
}

static inline void header(const struct rig *r, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = htole32(type),
				       .sector = htole64(sector) };

	memcpy(rig_at(r, HEADER), &h, sizeof(h));
	*(uint8_t *)rig_at(r, STATUS) = 0xff;
}

/* The usual three descriptors; @flags of the one with the data. */
static inline uint8_t request(struct rig *r, uint32_t type, uint64_t sector,
			      uint32_t len, uint16_t flags)
{
	header(r, type, sector);
	rig_desc(r, 0, 0, HEADER, 16, N, len ? 1 : 2);
	rig_desc(r, 0, 1, BUFFER, len, flags | N, 2);
	rig_desc(r, 0, 2, STATUS, 1, W, 0);
	rig_send(r, 0, 0);
	return *(uint8_t *)rig_at(r, STATUS);
}

static inline uint32_t last_len(const struct rig *r)
{
	return rig_used_len(r, 0, rig_used_idx(r, 0) - 1);
}

static inline uint8_t on_disk(uint64_t sector)
{
	uint8_t byte;
	int fd = open(path, O_RDONLY);

	EQ(pread(fd, &byte, 1, sector * 512), 1);
	close(fd);
	return byte;
}
