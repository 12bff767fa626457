/* SPDX-License-Identifier: MIT */
/*
 * Compressed kernels: gzip, zstd, and the EFI zboot image that wraps either.
 *
 * What is inside is looked at before anything is unpacked into RAM, so that
 * only an Image with a believable header gets to write there, no more than its
 * header and RAM have room for. The compressed bytes are kept in memory
 * meanwhile: a second pass over them needs no second buffer for the result.
 */
#include "machine/arch.h"
#include "machine/image_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/log.h"

/* zlib counts in 32 bits. */
#define CHUNK ((size_t)1 << 30)

/* What may stand behind image_size: a signature. */
#define IMAGE_SLACK MIB

/* drivers/firmware/efi/libstub/zboot-header.S */
#define ZBOOT_PAYLOAD_OFFSET 8
#define ZBOOT_PAYLOAD_SIZE   12
#define ZBOOT_TYPE	     24
#define ZBOOT_TYPE_LEN	     32

/* Bytes to unpack, and room for what comes out; both advance. */
struct stream {
	const uint8_t *in;
	size_t in_left;
	uint8_t *out;
	size_t out_left;
};

/*
 * The unpackers take one gzip member or zstd frame from @s. 0; -ENOSPC if the
 * room ends first, -ENODATA if the input does, -EBADMSG if it is damaged,
 * -E2BIG if its window is too large, -ENOMEM.
 */
