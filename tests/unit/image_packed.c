/* SPDX-License-Identifier: MIT */
/* Compressed kernels, and compressed bombs. */
#include "tests/unit/image_rig.h"

#include <zlib.h>
#include <zstd.h>

static size_t gzip(const void *in, size_t len, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)in,
		       .avail_in = len,
		       .next_out = out,
		       .avail_out = room };

	EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
	EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t zstd(const void *in, size_t len, uint8_t *out, size_t room)
{
	size_t n = ZSTD_compress(out, room, in, len, 3);

	OK(!ZSTD_isError(n));
	return n;
}

/* An EFI zboot image around @len bytes of payload; its size. */
static size_t zboot_make(uint8_t *out, const void *payload, size_t len,
			 const char *type)
{
	memset(out, 0, 64);
	memcpy(out, "MZ\0\0zimg", 8);
	put32(out + 8, 64);
	put32(out + 12, len);
	strcpy((char *)out + 24, type);
	memcpy(out + 64, payload, len);
	return 64 + len;
}

#define PACK (4 * MIB)
static uint8_t *pack;

static void start(uint64_t ram_size)
{
	machine_of(ram_size);
	pack = test_room(PACK);
}

TEST(a_gzipped_image_is_unpacked_where_it_belongs)
{
	start(32 * MIB);
	image_make(img, IMG, 0x80000, MIB, 0xa);
	EQ(load_bytes(pack, gzip(img, IMG, pack, PACK)), 0);
	EQ(boot.entry, RAM + 0x80000);
	EQ(boot.kernel.size, MIB);
	MEM_EQ(ram + 0x80000, img, IMG);
	EQ(ram[0], 0xdd);
}

TEST(a_gzip_file_of_several_members_is_unpacked_wholly)
{
	size_t n;

	start(32 * MIB);
	image_good();
	n = gzip(img, 1000, pack, PACK);
	n += gzip(img + 1000, IMG - 1000, pack + n, PACK - n);
	EQ(load_bytes(pack, n), 0);
	MEM_EQ(ram, img, IMG);
}

TEST(a_zstd_image_is_unpacked_where_it_belongs)
{
	start(32 * MIB);
	image_make(img, IMG, 0x80000, MIB, 0xa);
	EQ(load_bytes(pack, zstd(img, IMG, pack, PACK)), 0);
	EQ(boot.entry, RAM + 0x80000);
	MEM_EQ(ram + 0x80000, img, IMG);
}

TEST(a_zboot_image_is_unpacked_from_gzip_and_zstd)
{
	uint8_t *z = test_room(MIB);
	size_t n;

	start(32 * MIB);
	image_good();
	n = gzip(img, IMG, z, MIB);
	EQ(load_bytes(pack, zboot_make(pack, z, n, "gzip")), 0);
	MEM_EQ(ram, img, IMG);
	n = zstd(img, IMG, z, MIB);
	memset(ram, 0, IMG);
	EQ(load_bytes(pack, zboot_make(pack, z, n, "zstd")), 0);
	MEM_EQ(ram, img, IMG);
	memset(ram, 0, IMG);
	/* The size that the kernel's build appends, counted as payload. */
	EQ(load_bytes(pack, zboot_make(pack, z, n + 4, "zstd22")), 0);
	MEM_EQ(ram, img, IMG);
	EQ(boot.kernel.size, MIB);
}

TEST(B1_a_zboot_header_that_lies_is_refused)
{
	size_t n;

	start(32 * MIB);
	n = zboot_make(pack, "payload", 8, "gzip");
	put32(pack + 12, 9);
	EQ(load_bytes(pack, n), -ENODATA);
	says("is truncated or damaged");
	put32(pack + 8, UINT32_MAX);
	EQ(load_bytes(pack, n), -ENODATA);
	put32(pack + 8, 64);
	put32(pack + 12, 0);
	EQ(load_bytes(pack, n), -ENODATA);
	EQ(load_bytes(pack, 40), -ENODATA);
	says("header is cut off");
	n = zboot_make(pack, "payload", 8, "gzip");
	EQ(load_bytes(pack, n), -EBADMSG);
	says("gzip data make no sense");
}

TEST(B1_a_zboot_type_that_nobody_knows_is_quoted_safely)
{
	size_t n;

	start(32 * MIB);
	n = zboot_make(pack, "payload", 8, "xz\033[2J");
	EQ(load_bytes(pack, n), -ENOEXEC);
	says("\"xz?[2J\"");
	memset(pack + 24, 'z', 32);
	EQ(load_bytes(pack, n), -ENOEXEC);
	says("zzz\"");
}

