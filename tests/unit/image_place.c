/* SPDX-License-Identifier: MIT */
/* Where initrds, modules and tree go beside a kernel. */
#include "tests/unit/image_rig.h"

static int initrd(const char *a, const char *b)
{
	char *paths[] = { (char *)a, (char *)b };
	struct config c = { .initrds = { b ? 2 : 1, paths } };

	return load_files(&c);
}

static int modules(const char *initrd, const char *kernel, const char *ramdisk)
{
	char *paths[] = { (char *)initrd };
	struct config c = {
		.initrds = { !!initrd, paths },
		.modules = { [MODULE_KERNEL] = { .path = (char *)kernel },
			     [MODULE_RAMDISK] = { .path = (char *)ramdisk } },
	};

	return load_files(&c);
}

TEST(an_initrd_lies_behind_an_image_and_the_tree_behind_both)
{
	machine_of(64 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(file_of("abcde", 5, 3 * MIB), NULL), 0);
	EQ(boot.initrd.base, RAM + MIB);
	EQ(boot.initrd.size, 3 * MIB);
	MEM_EQ(ram + MIB, "abcde", 6);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.base, RAM + 4 * MIB);
}

TEST(several_initrds_are_joined_by_zeroes_and_end_with_the_last)
{
	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(file_of("abcde", 5, 5), file_of("xy", 2, 2)), 0);
	EQ(boot.initrd.size, 10);
	MEM_EQ(ram + MIB, "abcde\0\0\0xy\0\0\xdd", 13);
}

TEST(no_initrd_is_an_empty_range)
{
	machine_of(32 * MIB);
	boot.initrd.size = boot.module[MODULE_KERNEL].size = 1;
	boot.files.size = 1;
	EQ(modules(NULL, NULL, NULL), 0);
	EQ(boot.initrd.size, 0);
	EQ(boot.module[MODULE_KERNEL].size, 0);
	EQ(boot.files.size, 0);
}

TEST(modules_lie_as_they_are_on_pages_of_their_own_before_the_tree)
{
	const struct range *k = &boot.module[MODULE_KERNEL];
	const struct range *r = &boot.module[MODULE_RAMDISK];

	machine_of(64 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(modules(NULL, file_of("kernel", 6, MIB + 1), file_of("disk!", 5, 5)),
	   0);
	EQ(k->base, RAM + MIB);
	EQ(k->size, MIB + 1);
	MEM_EQ(ram + MIB, "kernel", 6);
	EQ(r->base, RAM + 2 * MIB + 64 * KIB);
	EQ(r->size, 5);
	MEM_EQ(ram + 2 * MIB + 64 * KIB, "disk!", 5);
	EQ(boot.initrd.size, 0);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.base, RAM + 4 * MIB);
}