static int gunzip(struct stream *s)
{
	z_stream z = { 0 };
	int ret;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return -ENOMEM;
	do {
		const size_t in = s->in_left < CHUNK ? s->in_left : CHUNK;
		const size_t out = s->out_left < CHUNK ? s->out_left : CHUNK;

		z.next_in = (Bytef *)s->in;
		z.avail_in = in;
		z.next_out = s->out;
		z.avail_out = out;
		ret = inflate(&z, Z_NO_FLUSH);
		s->in += in - z.avail_in;
		s->in_left -= in - z.avail_in;
		s->out += out - z.avail_out;
		s->out_left -= out - z.avail_out;
	} while (ret == Z_OK);
	inflateEnd(&z);
	switch (ret) {
	case Z_STREAM_END:
		return 0;
	case Z_BUF_ERROR:
		return s->out_left ? -ENODATA : -ENOSPC;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static int zstd_errno(size_t ret)
{
	switch (ZSTD_getErrorCode(ret)) {
	case ZSTD_error_dstSize_tooSmall:
		return -ENOSPC;
	case ZSTD_error_srcSize_wrong:
		return -ENODATA;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return -E2BIG;
	default:
		return -EBADMSG;
	}
}

/* In one go, straight to where it belongs: no window to allocate and copy. */
static int unzstd(struct stream *s)
{
	size_t n, in = ZSTD_findFrameCompressedSize(s->in, s->in_left);

	if (ZSTD_isError(in))
		return zstd_errno(in);
	n = ZSTD_decompress(s->out, s->out_left, s->in, in);
	if (ZSTD_isError(n))
		return zstd_errno(n);
	s->in += in;
	s->in_left -= in;
	s->out += n;
	s->out_left -= n;
	return 0;
}

/*
 * The beginning of a frame, which unzstd() cannot give. What is packed from a
 * pipe (zstd --long) may name a window of any size, whatever its length. The
 * library allocates it, but of that touches only what it writes: one block.
 */
static int unzstd_head(struct stream *s)
{
	ZSTD_inBuffer in = { s->in, s->in_left, 0 };
	ZSTD_outBuffer out = { s->out, s->out_left, 0 };
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t ret;
	int err = 0;

	if (!z)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(
		z, ZSTD_d_windowLogMax,
		ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound);
	do {
		const size_t before = in.pos + out.pos;

		ret = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(ret))
			err = zstd_errno(ret);
		else if (ret && out.pos < out.size && in.pos == in.size &&
			 in.pos + out.pos == before)
			err = -ENODATA;
	} while (!err && ret && out.pos < out.size);
	ZSTD_freeDStream(z);
	s->out += out.pos;
	s->out_left -= out.pos;
	return err;
}

static const struct {
	const char *name;
	uint8_t magic[4];
	unsigned magic_len;
	int (*unpack)(struct stream *);
	int (*unpack_head)(struct stream *);
} packings[] = {
	[PACK_GZIP] = { "gzip", "\x1f\x8b", 2, gunzip, gunzip },
	[PACK_ZSTD] = { "zstd", "\x28\xb5\x2f\xfd", 4, unzstd, unzstd_head },
};

static bool more(const struct stream *s, enum packing how)
{
	const unsigned n = packings[how].magic_len;

	return s->in_left >= n && !memcmp(s->in, packings[how].magic, n);
}

static int complain(struct load *l, enum packing how, int err)
{
	const char *name = packings[how].name;

	switch (err) {
	case -ENODATA:
		return infile_err(&l->file, l->e, err,
				  "is truncated: its %s data end early; get it "
				  "again",
				  name);
	case -ENOMEM:
		return infile_err(&l->file, l->e, err,
				  "cannot be unpacked: the host is out of "
				  "memory");
	case -E2BIG:
		return infile_err(
			&l->file, l->e, err,
			"wants a window that is too large for this "
			"nestor; pack it with zstd --long=31 or less");
	case -ENOSPC:
		return infile_err(
			&l->file, l->e, -EFBIG,
			"unpacks to more than its header and %llu MiB "
			"of guest memory have room for; give more "
			"--memory or another kernel",
			(unsigned long long)(l->m->ram_size / MIB));
	default:
		return infile_err(&l->file, l->e, err,
				  "is damaged: its %s data make no sense; get "
				  "it again",
				  name);
	}
}

/* Look at what @in unpacks to, and choose its place. */
static int place(struct load *l, enum packing how, const struct stream *in)
{
	struct stream s = *in;
	struct head h;
	int err;

	s.out = h.byte;
	s.out_left = sizeof(h.byte);
	err = packings[how].unpack_head(&s);
	if (err && err != -ENOSPC)
		return complain(l, how, err);
	h.len = sizeof(h.byte) - s.out_left;
	if (arch_image_is(&h))
		return arch_image_place(l, &h, h.len);
	err = image_reject(l, &h, "holds what ");
	if (err)
		return err;
	return infile_err(&l->file, l->e, -ENOEXEC,
			  "is compressed, but holds no arm64 Linux Image; "
			  "unpack it to have it taken as it is");
}

static int unpack(struct load *l, enum packing how, const struct stream *in)
{
	struct range *k = &l->b->kernel;
	size_t room = ram_end(l->m) - k->base;
	struct stream s = *in;
	struct iovec iov;
	int err;

	if (l->b->kind == BOOT_IMAGE && room > k->size + IMAGE_SLACK)
		room = k->size + IMAGE_SLACK;
	if (gmem_map(l->mem, k->base, room, &iov, 1) != 1)
		return image_too_big(l, k->base - arch_map.ram + room);
	s.out = iov.iov_base;
	s.out_left = room;
	do {
		err = packings[how].unpack(&s);
	} while (!err && more(&s, how));
	if (err)
		return complain(l, how, err);
	if (room - s.out_left > k->size)
		k->size = room - s.out_left;
	return 0;
}

int image_load_packed(struct load *l, enum packing how, uint64_t off,
		      uint64_t len)
{
	struct stream in = { .in_left = len };
	uint8_t *buf;
	int err;

	if (len > l->m->ram_size)
		return image_too_big(l, len);
	buf = malloc(len);
	if (!buf)
		return complain(l, how, -ENOMEM);
	in.in = buf;
	err = infile_read(&l->file, off, buf, len, l->e);
	if (!err)
		err = place(l, how, &in);
	if (!err)
		err = unpack(l, how, &in);
	free(buf);
	return err;
}

int image_load_zboot(struct load *l)
{
	const struct infile *f = &l->file;
	const uint8_t *h = l->head.byte;
	char type[ZBOOT_TYPE_LEN + 1] = "";
	uint32_t off, len;
	char *c;

	if (l->head.len < ZBOOT_TYPE + ZBOOT_TYPE_LEN)
		return infile_err(f, l->e, -ENODATA,
				  "is truncated: its EFI zboot header is cut "
				  "off; get it again");
	off = get_le32(h + ZBOOT_PAYLOAD_OFFSET);
	len = get_le32(h + ZBOOT_PAYLOAD_SIZE);
	memcpy(type, h + ZBOOT_TYPE, ZBOOT_TYPE_LEN);
	if (off > f->size || len > f->size - off || !len)
		return infile_err(f, l->e, -ENODATA,
				  "is truncated or damaged: it has %llu bytes, "
				  "and its payload is %u bytes at %u; get it "
				  "again",
				  (unsigned long long)f->size, len, off);
	if (!strcmp(type, "gzip"))
		return image_load_packed(l, PACK_GZIP, off, len);
	/* The kernel's build calls its best level zstd22. */
	if (!strcmp(type, "zstd") || !strcmp(type, "zstd22"))
		return image_load_packed(l, PACK_ZSTD, off, len);
	for (c = type; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	return infile_err(f, l->e, -ENOEXEC,
			  "is an EFI zboot kernel compressed with \"%s\"; give "
			  "one that uses gzip or zstd, or the plain Image",
			  type);
}