TEST(B1_a_truncated_or_damaged_archive_is_told_apart)
{
	size_t n;

	start(32 * MIB);
	image_good();
	n = gzip(img, IMG, pack, PACK);
	EQ(load_bytes(pack, n - 1), -ENODATA);
	says("is truncated");
	EQ(load_bytes(pack, 12), -ENODATA);
	pack[n - 6] ^= 1;
	EQ(load_bytes(pack, n), -EBADMSG);
	says("is damaged");
	n = zstd(img, IMG, pack, PACK);
	EQ(load_bytes(pack, n - 1), -ENODATA);
	says("is truncated");
	EQ(load_bytes(pack, 6), -ENODATA);
	pack[4] ^= 8;
	EQ(load_bytes(pack, n), -EBADMSG);
	says("is damaged");
}

TEST(B1_a_compressed_file_without_an_image_is_refused)
{
	start(32 * MIB);
	EQ(load_bytes(pack, gzip("hello", 5, pack, PACK)), -ENOEXEC);
	says("holds no arm64 Linux Image");
	EQ(load_bytes(pack, zstd("070701", 6, pack, PACK)), -ENOEXEC);
	says("holds what is a cpio archive");
	/* That the packed bytes are to run as they are is no remedy. */
	EQ(load_bytes(pack, gzip("hello\n", 6, pack, PACK)), -ENOEXEC);
	says("holds what is text, not a kernel; give an arm64 Linux Image, ELF "
	     "file or flat binary");
}

/* 200 MiB of zeroes behind a header that promises 1 MiB. */
static size_t bomb(bool with_header, uint64_t image_size)
{
	const size_t size = 200 * MIB;
	uint8_t *big = calloc(1, size);
	size_t n;

	OK(big);
	if (with_header)
		image_make(big, 64, 0, image_size, 0);
	n = gzip(big, size, pack, PACK);
	free(big);
	return n;
}

TEST(B1_a_gzip_bomb_is_refused_before_it_writes_to_ram)
{
	start(32 * MIB);
	EQ(load_bytes(pack, bomb(false, 0)), -ENOEXEC);
	says("holds no arm64");
	EQ(ram[0], 0xdd);
}

TEST(B1_a_gzip_bomb_in_the_guise_of_an_image_stops_at_its_image_size)
{
	start(32 * MIB);
	EQ(load_bytes(pack, bomb(true, MIB)), -EFBIG);
	says("unpacks to more than");
	EQ(ram[2 * MIB - 1], 0);
	EQ(ram[2 * MIB], 0xdd);
}

TEST(B1_a_gzip_bomb_in_the_guise_of_an_old_image_stops_at_the_end_of_ram)
{
	start(32 * MIB);
	EQ(load_bytes(pack, bomb(true, 0)), -EFBIG);
	says("give more --memory");
	EQ(ram[32 * MIB - 1], 0);
}

TEST(B1_a_zstd_bomb_stops_at_its_image_size)
{
	const size_t size = 100 * MIB;
	uint8_t *big = calloc(1, size);

	OK(big);
	start(32 * MIB);
	image_make(big, 64, 0, MIB, 0);
	EQ(load_bytes(pack, zstd(big, size, pack, PACK)), -EFBIG);
	free(big);
	says("unpacks to more than");
	EQ(ram[2 * MIB], 0xdd);
}

/* As `zstd --long` packs what comes from a pipe: its length is not known. */
static size_t zstd_long(const void *in, size_t len, uint8_t *out, size_t room,
			int window)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	ZSTD_inBuffer from = { in, len / 2, 0 };
	ZSTD_outBuffer to = { out, room, 0 };

	OK(z);
	OK(!ZSTD_isError(
		ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, 1)));
	OK(!ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window)));
	EQ(ZSTD_compressStream2(z, &to, &from, ZSTD_e_flush), 0);
	from.size = len;
	EQ(ZSTD_compressStream2(z, &to, &from, ZSTD_e_end), 0);
	ZSTD_freeCCtx(z);
	return to.pos;
}

TEST(a_zstd_frame_may_have_the_largest_window_there_is)
{
	uint8_t *boot_image = test_room(PACK);
	const int windows[] = { 28, 31 };
	unsigned i;
	size_t n;

	pack = test_room(PACK);
	machine_of(32 * MIB);
	image_good();
	for (i = 0; i < 2; i++) {
		n = zstd_long(img, IMG, pack, PACK, windows[i]);
		memset(ram, 0xdd, IMG);
		EQ(load_bytes(pack, n), 0);
		MEM_EQ(ram, img, IMG);
		n = zboot_make(boot_image, pack, n, "zstd22");
		memset(ram, 0xdd, IMG);
		EQ(load_bytes(boot_image, n), 0);
		MEM_EQ(ram, img, IMG);
	}
}
