/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the loaders share: a machine whose RAM is dirty, and files
 * that exist only here.
 *
 * Row B1 of the table of hostile inputs; the names of its tests begin with B1.
 */
#pragma once

#include "arm64/map.h"
#include "machine/image.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/config.h"
#include "core/log.h"
#include "tests/unit/test.h"

#define RAM MAP_RAM_BASE
#define MIB ((uint64_t)1 << 20)
#define KIB ((uint64_t)1 << 10)

static struct machine mach;
static struct gmem mem;
static struct boot boot;
static struct err err;
static uint8_t *ram;

/* RAM as a guest may have left it: not zero. */
static inline void machine_of(uint64_t size)
{
	ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	OK(ram != MAP_FAILED);
	if (size <= 64 * MIB)
		memset(ram, 0xdd, size);
	mach = (struct machine){ .cpus = 1, .ram_size = size };
	EQ(gmem_add(&mem, RAM, size, ram), 0);
}

/* A file of @size bytes of which @len are @data; the rest is a hole. */
static inline const char *file_of(const void *data, size_t len, uint64_t size)
{
	static char path[8][32];
	static unsigned n;
	char *p = path[n++ % 8];
	int fd = memfd_create("test", 0);

	OK(fd >= 0);
	EQ(ftruncate(fd, size), 0);
	EQ(pwrite(fd, data, len, 0), len);
	snprintf(p, sizeof(path[0]), "/proc/self/fd/%d", fd);
	return p;
}

static inline int load(const char *path)
{
	struct infile f;
	int r = infile_open(&f, "--kernel", path, &err);

	if (!r)
		r = image_load_kernel(&mem, &mach, &f, &boot, &err);
	infile_close(&f);
	return r;
}

static inline int load_files(const struct config *c)
{
	struct boot_files files;
	int r = boot_files_open(&files, c, &err);

	if (!r)
		r = image_load_files(&mem, &mach, &files, &boot, &err);
	boot_files_close(&files);
	return r;
}

static inline int load_bytes(const void *data, size_t len)
{
	return load(file_of(data, len, len));
}

static inline void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* The header of an Image; what follows it in @img is a pattern. */
static inline void image_make(uint8_t *img, size_t len, uint64_t text_offset,
			      uint64_t image_size, uint64_t flags)
{
	size_t i;

	for (i = 0; i < len; i++)
		img[i] = i * 7 + (i >> 9);
	memset(img, 0, 64);
	put64(img + 8, text_offset);
	put64(img + 16, image_size);
	put64(img + 24, flags);
	memcpy(img + 56, "ARM\x64", 4);
}

/* A good one: 100 KiB in the file, 1 MiB in memory. */
#define IMG (100 * KIB)
static uint8_t img[IMG];

static inline void image_good(void)
{
	image_make(img, IMG, 0, MIB, 0xa);
}

/* Something of everything that a big one would say. */
static inline void says(const char *what)
{
	HAS(err.text, "--kernel /proc/self/fd/");
	HAS(err.text, what);
	OK(!strchr(err.text, '\n'));
	NE(err.text[strlen(err.text) - 1], '.');
}
