/* SPDX-License-Identifier: MIT */
/* Kernels that go straight into RAM, and what is no kernel. */
#include "tests/unit/image_rig.h"

#include <sys/stat.h>

TEST(an_image_lies_at_the_start_of_ram_and_takes_its_image_size)
{
	machine_of(32 * MIB);
	image_good();
	EQ(load_bytes(img, IMG), 0);
	EQ(boot.entry, RAM);
	EQ(boot.kernel.base, RAM);
	EQ(boot.kernel.size, MIB);
	EQ(boot.kind, BOOT_IMAGE);
	MEM_EQ(ram, img, IMG);
	EQ(ram[IMG], 0xdd);
}

TEST(an_image_lies_at_its_text_offset)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0x80000, MIB, 0xa);
	EQ(load_bytes(img, IMG), 0);
	EQ(boot.entry, RAM + 0x80000);
	MEM_EQ(ram + 0x80000, img, IMG);
	EQ(ram[0x7ffff], 0xdd);
}

TEST(an_image_without_image_size_lies_where_old_kernels_do)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0x0000080000000000, 0, 0);
	EQ(load_bytes(img, IMG), 0);
	EQ(boot.entry, RAM + 0x80000);
	EQ(boot.kind, BOOT_OPEN);
}

TEST(an_image_with_a_signature_behind_it_is_loaded_wholly)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0, IMG - 100, 0);
	EQ(load_bytes(img, IMG), 0);
	EQ(boot.kernel.size, IMG);
	MEM_EQ(ram, img, IMG);
}

TEST(B1_an_image_whose_bss_is_beyond_ram_is_told_how_much_would_do)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0, 33 * MIB, 0);
	EQ(load_bytes(img, IMG), -EFBIG);
	says("needs at least 36 MiB; give --memory 36M");
	EQ(ram[0], 0xdd);
}

TEST(an_image_that_fills_ram_to_the_last_byte_fits)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0x80000, 32 * MIB - 0x80000, 0);
	EQ(load_bytes(img, IMG), 0);
	image_make(img, IMG, 0x80000, 32 * MIB - 0x80000 + 1, 0);
	EQ(load_bytes(img, IMG), -EFBIG);
}

TEST(B1_an_image_whose_sizes_wrap_is_refused)
{
	static const uint64_t v[] = { UINT64_MAX, UINT64_MAX - 0x7ffff,
				      UINT64_MAX - RAM, 1ull << 63,
				      1ull << 49 };
	unsigned i;

	machine_of(32 * MIB);
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		image_make(img, IMG, v[i], MIB, 0);
		EQ(load_bytes(img, IMG), -ENOEXEC);
		says("is damaged");
		image_make(img, IMG, 0x80000, v[i], 0);
		EQ(load_bytes(img, IMG), -ENOEXEC);
		says("is damaged");
	}
}

TEST(B1_an_image_cut_short_is_told_by_its_pe_header)
{
	machine_of(32 * MIB);
	image_good();
	memcpy(img, "MZ", 2);
	put32(img + 60, 64);
	memcpy(img + 64, "PE\0\0\x64\xaa\x01\0", 8);
	memset(img + 72, 0, 60);
	put32(img + 64 + 20, 0);
	put32(img + 64 + 24 + 16, IMG - 4096);
	put32(img + 64 + 24 + 20, 4096);
	EQ(load_bytes(img, IMG), 0);
	EQ(load_bytes(img, IMG - 1), -ENODATA);
	says("is truncated: it has 102399 of 102400 bytes");
}

TEST(B1_a_big_endian_image_is_refused)
{
	machine_of(32 * MIB);
	image_make(img, IMG, 0, MIB, 1);
	EQ(load_bytes(img, IMG), -ENOEXEC);
	says("big-endian");
}

/* --- what is no file to load --- */

TEST(B1_a_directory_a_device_and_no_file_are_refused)
{
	machine_of(32 * MIB);
	EQ(load("/"), -EINVAL);
	STR_EQ(err.text, "--kernel /: is a directory; give a regular file");
	EQ(load("/dev/zero"), -EINVAL);
	HAS(err.text, "is a character device");
	EQ(load("/nonexistent/kernel"), -ENOENT);
	HAS(err.text, "--kernel /nonexistent/kernel: cannot be opened");
}

TEST(B1_a_fifo_is_refused_without_waiting_for_a_writer)
{
	const char *path = test_path("fifo");
	int ret;

	machine_of(32 * MIB);
	EQ(mkfifo(path, 0600), 0);
	ret = load(path); /* or the runner ends it, some time */
	EQ(ret, -EINVAL);
	HAS(err.text, "is a FIFO");
}