TEST(a_module_follows_an_initrd)
{
	const struct range *k = &boot.module[MODULE_KERNEL];

	machine_of(64 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(modules(file_of("abcde", 5, 5), file_of("kernel", 6, 6), NULL), 0);
	EQ(boot.initrd.base, RAM + MIB);
	EQ(boot.initrd.size, 5);
	EQ(k->base, RAM + MIB + 64 * KIB);
	EQ(k->size, 6);
	EQ(boot.module[MODULE_RAMDISK].size, 0);
}

TEST(a_domains_files_are_modules_behind_those_of_the_first_guest)
{
	struct domain_config d[] = {
		{ .file = { [MODULE_KERNEL] =
				    (char *)file_of("kernel", 6, 6) } },
		{ .file = { [MODULE_KERNEL] = (char *)file_of("second", 6, 6),
			    [MODULE_TREE] = (char *)file_of("tree", 4, 4) } },
	};
	struct config c = {
		.modules = { [MODULE_KERNEL] = { .path = (char *)file_of("0", 1,
									 1) } },
		.domains = d,
		.ndomains = 2
	};
	const struct range *first = &boot.module[MODULE_KINDS];
	const struct range *second = &boot.module[2 * MODULE_KINDS];

	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(load_files(&c), 0);
	MEM_EQ(ram + (boot.module[MODULE_KERNEL].base - RAM), "0", 1);
	MEM_EQ(ram + (first->base - RAM), "kernel", 6);
	EQ(first[MODULE_RAMDISK].size, 0);
	MEM_EQ(ram + (second->base - RAM), "second", 6);
	MEM_EQ(ram + (second[MODULE_TREE].base - RAM), "tree", 4);
	EQ(second[MODULE_TREE].size, 4);

	c.ndomains = 1;
	d[0].file[MODULE_TREE] = "/nowhere/tree";
	EQ(load_files(&c), -ENOENT);
	HAS(err.text, "--domain dtb /nowhere/tree: cannot be opened");
}

TEST(B1_a_module_that_cannot_be_used_is_refused_by_its_option)
{
	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(modules(NULL, "/nowhere/kernel", NULL), -ENOENT);
	HAS(err.text, "--module kernel /nowhere/kernel: cannot be opened");
	EQ(modules(NULL, "/", NULL), -EINVAL);
	STR_EQ(err.text, "--module kernel /: is a directory; give a regular "
			 "file");
	EQ(modules(NULL, file_of("a", 1, 1), file_of("", 0, 0)), -ENODATA);
	HAS(err.text, "--module ramdisk /proc/self/fd/");
	HAS(err.text, "is empty");
	EQ(modules(NULL, file_of("a", 1, 20 * MIB), file_of("a", 1, 20 * MIB)),
	   -EFBIG);
	HAS(err.text, "--module kernel /proc/self/fd/");
	HAS(err.text, "beside the kernel and the other files");
	HAS(err.text, "give --memory 45M");
	EQ(boot.files.size, 0);
}

/* What QEMU 10 does with such a kernel, by its monitor: x0, and "info roms". */
TEST(a_flat_binary_finds_files_and_tree_where_qemus_board_has_them)
{
	static const struct {
		unsigned ram, tree, behind; /* MiB; with an initrd of 5 MB */
	} t[] = {
		{ 64, 32, 38 },
		{ 128, 64, 70 },
		{ 256, 128, 134 },
		{ 1024, 128, 134 },
	};
	unsigned i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		mem.nbanks = 0;
		machine_of(t[i].ram * MIB);
		EQ(load_bytes("flat", 4), 0);
		EQ(modules(NULL, NULL, NULL), 0);
		EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
		EQ(boot.fdt.base, RAM + t[i].tree * MIB);
		EQ(initrd(file_of("abcde", 5, 5000000), NULL), 0);
		EQ(boot.initrd.base, RAM + t[i].tree * MIB);
		EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
		EQ(boot.fdt.base, RAM + t[i].behind * MIB);
	}
}

TEST(behind_a_large_flat_binary_memory_stays_free)
{
	machine_of(1024 * MIB);
	EQ(load(file_of("flat", 4, 128 * MIB)), 0);
	EQ(initrd(file_of("abcde", 5, MIB), NULL), 0);
	EQ(boot.initrd.base, RAM + 0x80000 + 511 * MIB);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.base, RAM + 510 * MIB);
}

TEST(there_is_room_to_edit_the_tree_up_to_what_comes_next)
{
	machine_of(64 * MIB);
	EQ(load_bytes("flat", 4), 0);
	EQ(modules(NULL, NULL, NULL), 0);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.size, MIB);
	/* Less for Linux, which reads all of it. */
	boot.kind = BOOT_IMAGE;
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.size, 68 * KIB);
	/* At the start of RAM, below a program there. */
	boot.kind = BOOT_ELF;
	boot.kernel = (struct range){ RAM + 512 * KIB, 4096 };
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
	EQ(boot.fdt.base, RAM);
	EQ(boot.fdt.size, 512 * KIB);
	/* No more than a kernel maps. */
	boot.kernel = (struct range){ RAM + 4 * MIB, 4096 };
	EQ(image_place_fdt(&mach, 2 * MIB - 4096, &boot, &err), 0);
	EQ(boot.fdt.size, 2 * MIB);
}

TEST(an_initrd_without_room_for_a_tree_near_the_kernel_goes_far)
{
	machine_of(1024 * MIB);
	boot.kind = BOOT_OPEN;
	boot.kernel = (struct range){ RAM + 0x80000, 508 * MIB };
	EQ(initrd(file_of("abcde", 5, MIB), NULL), 0);
	EQ(boot.initrd.base, RAM + 1023 * MIB);
}

