/* SPDX-License-Identifier: MIT */
/*
 * The input is a tree and an overlay: two bytes tell the length of the tree,
 * which is the machine's own if that is 0. What comes out is a valid tree.
 */
#include "machine/fdt.h"
#include "machine/infile.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct machine mach = {
	.cpus = 2,
	.ram_size = 1u << 30,
	.gic = GIC_V3,
	.initrd = { 0x41000000, 0x1000 },
	.params = "console=ttyAMA0",
};

static void expect(bool cond)
{
	if (!cond)
		abort();
}

/* A path to @size bytes; one file serves them all. */
static const char *file_of(const void *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	expect(fd >= 0 && !ftruncate(fd, size) &&
	       pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

static int from_file(const struct machine *m, const char *path, void **fdt,
		     size_t *size, struct err *e)
{
	struct infile f;
	int r = infile_open(&f, "--dtb", path, e);

	if (!r)
		r = fdt_from_file(m, &f, fdt, size, e);
	infile_close(&f);
	return r;
}

static int overlay_file(void **fdt, size_t *size, const char *path,
			struct err *e)
{
	struct infile f;
	int r = infile_open(&f, "--dtb-overlay", path, e);

	if (!r)
		r = fdt_overlay(fdt, size, &f, e);
	infile_close(&f);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	size_t len, out_size;
	void *fdt;

	if (size < 2)
		return 0;
	len = data[0] | data[1] << 8;
	data += 2;
	size -= 2;
	if (len > size)
		len = size;
	if (!len) {
		expect(!fdt_build(&mach, &fdt, &out_size));
	} else if (from_file(&mach, file_of(data, len), &fdt, &out_size, &e)) {
		expect(e.text[0]);
		return 0;
	}
	expect(out_size == fdt_totalsize(fdt));
	expect(!fdt_check_full(fdt, out_size));
	if (overlay_file(&fdt, &out_size, file_of(data + len, size - len), &e))
		expect(e.text[0]);
	expect(out_size == fdt_totalsize(fdt));
	expect(!fdt_check_full(fdt, out_size));
	free(fdt);
	return 0;
}
