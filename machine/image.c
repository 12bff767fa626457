/* SPDX-License-Identifier: MIT */
/*
 * Kernels: tell what a file is, and load the two formats that go straight into
 * RAM, the Image and the flat binary.
 *
 * A file's first bytes are read once and decide everything; the file itself is
 * then read where it will run, with no buffer in between. Formats that only one
 * architecture has are known to that one (machine/arch.h).
 */
#include "machine/image.h"

#include <errno.h>

#include "machine/arch.h"
#include "machine/image_parts.h"
#include "core/log.h"

#define PE_AT 60 /* where its header is, tells a DOS header */

#define WANTED "give an arm64 Linux Image, ELF file or flat binary"

#define PACKED(how) "is compressed with " how "; unpack it, or use gzip or zstd"
#define ARCHIVE	    "is an archive; give the kernel that is in it"
#define DISK	    "is a disk image; give it with --disk"
#define FILESYSTEM  "is a file system; give it with --disk"
#define ANDROID	    "is an Android boot image; give the kernel that is in it"

/*
 * What people hand to a VMM by mistake. None of these byte strings begins, or
 * stands where it would in, an AArch64 program that could be meant seriously.
 */
static const struct {
	unsigned off, len;
	const char *bytes;
	const char *verdict;
} rejects[] = {
	{ 0x202, 4, "HdrS", "is an x86 kernel; give one built for arm64" },
	{ 56, 4, "RSC\x05", "is a RISC-V kernel; give one built for arm64" },
	{ 0x24, 4, "\x18\x28\x6f\x01",
	  "is a 32-bit ARM kernel; add --aarch32" },
	{ 0, 4, "\x27\x05\x19\x56",
	  "is a U-Boot uImage; give the Image that it was made from" },
	{ 0, 4, "\xd0\x0d\xfe\xed",
	  "is a device tree or a FIT image; give the kernel alone" },
	{ 0, 4, "\xd7\xb7\xab\x1e",
	  "is a table of device trees; give the kernel alone" },
	{ 0, 8, "ANDROID!", ANDROID },
	{ 0, 8, "VNDRBOOT", ANDROID },
	{ 0, 6, "\xfd\x37zXZ", PACKED("xz") },
	{ 0, 4, "BZh9", PACKED("bzip2") },
	{ 0, 4, "\x02\x21\x4c\x18", PACKED("lz4") },
	{ 0, 4, "\x04\x22\x4d\x18", PACKED("lz4") },
	{ 0, 9, "\x89LZO\0\r\n\x1a\n", PACKED("lzop") },
	{ 0, 4, "LZIP", PACKED("lzip") },
	{ 0, 4, "PK\3\4", ARCHIVE },
	{ 0, 6, "7z\xbc\xaf\x27\x1c", ARCHIVE },
	{ 0, 6, "Rar!\x1a\7", ARCHIVE },
	{ 0, 8, "!<arch>\n", ARCHIVE },
	{ 0, 4, "\xed\xab\xee\xdb", ARCHIVE },
	{ 257, 5, "ustar", ARCHIVE },
	{ 0, 6, "070701", "is a cpio archive; give it with --initrd" },
	{ 0, 6, "070702", "is a cpio archive; give it with --initrd" },
	{ 0, 6, "070707", "is a cpio archive; give it with --initrd" },
	{ 0, 3, "#!/", "is a script; " WANTED },
	{ 0, 4, "\xcf\xfa\xed\xfe", "is a program for macOS; " WANTED },
	{ 0, 4, "QFI\xfb", DISK },
	{ 0, 4, "KDMV", DISK },
	{ 0, 8, "vhdxfile", DISK },
	{ 0, 8, "conectix", DISK },
	{ 0x40, 4, "\x7f\x10\xda\xbe", DISK },
	{ 0, 4, "\x3a\xff\x26\xed", DISK },
	{ 512, 8, "EFI PART", DISK },
	{ 0, 4, "hsqs", FILESYSTEM },
	{ 0, 4, "XFSB", FILESYSTEM },
};

/*
 * Where so few bytes prove nothing, more must hold. LZMA: its usual properties,
 * and a length that is not told. A partition table: flags that such a one has.
 */
static const char *look_closer(const uint8_t *b, size_t len)
{
	static const uint8_t ones[8] = {
		255, 255, 255, 255, 255, 255, 255, 255
	};
	unsigned i;

	if (len >= 13 && !memcmp(b, "\x5d\0\0", 3) && !memcmp(b + 5, ones, 8))
		return PACKED("lzma");
	if (len < 512 || b[510] != 0x55 || b[511] != 0xaa)
		return NULL;
	for (i = 446; i < 510 && !(b[i] & 0x7f); i += 16)
		;
	return i < 510 ? NULL : DISK;
}

int image_reject(struct load *l, const struct head *h, const char *where)
{
	const char *verdict = look_closer(h->byte, h->len);
	unsigned i;

	for (i = 0; !verdict && i < sizeof(rejects) / sizeof(rejects[0]); i++)
		if (head_has(h, rejects[i].off, rejects[i].bytes,
			     rejects[i].len))
			verdict = rejects[i].verdict;
	return verdict ? infile_err(&l->file, l->e, -ENOEXEC, "%s%s", where,
				    verdict)
		       : 0;
}

int image_too_big(struct load *l, uint64_t end)
{
	uint64_t need = (align_up(end, 2 * MIB) + 2 * MIB) / MIB;

	return infile_err(&l->file, l->e, -EFBIG,
			  "does not fit into %llu MiB: with its device tree it "
			  "needs at least %llu MiB; give --memory %lluM",
			  (unsigned long long)(l->m->ram_size / MIB),
			  (unsigned long long)need, (unsigned long long)need);
}

