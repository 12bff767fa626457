/* SPDX-License-Identifier: MIT */
/* 32-bit ARM kernels, and what goes with --aarch32 and what does not. */
#include "tests/unit/image_rig.h"

#define LOW (32 * MIB)

static uint8_t z[IMG];

/* A zImage whose table says that the kernel takes @unpacked bytes; 0: none. */
static void zimage_make(uint32_t unpacked)
{
	const uint32_t bss = 64 * KIB;

	memset(z, 0x5a, sizeof(z));
	put32(z + 0x24, 0x016f2818);
	put32(z + 0x28, 0);
	put32(z + 0x2c, IMG);
	put32(z + 0x30, 0x04030201);
	put32(z + 0x34, unpacked ? 0x45454545 : 0);
	put32(z + 0x38, 0x200);
	put32(z + 0x200, 5);
	put32(z + 0x204, 0x5a534c4b);
	put32(z + 0x208, IMG - 4);
	put32(z + 0x20c, bss);
	put32(z + IMG - 4, unpacked - bss);
}

static void machine32_of(uint64_t size)
{
	machine_of(size);
	mach.aarch32 = true;
}

TEST(a_zimage_lies_32_mib_up_and_is_entered_at_its_first_byte)
{
	machine32_of(64 * MIB);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG), 0);
	EQ(boot.kernel.base, RAM + LOW);
	EQ(boot.entry, RAM + LOW);
	MEM_EQ(ram + LOW, z, IMG);
	EQ(ram[LOW + IMG], 0xdd);
	EQ(ram[LOW - 1], 0xdd);
}

TEST(a_command_line_that_a_32_bit_linux_would_cut_is_refused)
{
	static char params[1025];

	machine32_of(64 * MIB);
	zimage_make(20 * MIB);
	mach.params = params;
	memset(params, 'p', 1023);
	EQ(load_bytes(z, IMG), 0);
	params[1023] = 'p';
	EQ(load_bytes(z, IMG), -E2BIG);
	HAS(err.text, "has 1024 characters, of which this kernel sees 1023");
}

TEST(a_kernel_that_unpacks_to_more_has_room_to_move_before_files_follow)
{
	machine32_of(64 * MIB);
	zimage_make(48 * MIB);
	EQ(load_bytes(z, IMG), 0);
	LT(RAM + 48 * MIB + IMG, boot.kernel.base + boot.kernel.size);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG), 0);
	LT(boot.kernel.size, 6 * MIB);
}

TEST(a_zimage_that_tells_no_sizes_is_taken_to_unpack_to_four_times_its_own)
{
	machine32_of(64 * MIB);
	zimage_make(0);
	EQ(load_bytes(z, IMG), 0);
	LT(boot.kernel.size, 6 * MIB);
	EQ(load(file_of(z, IMG, 12 * MIB)), 0);
	EQ(boot.kernel.size, 16 * MIB);
}

TEST(files_and_tree_of_a_32_bit_kernel_lie_where_it_sees_them_at_first)
{
	char *initrd = (char *)file_of("x", 1, 5 * MIB);
	const struct config c = { .initrds = { 1, &initrd } };

	machine32_of(3072 * MIB);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG), 0);
	EQ(load_files(&c), 0);
	EQ(image_place_fdt(&mach, 64 * KIB, &boot, &err), 0);
	LT(boot.initrd.base + boot.initrd.size, RAM + 760 * MIB);
	LT(boot.fdt.base + boot.fdt.size, RAM + 760 * MIB);
	LT(RAM + 128 * MIB, boot.fdt.base);
}

TEST(B1_a_zimage_without_room_is_told_how_much_would_do)
{
	machine32_of(32 * MIB);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG), -EFBIG);
	says("give --memory 40M");
}

TEST(B1_a_zimage_that_is_cut_short_or_lies_is_refused)
{
	machine32_of(64 * MIB);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG - 1), -ENODATA);
	says("is truncated or damaged");
	put32(z + 0x2c, UINT32_MAX);
	EQ(load_bytes(z, IMG), -ENODATA);
	put32(z + 0x2c, 4);
	EQ(load_bytes(z, IMG), -ENODATA);
	put32(z + 0x2c, IMG);
	put32(z + 0x30, 0x01020304);
	EQ(load_bytes(z, IMG), -ENOEXEC);
	says("big-endian");
	put32(z + 0x30, 0x04030201);
	put32(z + 0x28, 0x8000);
	EQ(load_bytes(z, IMG), -ENOEXEC);
	says("runs from 0x8000 only");
}

TEST(B1_a_zimage_whose_table_points_astray_is_loaded_all_the_same)
{
	static const uint32_t v[] = { UINT32_MAX, IMG, IMG - 1, IMG - 15 };
	unsigned i;

	machine32_of(64 * MIB);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		zimage_make(20 * MIB);
		put32(z + 0x38, v[i]);
		EQ(load_bytes(z, IMG), 0);
	}
	for (i = 0; i < 3; i++) {
		zimage_make(20 * MIB);
		put32(z + 0x208, v[i]);
		EQ(load_bytes(z, IMG), 0);
	}
}

TEST(B1_a_kernel_that_claims_to_unpack_to_4_gib_does_not_fit)
{
	machine32_of(64 * MIB);
	zimage_make(UINT32_MAX);
	EQ(load_bytes(z, IMG), -EFBIG);
	says("does not fit into 64 MiB");
}

TEST(a_kernel_of_the_other_width_is_told_which_option_to_change)
{
	machine_of(64 * MIB);
	zimage_make(20 * MIB);
	EQ(load_bytes(z, IMG), -ENOEXEC);
	says("is a 32-bit ARM kernel; add --aarch32");
	mach.aarch32 = true;
	image_good();
	EQ(load_bytes(img, IMG), -ENOEXEC);
	says("is an arm64 kernel; leave out --aarch32");
	EQ(load_bytes("\177ELF", 4), -ENOEXEC);
	says("with --aarch32 give a zImage or a flat binary");
	EQ(load_bytes("\x1f\x8b\x08\x00", 4), -ENOEXEC);
	says("with --aarch32 give a zImage or a flat binary");
}

TEST(a_32_bit_flat_binary_lies_where_a_64_bit_one_does)
{
	machine32_of(32 * MIB);
	EQ(load_bytes("\xfe\xff\xff\xea", 4), 0);
	EQ(boot.entry, RAM + 0x80000);
}