TEST(B1_an_empty_file_is_refused)
{
	machine_of(32 * MIB);
	EQ(load_bytes("", 0), -ENODATA);
	says("is empty");
}

TEST(B1_a_file_larger_than_ram_is_refused_before_it_is_read)
{
	machine_of(32 * MIB);
	image_good();
	EQ(load(file_of(img, IMG, 1ull << 40)), -EFBIG);
	says("give --memory 1048578M");
	EQ(load(file_of("flat", 4, 1ull << 40)), -EFBIG);
	EQ(load(file_of("\x1f\x8b", 2, 1ull << 40)), -EFBIG);
	EQ(ram[0], 0xdd);
}

TEST(B1_a_long_path_leaves_room_for_the_reason)
{
	char path[4000];

	machine_of(32 * MIB);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	EQ(load(path), -ENAMETOOLONG);
	HAS(err.text, "cannot be opened");
}

TEST(B1_what_is_known_not_to_boot_is_called_by_its_name)
{
	static const struct {
		unsigned off, len;
		const char *bytes;
		const char *what;
	} row[] = {
		{ 0x202, 4, "HdrS", "x86 kernel" },
		{ 56, 4, "RSC\x05", "RISC-V" },
		{ 0x24, 4, "\x18\x28\x6f\x01", "32-bit ARM" },
		{ 0, 4, "\x27\x05\x19\x56", "uImage" },
		{ 0, 4, "\xd0\x0d\xfe\xed", "device tree" },
		{ 0, 4, "\xd7\xb7\xab\x1e", "device trees" },
		{ 0, 8, "ANDROID!", "Android boot image" },
		{ 0, 6, "\xfd\x37zXZ", "xz" },
		{ 0, 7, "BZh91AY", "bzip2" },
		{ 0, 4, "\x02\x21\x4c\x18", "lz4" },
		{ 0, 4, "\x04\x22\x4d\x18", "lz4" },
		{ 0, 9, "\x89LZO\0\r\n\x1a\n", "lzop" },
		{ 0, 4, "LZIP", "lzip" },
		{ 0, 13, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff",
		  "lzma" },
		{ 0, 4, "PK\3\4", "is an archive" },
		{ 0, 6, "7z\xbc\xaf\x27\x1c", "is an archive" },
		{ 0, 6, "Rar!\x1a\7", "is an archive" },
		{ 0, 8, "!<arch>\n", "is an archive" },
		{ 0, 4, "\xed\xab\xee\xdb", "is an archive" },
		{ 257, 8,
		  "ustar\0"
		  "00",
		  "is an archive" },
		{ 0, 6, "070701", "--initrd" },
		{ 0, 6, "070702", "--initrd" },
		{ 0, 6, "070707", "--initrd" },
		{ 0, 4, "\xcf\xfa\xed\xfe", "macOS" },
		{ 0, 4, "QFI\xfb", "--disk" },
		{ 0, 4, "KDMV", "--disk" },
		{ 0, 8, "vhdxfile", "--disk" },
		{ 0, 8, "conectix", "--disk" },
		{ 64, 4, "\x7f\x10\xda\xbe", "--disk" },
		{ 0, 4, "\x3a\xff\x26\xed", "--disk" },
		{ 512, 8, "EFI PART", "--disk" },
		{ 510, 2, "\x55\xaa", "--disk" },
		{ 0, 4, "hsqs", "file system" },
		{ 0, 4, "XFSB", "file system" },
		{ 0, 0, "", "begins with zeroes: a disk" },
		{ 56, 4, "\xcd\x23\x82\x81", "LoongArch" },
		{ 40, 4, "_FVH", "--firmware" },
		{ 0, 4, "\x01\x00\x64\xaa", "firmware" },
		{ 0, 8, "VNDRBOOT", "Android" },
		{ 0, 4, "AVB0", "Android" },
		{ 0, 8, "CHROMEOS", "ChromeOS" },
		{ 0, 10, "BZh11AY&SY", "bzip2" },
		{ 0, 4, "LRZI", "lrzip" },
		{ 0, 3, "\x1f\x9d\x90", "compress" },
		{ 0, 4, "bvx2", "lzfse" },
		{ 0, 4, "bvxn", "lzfse" },
		{ 0, 10, "\xff\6\0\0sNaPpY", "snappy" },
		{ 0, 4, "\x50\x2a\x4d\x18", "pzstd" },
		{ 0, 4, "\x5f\x2a\x4d\x18", "pzstd" },
		{ 0, 4, "\x1e\xb5\x2f\xfd", "old zstd" },
		{ 0, 4, "\x27\xb5\x2f\xfd", "old zstd" },
		{ 0, 4, "PK\5\6", "is an archive" },
		{ 0, 4, "PK\7\b", "is an archive" },
		{ 0, 8, "!<thin>\n", "is an archive" },
		{ 0, 4, "ADBd", "is an archive" },
		{ 0, 8, "MSCF\0\0\0\0", "is an archive" },
		{ 0, 4, "xar!", "is an archive" },
		{ 0, 7, "\x24\x8e-lh5-", "is an archive" },
		{ 0, 4, "\xce\xfa\xed\xfe", "macOS" },
		{ 0, 4, "\xfe\xed\xfa\xcf", "macOS" },
		{ 0, 4, "\xca\xfe\xba\xbe", "Java" },
		{ 0, 4, "\0asm", "WebAssembly" },
		{ 0, 4, "BC\xc0\xde", "LLVM" },
		{ 0, 8, "dex\n035", "Android" },
		{ 0, 4, "MZ\x90\0", "DOS or Windows" },
		{ 0, 8, "KDUMP   ", "crash dump" },
		{ 0, 4, "QED", "--disk" },
		{ 0, 4, "COWD", "--disk" },
		{ 0, 16, "WithoutFreeSpace", "--disk" },
		{ 0, 16, "WithouFreSpacExt", "--disk" },
		{ 512, 8, "LABELONE", "--disk" },
		{ 0, 6, "LUKS\xba\xbe", "--disk" },
		{ 0, 4, "sqsh", "file system" },
		{ 0, 4, "\x45\x3d\xcd\x28", "file system" },
		{ 0, 8, "-rom1fs-", "file system" },
		{ 0, 4, "UBI#", "file system" },
		{ 0, 4, "\x31\x18\x10\x06", "file system" },
		{ 0, 4, "\x85\x19\x03\x20", "file system" },
		{ 0, 11, "\xeb\x52\x90NTFS    ", "file system" },
		{ 0, 11,
		  "\xeb\x76\x90"
		  "EXFAT   ",
		  "file system" },
		{ 54, 8, "FAT16   ", "file system" },
		{ 82, 8, "FAT32   ", "file system" },
		{ 0, 9, "%PDF-1.7\n", "a document" },
		{ 0, 8, "\x89PNG\r\n\x1a\n", "a picture" },
		{ 0, 4, "\xff\xd8\xff\xe0", "a picture" },
		{ 0, 6, "GIF89a", "a picture" },
		{ 0, 15, "SQLite format 3", "a database" },
		/* dev 1, inode 1, a regular file, its name "." */
		{ 0, 28,
		  "\xc7\x71\1\0\1\0\xa4\x81\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0"
		  "\0\0.",
		  "--initrd" },
	};
	unsigned i;

	machine_of(32 * MIB);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint8_t b[1024] = { 0 };

		memcpy(b + row[i].off, row[i].bytes, row[i].len);
		EQ(load_bytes(b, sizeof(b)), -ENOEXEC);
		says(row[i].what);
	}
}

