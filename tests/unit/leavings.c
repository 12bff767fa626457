/* SPDX-License-Identifier: MIT */
/* What is noted goes, and nothing else. */
#include "host/leavings.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int dir;

static bool is_there(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	OK(fd >= 0);
	close(fd);
}

static void begin(void)
{
	dir = open(test_dir(), O_PATH | O_DIRECTORY);
	OK(dir >= 0);
}

TEST(what_is_noted_is_removed_and_what_is_kept_or_replaced_is_not)
{
	struct leaving a, b, c, none;

	begin();
	make("a");
	make("b");
	make("c");
	EQ(leaving_note(&none, dir, "none"), -ENOENT);
	leaving_remove(&none);
	EQ(leaving_note(&a, dir, "a"), 0);
	EQ(leaving_note(&b, dir, "b"), 0);
	EQ(leaving_note(&c, dir, "c"), 0);
	leaving_keep(&b);
	leaving_remove(&b);
	EQ(renameat(dir, "c", dir, "d"), 0);
	make("c");
	leaving_remove(&a);
	leaving_remove(&a);
	leavings_remove();
	OK(!is_there("a") && is_there("b") && is_there("c") && is_there("d"));
	leaving_remove(&c);
	OK(is_there("c"));
	EQ(unlinkat(dir, "b", 0) | unlinkat(dir, "c", 0) |
		   unlinkat(dir, "d", 0),
	   0);
}

TEST(a_directory_goes_after_what_is_in_it_whichever_was_noted_first)
{
	struct leaving in, file, other;

	begin();
	make("other");
	EQ(mkdirat(dir, "in", 0700), 0);
	make("in/file");
	EQ(leaving_note(&other, dir, "other"), 0);
	EQ(leaving_note(&in, dir, "in"), 0);
	leaving_remove(&other);
	EQ(leaving_note(&file, dir, "in/file"), 0);
	leavings_remove();
	OK(!is_there("in") && !is_there("other"));
}

TEST(more_than_there_is_room_for_are_removed_by_those_who_made_them)
{
	struct leaving l[100];
	char name[100][16];
	unsigned i;

	begin();
	for (i = 0; i < 100; i++) {
		snprintf(name[i], sizeof(name[i]), "%u", i);
		make(name[i]);
		EQ(leaving_note(&l[i], dir, name[i]), 0);
	}
	leavings_remove();
	OK(!is_there("0") && is_there("99"));
	for (i = 0; i < 100; i++)
		leaving_remove(&l[i]);
	OK(!is_there("99"));
	make("again");
	EQ(leaving_note(&l[0], dir, "again"), 0);
	leavings_remove();
	OK(!is_there("again"));
}