TEST(an_elf_file_finds_the_tree_at_the_start_of_ram)
{
	machine_of(32 * MIB);
	boot.kind = BOOT_ELF;
	boot.kernel = (struct range){ RAM + 2 * MIB, 4096 };
	EQ(image_place_fdt(&mach, 2 * MIB, &boot, &err), 0);
	EQ(boot.fdt.base, RAM);
	boot.kernel.base--;
	EQ(image_place_fdt(&mach, 2 * MIB, &boot, &err), 0);
	EQ(boot.fdt.base, RAM + 30 * MIB);
}

TEST(an_initrd_goes_to_the_end_of_ram_where_that_is_tight)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0, 9 * MIB, 0);
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(file_of("abcde", 5, 21 * MIB + 512 * KIB), NULL), 0);
	EQ(image_place_fdt(&mach, 64 * KIB, &boot, &err), 0);
	EQ(boot.fdt.base, RAM + 10 * MIB);
	OK(boot.fdt.base + boot.fdt.size <= boot.initrd.base);
}

TEST(B1_what_does_not_fit_beside_the_kernel_is_told_how_much_would_do)
{
	const char *path = file_of("abcde", 5, 30 * MIB);

	machine_of(32 * MIB);
	image_make(img, IMG, 0, 10 * MIB, 0);
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(path, NULL), -EFBIG);
	HAS(err.text, "--initrd /proc/self/fd/");
	HAS(err.text, "give --memory 43M");
	EQ(boot.initrd.size, 0);

	mem.nbanks = 0;
	machine_of(43 * MIB);
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(path, NULL), 0);
	EQ(image_place_fdt(&mach, 2 * MIB, &boot, &err), 0);
}

TEST(B1_a_tree_that_does_not_fit_is_told_how_much_would_do)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0, 31 * MIB, 0);
	EQ(load_bytes(img, IMG), 0);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), -EFBIG);
	HAS(err.text, "give --memory 33M");
	EQ(image_place_fdt(&mach, 2 * MIB + 1, &boot, &err), -EFBIG);
	HAS(err.text, "no more than 2 MiB");
	mem.nbanks = 0;
	machine_of(33 * MIB);
	EQ(image_place_fdt(&mach, 4096, &boot, &err), 0);
}

TEST(B1_an_initrd_that_is_no_file_is_refused)
{
	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(initrd(file_of("a", 1, 1), "/"), -EINVAL);
	STR_EQ(err.text, "--initrd /: is a directory; give a regular file");
	EQ(initrd(file_of("", 0, 0), NULL), -ENODATA);
}

TEST(B1_initrds_whose_sizes_add_up_to_nothing_are_refused)
{
	char *path = (char *)file_of("a", 1, 1ull << 62);
	char *paths[] = { path, path, path, path };
	struct config c = { .initrds = { 4, paths } };

	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(load_files(&c), -EFBIG);
	HAS(err.text, "does not fit into 32 MiB");
}

/* Every size around the edges either fits with its tree, or is refused. */
TEST(whatever_fits_never_overlaps)
{
	static const struct {
		uint64_t text_offset, image_size;
	} k[] = { { 0, MIB }, { 0x80000, 0 }, { 0, 9 * MIB + 4096 } };
	uint64_t size;
	unsigned i;

	machine_of(16 * MIB);
	for (i = 0; i < 3; i++) {
		image_make(img, IMG, k[i].text_offset, k[i].image_size, 0);
		EQ(load_bytes(img, IMG), 0);
		for (size = 64 * KIB; size < 17 * MIB; size += 60 * KIB) {
			const struct range *r = &boot.initrd, *f = &boot.fdt;
			const gpa_t kend = boot.kernel.base + boot.kernel.size;
			const char *path = file_of("a", 1, size);
			int ret = initrd(path, NULL);

			close(atoi(path + strlen("/proc/self/fd/")));
			if (ret)
				continue;
			OK(r->base >= kend);
			OK(r->base + r->size <= RAM + 16 * MIB);
			if (image_place_fdt(&mach, 64 * KIB, &boot, &err))
				continue;
			EQ(f->base % (2 * MIB), 0);
			OK(f->base >= kend);
			OK(f->base + f->size <= RAM + 16 * MIB);
			OK(f->base >= r->base + r->size ||
			   f->base + f->size <= r->base);
		}
	}
}
