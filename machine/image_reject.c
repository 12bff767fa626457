/* SPDX-License-Identifier: MIT */
/*
 * What people hand to a VMM by mistake, told by its first bytes.
 *
 * What is named here would otherwise run as a flat binary, in silence. So none
 * of these byte strings begins, or stands where it would in, an AArch64 program
 * that could be meant seriously; who means one takes --kernel-format flat.
 */
#include "machine/image_parts.h"

#include <errno.h>
#include <stdlib.h>

#define PE_AT 60 /* where its header is, tells a DOS header */

#define WANTED "give an arm64 Linux Image, ELF file or flat binary"

/* Of what a flat binary may have at its beginning after all. */
#define OR_FLAT \
	"give an arm64 Linux Image or ELF file, or add --kernel-format flat"

#define PACKED(how) "is compressed with " how "; unpack it, or use gzip or zstd"
#define OTHER(of)   "is a " of " kernel; give one built for arm64"
#define PROGRAM(of) "is a program for " of "; " WANTED
#define ARCHIVE	    "is an archive; give the kernel that is in it"
#define CPIO	    "is a cpio archive; give it with --initrd"
#define DISK	    "is a disk image; give it with --disk"
#define FILESYSTEM  "is a file system; give it with --disk"
#define ANDROID	    "is an Android boot image; give the kernel that is in it"
#define DATA	    "is a document or a picture, not a kernel; " WANTED

