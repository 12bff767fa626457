/* SPDX-License-Identifier: MIT */
/*
 * The input is a file: loaded as a kernel, and then as an initrd beside
 * whatever kernel that made. RAM ends where the sanitizer watches.
 */
#include "arm64/map.h"
#include "machine/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"

#define RAM_SIZE (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool cond)
{
	if (!cond)
		abort();
}

static bool inside(const struct range *r)
{
	return r->base >= MAP_RAM_BASE && r->size <= RAM_SIZE &&
	       r->base - MAP_RAM_BASE <= RAM_SIZE - r->size;
}

static bool apart(const struct range *a, const struct range *b)
{
	return !a->size || !b->size || a->base + a->size <= b->base ||
	       b->base + b->size <= a->base;
}

/* One sentence of a line. */
static void said(const struct err *e)
{
	expect(e->text[0] && !strpbrk(e->text, "\r\n\033"));
}

static void load(const struct gmem *mem, const struct machine *m, char *path)
{
	struct boot b = { 0 };
	const struct config c = {
		.kernel = path,
		.initrds = { 1, &path },
		.modules = { [MODULE_KERNEL] = { .path = path } },
	};
	const struct range *module = &b.module[MODULE_KERNEL];
	struct boot_files files;
	struct err e = { 0 };

	if (boot_files_open(&files, &c, &e)) {
		said(&e);
		return;
	}
	if (image_load_kernel(mem, m, &files.kernel, &b, &e)) {
		said(&e);
		goto out;
	}
	expect(inside(&b.kernel));
	expect(b.entry - b.kernel.base < b.kernel.size);
	if (image_load_files(mem, m, &files, &b, &e)) {
		said(&e);
		goto out;
	}
	expect(inside(&b.initrd) && apart(&b.kernel, &b.initrd));
	expect(inside(module) && apart(&b.kernel, module) &&
	       apart(&b.initrd, module));
	if (image_place_fdt(m, 0x10000, &b, &e)) {
		said(&e);
		goto out;
	}
	expect(inside(&b.fdt) && apart(&b.kernel, &b.fdt) &&
	       apart(&b.initrd, &b.fdt) && apart(module, &b.fdt));
out:
	boot_files_close(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct machine m = { .cpus = 1, .ram_size = RAM_SIZE };
	/* Too small for a zImage, which is looked at all the same. */
	static const struct machine m32 = { .cpus = 1,
					    .aarch32 = true,
					    .ram_size = RAM_SIZE };
	static uint8_t *ram;
	static char path[32];
	static int fd = -1;
	struct gmem mem = { 0 };

	if (!ram) {
		ram = malloc(RAM_SIZE);
		fd = memfd_create("fuzz", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	expect(ram && fd >= 0 && !ftruncate(fd, size) &&
	       pwrite(fd, data, size, 0) == (ssize_t)size);
	expect(!gmem_add(&mem, MAP_RAM_BASE, RAM_SIZE, ram));
	load(&mem, &m, path);
	load(&mem, &m32, path);
	return 0;
}