int image_check_params(struct load *l, size_t limit)
{
	const size_t len = l->m->params ? strlen(l->m->params) : 0;

	return len < limit
		       ? 0
		       : err_set(l->e, -E2BIG,
				 "--params: the command line has %zu "
				 "characters, of which this kernel sees %zu; "
				 "shorten it",
				 len, limit - 1);
}

/* Text as short as this may be anything. */
#define WORD 64

/* The bytes of the UTF-8 character at @p, of @left at most; 0: it is none. */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	size_t i, n = *p >= 0xc2 && *p < 0xe0	? 2
		      : *p >= 0xe0 && *p < 0xf0 ? 3
		      : *p >= 0xf0 && *p < 0xf5 ? 4
						: 0;

	for (i = 1; i < n && i < left; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/*
 * Is all of its beginning text, with a line's end or longer than a word: a
 * script, a page from the web that was to be a kernel, a pointer of git-lfs? No
 * program is: what stops or calls, and any branch back, has bytes that no text
 * has.
 */
static bool is_text(const struct head *h)
{
	size_t i, n;

	for (i = 0; i < h->len; i += n) {
		const uint8_t c = h->byte[i];

		n = (c >= ' ' && c < 0x7f) || (c >= '\t' && c <= '\r') ||
				    c == 0x1b
			    ? 1
			    : utf8_len(h->byte + i, h->len - i);
		if (!n)
			return false;
	}
	return h->len > WORD || memchr(h->byte, '\n', h->len);
}

/* No program begins with zeroes, but most file systems and CDs do. */
static bool is_zero(const struct head *h)
{
	static const uint8_t zero[HEAD_SIZE];

	return h->len == HEAD_SIZE && !memcmp(h->byte, zero, HEAD_SIZE);
}

/*
 * Where the last section of a PE file ends, as far as its head tells: 0 if
 * that is none. This is the only hint that an Image was cut short.
 */
static uint64_t pe_end(const struct head *h)
{
	uint64_t sec, end = 0;
	uint32_t pe, n;

	if (!head_has(h, 0, "MZ", 2) || h->len < PE_AT + 4)
		return 0;
	pe = get_le32(h->byte + PE_AT);
	if (!head_has(h, pe, "PE\0\0", 4) || h->len - pe < 24)
		return 0;
	sec = (uint64_t)pe + 24 + get_le16(h->byte + pe + 20);
	for (n = get_le16(h->byte + pe + 6); n; n--, sec += 40) {
		uint64_t e;

		if (sec > h->len || h->len - sec < 40)
			break;
		e = (uint64_t)get_le32(h->byte + sec + 16) +
		    get_le32(h->byte + sec + 20);
		if (e > end)
			end = e;
	}
	return end;
}

static int load_image(struct load *l)
{
	uint64_t end = pe_end(&l->head);
	int err;

	if (end > l->file.size)
		return infile_err(&l->file, l->e, -ENODATA,
				  "is truncated: it has %llu of %llu bytes; "
				  "get it again",
				  (unsigned long long)l->file.size,
				  (unsigned long long)end);
	err = arch_image_place(l, &l->head, l->file.size);
	if (err)
		return err;
	return infile_load(&l->file, 0, l->mem, l->b->kernel.base, l->file.size,
			   l->e);
}

int image_load_flat(struct load *l)
{
	const uint64_t size = l->file.size;

	if (pe_end(&l->head))
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "is an EFI program, not a kernel; " WANTED);
	if (is_text(&l->head))
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "is text, not a kernel; " WANTED);
	if (is_zero(&l->head))
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "begins with zeroes: a disk or a file system "
				  "goes to --disk; " WANTED);
	if (size > SIZE_LIMIT || TEXT_OFFSET > l->m->ram_size ||
	    size > l->m->ram_size - TEXT_OFFSET)
		return image_too_big(l, size + TEXT_OFFSET);
	l->b->kind = BOOT_OPEN;
	l->b->kernel.base = arch_map.ram + TEXT_OFFSET;
	l->b->kernel.size = size;
	l->b->entry = l->b->kernel.base;
	return infile_load(&l->file, 0, l->mem, l->b->kernel.base, size, l->e);
}

static int load_any(struct load *l)
{
	const struct head *h = &l->head;
	int err;

	if (arch_image_load(l, &err))
		return err;
	if (arch_image_is(h))
		return load_image(l);
	if (head_has(h, 0, "\x1f\x8b", 2))
		return image_load_packed(l, PACK_GZIP, 0, l->file.size);
	if (head_has(h, 0, "\x28\xb5\x2f\xfd", 4))
		return image_load_packed(l, PACK_ZSTD, 0, l->file.size);
	if (head_has(h, 0, "MZ", 2) && head_has(h, 4, "zimg", 4))
		return image_load_zboot(l);
	if (head_has(h, 0, ELF_MAGIC, 4))
		return image_load_elf(l);
	err = image_reject(l, h, "");
	return err ? err : image_load_flat(l);
}

int image_load_kernel(const struct gmem *mem, const struct machine *m,
		      const struct infile *kernel, struct boot *b,
		      struct err *e)
{
	struct load l = { .mem = mem, .m = m, .file = *kernel, .b = b, .e = e };
	int err;

	l.head.len = l.file.size < HEAD_SIZE ? l.file.size : HEAD_SIZE;
	err = infile_read(&l.file, 0, l.head.byte, l.head.len, e);
	return err ? err : load_any(&l);
}
