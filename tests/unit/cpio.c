/* SPDX-License-Identifier: MIT */
#include "host/cpio.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/unit/test.h"

/* One entry, as a reader of the format finds it. */
struct entry {
	char name[256];
	unsigned mode, nlink, major, minor;
	size_t size;
	char data[65536 + 16];
};

#define ARCHIVE (1 << 18)
static char *archive;
static size_t archive_len, at;

static void finish(struct cpio *c)
{
	int fd = cpio_finish(c);

	OK(fd >= 0);
	archive = test_room(ARCHIVE);
	archive_len = pread(fd, archive, ARCHIVE, 0);
	close(fd);
	at = 0;
}

static unsigned field(size_t off, unsigned n)
{
	char hex[9] = "";

	memcpy(hex, archive + off + 6 + 8 * n, 8);
	return strtoul(hex, NULL, 16);
}

/* False at the trailer. */
static bool next(struct entry *e)
{
	size_t name_len;

	EQ(at % 4, 0);
	OK(at + 110 <= archive_len);
	MEM_EQ(archive + at, "070701", 6);
	e->mode = field(at, 1);
	e->nlink = field(at, 4);
	e->size = field(at, 6);
	e->major = field(at, 9);
	e->minor = field(at, 10);
	name_len = field(at, 11);
	STR_EQ((strcpy(e->name, archive + at + 110)), archive + at + 110);
	EQ(strlen(e->name) + 1, name_len);
	at += (110 + name_len + 3) & ~3ul;
	OK(at + e->size <= archive_len && e->size < sizeof(e->data));
	memcpy(e->data, archive + at, e->size);
	e->data[e->size] = '\0';
	at += (e->size + 3) & ~3ul;
	return strcmp(e->name, "TRAILER!!!");
}

static struct entry e;

TEST(an_archive_holds_what_was_put_into_it_in_order)
{
	struct cpio *c = cpio_new();

	cpio_bytes(c, "/nestor/run", 0755, "hello", 5);
	cpio_link(c, "/bin", "usr/bin");
	cpio_device(c, "/dev/console", S_IFCHR | 0600, makedev(5, 1));
	finish(c);
	OK(next(&e));
	STR_EQ(e.name, "nestor");
	EQ(e.mode, S_IFDIR | 0755);
	OK(next(&e));
	STR_EQ(e.name, "nestor/run");
	EQ(e.mode, S_IFREG | 0755);
	STR_EQ(e.data, "hello");
	OK(next(&e));
	STR_EQ(e.name, "bin");
	EQ(e.mode, S_IFLNK | 0777);
	STR_EQ(e.data, "usr/bin");
	OK(next(&e));
	STR_EQ(e.name, "dev");
	OK(next(&e));
	STR_EQ(e.name, "dev/console");
	EQ(e.mode, S_IFCHR | 0600);
	EQ(e.major, 5);
	EQ(e.minor, 1);
	OK(!next(&e));
	EQ(at, archive_len);
}

TEST(a_path_is_put_in_once_and_stays_what_it_was)
{
	struct cpio *c = cpio_new();

	cpio_bytes(c, "/a/b", 0644, "first", 5);
	OK(cpio_has(c, "/a/b") && cpio_has(c, "/a") && !cpio_has(c, "/b"));
	cpio_bytes(c, "/a/b", 0644, "second", 6);
	cpio_dir(c, "/a", 0700);
	cpio_dir(c, "/", 0700);
	finish(c);
	OK(next(&e) && next(&e));
	STR_EQ(e.data, "first");
	OK(!next(&e));
}

TEST(a_file_of_any_length_is_copied_whole)
{
	static const size_t lens[] = { 0, 1, 3, 4, 65535, 65536 };
	static char buf[65536];
	unsigned i;

	memset(buf, 'x', sizeof(buf));
	for (i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct cpio *c = cpio_new();
		int fd = memfd_create("file", 0);

		EQ(write(fd, buf, lens[i]), lens[i]);
		cpio_file(c, "/f", 0600, fd);
		cpio_bytes(c, "/g", 0600, "behind", 6);
		close(fd);
		finish(c);
		OK(next(&e));
		EQ(e.size, lens[i]);
		MEM_EQ(e.data, buf, lens[i]);
		OK(next(&e));
		STR_EQ(e.data, "behind");
		OK(!next(&e));
	}
}

TEST(a_file_of_4_GiB_fails_the_archive)
{
	struct cpio *c = cpio_new();
	int fd = memfd_create("file", 0);

	EQ(ftruncate(fd, 1ll << 32), 0);
	cpio_file(c, "/f", 0600, fd);
	cpio_bytes(c, "/g", 0600, "x", 1);
	EQ(cpio_finish(c), -EFBIG);
	close(fd);
}