static const struct {
	unsigned off, len;
	const char *bytes;
	const char *verdict;
} rejects[] = {
	{ 0x202, 4, "HdrS", "is an x86 kernel; give one built for arm64" },
	{ 56, 4, "RSC\x05", OTHER("RISC-V") },
	{ 0x24, 4, "\x18\x28\x6f\x01",
	  "is a 32-bit ARM kernel; add --aarch32" },
	{ 56, 4, "\xcd\x23\x82\x81", OTHER("LoongArch") },
	{ 0, 4, "\x27\x05\x19\x56",
	  "is a U-Boot uImage; give the Image that it was made from" },
	{ 0, 4, "\xd0\x0d\xfe\xed",
	  "is a device tree or a FIT image; give the kernel alone" },
	{ 0, 4, "\xd7\xb7\xab\x1e",
	  "is a table of device trees; give the kernel alone" },
	{ 40, 4, "_FVH", "is UEFI firmware; give it with --firmware" },
	{ 0, 4, "\x01\x00\x64\xaa",
	  "is a package of firmware (FIP); give the kernel alone" },
	{ 0, 8, "ANDROID!", ANDROID },
	{ 0, 8, "VNDRBOOT", ANDROID },
	{ 0, 4, "AVB0", "is Android's signatures; give the kernel alone" },
	{ 0, 8, "CHROMEOS",
	  "is a ChromeOS kernel partition; give the kernel that is in it" },
	{ 0, 6, "\xfd\x37zXZ", PACKED("xz") },
	{ 0, 4, "\x02\x21\x4c\x18", PACKED("lz4") },
	{ 0, 4, "\x04\x22\x4d\x18", PACKED("lz4") },
	{ 0, 9, "\x89LZO\0\r\n\x1a\n", PACKED("lzop") },
	{ 0, 4, "LZIP", PACKED("lzip") },
	{ 0, 4, "LRZI", PACKED("lrzip") },
	{ 0, 3, "\x1f\x9d\x90", PACKED("compress") },
	{ 0, 4, "bvx2", PACKED("lzfse") },
	{ 0, 4, "bvxn", PACKED("lzfse") },
	{ 0, 10, "\xff\6\0\0sNaPpY", PACKED("snappy") },
	{ 0, 4, "PK\3\4", ARCHIVE },
	{ 0, 4, "PK\5\6", ARCHIVE },
	{ 0, 4, "PK\7\b", ARCHIVE },
	{ 0, 6, "7z\xbc\xaf\x27\x1c", ARCHIVE },
	{ 0, 6, "Rar!\x1a\7", ARCHIVE },
	{ 0, 8, "!<arch>\n", ARCHIVE },
	{ 0, 8, "!<thin>\n", ARCHIVE },
	{ 0, 4, "\xed\xab\xee\xdb", ARCHIVE },
	{ 0, 4, "ADBd", ARCHIVE },
	{ 0, 4, "ADB.", ARCHIVE },
	{ 0, 8, "MSCF\0\0\0\0", ARCHIVE },
	{ 0, 4, "xar!", ARCHIVE },
	{ 257, 5, "ustar", ARCHIVE },
	{ 0, 6, "070701", CPIO },
	{ 0, 6, "070702", CPIO },
	{ 0, 6, "070707", CPIO },
	{ 0, 3, "#!/", "is a script; " WANTED },
	{ 0, 4, "\xcf\xfa\xed\xfe", PROGRAM("macOS") },
	{ 0, 4, "\xce\xfa\xed\xfe", PROGRAM("macOS") },
	{ 0, 4, "\xfe\xed\xfa\xce", PROGRAM("macOS") },
	{ 0, 4, "\xfe\xed\xfa\xcf", PROGRAM("macOS") },
	{ 0, 4, "\xca\xfe\xba\xbe", PROGRAM("Java or macOS") },
	{ 0, 4, "\0asm", PROGRAM("WebAssembly") },
	{ 0, 4, "BC\xc0\xde", PROGRAM("LLVM, not for a processor") },
	{ 0, 4, "dex\n", PROGRAM("Android") },
	{ 0, 8, "KDUMP   ", "is a crash dump, not a kernel; " WANTED },
	{ 0, 4, "QFI\xfb", DISK },
	{ 0, 4, "QED", DISK },
	{ 0, 4, "KDMV", DISK },
	{ 0, 4, "COWD", DISK },
	{ 0, 8, "vhdxfile", DISK },
	{ 0, 8, "conectix", DISK },
	{ 0x40, 4, "\x7f\x10\xda\xbe", DISK },
	{ 0, 16, "WithoutFreeSpace", DISK },
	{ 0, 16, "WithouFreSpacExt", DISK },
	{ 0, 4, "\x3a\xff\x26\xed", DISK },
	{ 512, 8, "EFI PART", DISK },
	{ 512, 8, "LABELONE", DISK },
	{ 0, 6, "LUKS\xba\xbe", DISK },
	{ 0, 4, "hsqs", FILESYSTEM },
	{ 0, 4, "sqsh", FILESYSTEM },
	{ 0, 4, "XFSB", FILESYSTEM },
	{ 0, 4, "\x45\x3d\xcd\x28", FILESYSTEM },
	{ 0, 8, "-rom1fs-", FILESYSTEM },
	{ 0, 4, "UBI#", FILESYSTEM },
	{ 0, 4, "\x31\x18\x10\x06", FILESYSTEM },
	{ 0, 4, "\x85\x19\x03\x20", FILESYSTEM },
	{ 0, 4, "\x85\x19\x01\xe0", FILESYSTEM },
	{ 3, 8, "NTFS    ", FILESYSTEM },
	{ 3, 8, "EXFAT   ", FILESYSTEM },
	{ 54, 4, "FAT1", FILESYSTEM },
	{ 82, 5, "FAT32", FILESYSTEM },
	{ 0, 5, "%PDF-", DATA },
	{ 0, 8, "\x89PNG\r\n\x1a\n", DATA },
	{ 0, 3, "\xff\xd8\xff", DATA },
	{ 0, 4, "GIF8", DATA },
	{ 0, 15, "SQLite format 3", "is a database, not a kernel; " WANTED },
};

uint32_t image_pe_at(const struct head *h)
{
	uint32_t pe;

	if (!head_has(h, 0, "MZ", 2) || h->len < PE_AT + 4)
		return 0;
	pe = get_le32(h->byte + PE_AT);
	return head_has(h, pe, "PE\0\0", 4) ? pe : 0;
}

/*
 * Packings whose first bytes vary. LZMA: its usual properties, and a length that
 * is not told. zstd: frames to skip, and those of before 0.8.
 */