static int load_blank(uint8_t byte, size_t len)
{
	uint8_t b[1024];

	memset(b, byte, len);
	return load_bytes(b, len);
}

TEST(what_only_a_look_at_more_of_it_tells_is_called_by_its_name)
{
	uint8_t tar[512] = "kernel", pe[512] = "MZ";

	machine_of(32 * MIB);
	/* tar before POSIX: 01201 for the name, and 8 blanks of 040. */
	memcpy(tar + 148, "001601\0 ", 8);
	EQ(load_bytes(tar, sizeof(tar)), -ENOEXEC);
	says("is an archive");
	tar[0]++;
	EQ(load_bytes(tar, sizeof(tar)), 0);
	pe[60] = 64;
	memcpy(pe + 64, "PE\0\0\x64\xaa", 6); /* and no section */
	EQ(load_bytes(pe, sizeof(pe)), -ENOEXEC);
	says("is an EFI program");
	EQ(load_blank(0xff, 1024), -ENOEXEC);
	says("is empty flash");
	EQ(load_blank(0, 8), -ENOEXEC);
	says("begins with zeroes");
	EQ(load_bytes("\xff\xfe#\0!\0", 6), -ENOEXEC);
	says("is text");
	EQ(load_bytes("\x1f\x20\x03", 3), -ENODATA);
	says("has 3 bytes, less than an instruction");
}