static const char *packing(const struct head *h)
{
	const uint8_t *b = h->byte;

	if (head_has(h, 0, "BZh", 3) && h->len > 3 && b[3] >= '1' &&
	    b[3] <= '9')
		return PACKED("bzip2");
	if (head_has(h, 0, "\x5d\0\0", 3) &&
	    head_has(h, 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8))
		return PACKED("lzma");
	if (head_has(h, 2, "-lh", 3) && head_has(h, 6, "-", 1))
		return ARCHIVE;
	if (head_has(h, 1, "\x2a\x4d\x18", 3) && b[0] >> 4 == 5)
		return PACKED("pzstd or lz4");
	return head_has(h, 1, "\xb5\x2f\xfd", 3) && b[0] >= 0x1e && b[0] <= 0x27
		       ? PACKED("an old zstd")
		       : NULL;
}

/* A partition table has flags that such a one has. */
static bool has_partitions(const struct head *h)
{
	unsigned i;

	if (!head_has(h, 510, "\x55\xaa", 2))
		return false;
	for (i = 446; i < 510 && !(h->byte[i] & 0x7f); i += 16)
		;
	return i >= 510;
}

/*
 * A tar archive of before ustar: its header's checksum, in octal digits, counts
 * itself as blanks.
 */
static bool is_tar(const struct head *h)
{
	char digits[9] = "";
	unsigned i, sum = 0;

	if (h->len < 512 || !h->byte[0])
		return false;
	memcpy(digits, h->byte + 148, 8);
	for (i = 0; i < 512; i++)
		sum += i - 148 < 8 ? ' ' : h->byte[i];
	return strtoul(digits, NULL, 8) == sum;
}

/* cpio's binary header: a kind of file, and a name that ends. */
static bool is_binary_cpio(const struct head *h)
{
	unsigned len;

	if (!head_has(h, 0, "\xc7\x71", 2) || h->len < 28)
		return false;
	len = get_le16(h->byte + 20);
	return get_le16(h->byte + 6) >> 12 && len > 1 &&
	       strnlen((const char *)h->byte + 26, h->len - 26) == len - 1;
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

	/* UTF-16 begins with its mark. */
	if (head_has(h, 0, "\xff\xfe", 2) && h->len > 3 && !h->byte[3])
		return true;
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

/* Nothing but @c? No program begins so, but most file systems and CDs do. */
static bool is_only(const struct head *h, uint8_t c)
{
	return h->len && h->byte[0] == c &&
	       !memcmp(h->byte, h->byte + 1, h->len - 1);
}

/* Of a file that is not packed; of what was, nobody knows what was meant. */
static const char *nothing_like_a_program(const struct head *h)
{
	if (is_text(h))
		return "is text, not a kernel; " OR_FLAT;
	if (is_only(h, 0))
		return "begins with zeroes: a disk or a file system goes to "
		       "--disk; " OR_FLAT;
	return is_only(h, 0xff) ? "is empty flash, not a kernel; " OR_FLAT
				: NULL;
}

/*
 * Where so few bytes prove nothing, more must hold. Of an A64 instruction whose
 * last byte is 0 there is none, so that no program begins as those for DOS do.
 */
static const char *look_closer(const struct head *h)
{
	if (image_pe_at(h))
		return "is an EFI program, not a kernel; " WANTED;
	if (head_has(h, 0, "MZ", 2) && h->len > 3 && !h->byte[3])
		return PROGRAM("DOS or Windows");
	if (has_partitions(h))
		return DISK;
	if (is_tar(h))
		return ARCHIVE;
	if (is_binary_cpio(h))
		return CPIO;
	return packing(h);
}

int image_reject(struct load *l, const struct head *h, const char *where)
{
	const char *verdict = NULL;
	unsigned i;

	for (i = 0; !verdict && i < sizeof(rejects) / sizeof(rejects[0]); i++)
		if (head_has(h, rejects[i].off, rejects[i].bytes,
			     rejects[i].len))
			verdict = rejects[i].verdict;
	if (!verdict)
		verdict = look_closer(h);
	if (!verdict && !*where)
		verdict = nothing_like_a_program(h);
	else if (!verdict && is_text(h))
		verdict = "is text, not a kernel; " WANTED;
	return verdict ? infile_err(&l->file, l->e, -ENOEXEC, "%s%s", where,
				    verdict)
		       : 0;
}