/* Whatever it is like: what it is taken for otherwise, is told on the way. */
TEST(a_file_of_any_kind_is_a_flat_binary_if_that_is_asked_for)
{
	static const char *const like[] = {
		"text, and with the end of a line\n",
		"#!/bin/sh\n",
		"\177ELF",
		"\x1f\x8b\x08\x08",
		"ANDROID!",
		"\xd0\x0d\xfe\xed",
	};
	unsigned i;

	machine_of(32 * MIB);
	for (i = 0; i < sizeof(like) / sizeof(like[0]); i++) {
		mach.flat = false;
		LT(load_bytes(like[i], strlen(like[i])), 0);
		mach.flat = true;
		EQ(load_bytes(like[i], strlen(like[i])), 0);
		EQ(boot.entry, RAM + 0x80000);
		EQ(boot.kind, BOOT_OPEN);
		MEM_EQ(ram + 0x80000, like[i], strlen(like[i]));
	}
	image_good();
	EQ(load_bytes(img, IMG), 0);
	MEM_EQ(ram + 0x80000, img, IMG);
	EQ(load_blank(0, 1024), 0);
	mach.aarch32 = true;
	EQ(load_bytes(img, IMG), 0);
	EQ(load_bytes("", 0), -ENODATA);
}

/* Of what is named by a few bytes, each alone is in programs, too. */
TEST(a_program_is_not_taken_for_what_it_resembles)
{
	uint8_t b[1024] = { 0x00, 0x00, 0x00, 0x14 };

	machine_of(32 * MIB);
	memcpy(b + 510, "\x55\xaa", 2);
	b[446] = 0x12;
	EQ(load_bytes(b, sizeof(b)), 0);
	memset(b, 0, sizeof(b));
	memcpy(b, "\x5d\0\0\x10", 4); /* adr x29, . + 8 */
	EQ(load_bytes(b, sizeof(b)), 0);
	memset(b + 5, 0xff, 7);
	EQ(load_bytes(b, sizeof(b)), 0);
	EQ(load_bytes("\0\0\0\0\x1f\x20\x03\xd5", 8), 0);
	EQ(load_bytes("MZ\0\x91\0\0\0\x14", 8), 0);
	EQ(load_bytes("BZh8\0\0\0\x14", 8), -ENOEXEC);
	EQ(load_bytes("BZh\x14\0\0\0\x14", 8), 0);
	EQ(load_bytes("\xc7\x71\0\x14", 4), 0);
}

static const char *params_of(size_t len)
{
	static char params[4096];

	memset(params, 'p', len);
	params[len] = '\0';
	return params;
}

/* COMMAND_LINE_SIZE, with the 0 at the end. */
TEST(a_command_line_that_linux_would_cut_is_refused)
{
	machine_of(32 * MIB);
	image_good();
	mach.params = params_of(2047);
	EQ(load_bytes(img, IMG), 0);
	mach.params = params_of(2048);
	EQ(load_bytes(img, IMG), -E2BIG);
	HAS(err.text,
	    "--params: the command line has 2048 characters, of which "
	    "this kernel sees 2047; shorten it");
	/* Of what is not Linux nobody knows. */
	EQ(load_bytes("\x00\x00\x00\x14", 4), 0);
}

/* --- the flat binary --- */

TEST(anything_else_is_a_flat_binary)
{
	machine_of(32 * MIB);
	EQ(load_bytes("\x00\x00\x00\x14", 4), 0);
	EQ(boot.entry, RAM + 0x80000);
	EQ(boot.kernel.size, 4);
	EQ(boot.kind, BOOT_OPEN);
	MEM_EQ(ram + 0x80000, "\x00\x00\x00\x14\xdd", 5);
}

/* --- text --- */

static int load_text(const char *text)
{
	return load_bytes(text, strlen(text));
}

TEST(text_is_no_kernel)
{
	static char page[4096];
	uint32_t loop[] = { 0x14000000 };

	machine_of(32 * MIB);
	EQ(load_text("#!/bin/sh\nexec true\n"), -ENOEXEC);
	says("is a script; give an arm64 Linux Image");
	EQ(load_text("version https://git-lfs.github.com/spec/v1\n"), -ENOEXEC);
	says("is text, not a kernel");
	EQ(load_text("\xef\xbb\xbfGr\xc3\xbc\xc3\x9f"
		     "e \xe2\x82\xac\t\xf0\x9f\x90\xa7\r\n"),
	   -ENOEXEC);
	/* A character that its beginning cuts in two. */
	memset(page, ' ', sizeof(page));
	memcpy(page + 1022, "\xe2\x82\xac", 3);
	EQ(load_bytes(page, sizeof(page)), -ENOEXEC);
	says("is text");
	mach.aarch32 = true;
	EQ(load_text("hello\n"), -ENOEXEC);
	says("is text");
	mach.aarch32 = false;
	EQ(load_bytes(loop, sizeof(loop)), 0);
	/* What only begins as text does, or has bytes that are no character. */
	EQ(load_bytes("text\0\0\0\x14", 8), 0);
	EQ(load_bytes("text\xc3(\0\x14", 8), 0);
	EQ(load_bytes("text\xff\n", 6), 0);
}
