/* SPDX-License-Identifier: MIT */
#include "host/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/log.h"
#include "tests/unit/test.h"

static struct err e;

/* An empty directory to be in. */
static void a_directory(void)
{
	EQ(chdir(test_dir()), 0);
}

static const char *contents(const char *path)
{
	static char buf[64];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	close(fd);
	buf[n < 0 ? 0 : n] = 0;
	return n < 0 ? NULL : buf;
}

TEST(a_file_is_replaced_and_not_written_into)
{
	a_directory();
	EQ(output_write("f", "old and long", 12, &e), 0);
	EQ(link("f", "kept"), 0);
	EQ(output_write("f", "new", 3, &e), 0);
	STR_EQ(contents("f"), "new");
	STR_EQ(contents("kept"), "old and long");
}

TEST(a_symbolic_link_stays_and_its_file_is_replaced)
{
	struct stat st;

	a_directory();
	EQ(symlink("f", "link"), 0);
	EQ(output_write("f", "old", 3, &e), 0);
	EQ(output_write("link", "new", 3, &e), 0);
	EQ(lstat("link", &st), 0);
	OK(S_ISLNK(st.st_mode));
	STR_EQ(contents("f"), "new");
}

static int could_write(const char *path, struct err *why)
{
	struct output *o;
	int r = output_open(path, &o, why);

	if (!r)
		output_close(o);
	return r;
}

TEST(an_open_output_needs_its_path_no_more)
{
	struct output *o;
	const char *here = test_path("here"), *moved = test_path("moved");

	EQ(mkdir(here, 0700), 0);
	EQ(chdir(here), 0);
	EQ(output_open("f", &o, &e), 0);
	STR_EQ(output_path(o), "f");
	EQ(rename(here, moved), 0);
	EQ(chdir("/"), 0);
	EQ(output_put(o, "one", 3, &e), 0);
	EQ(output_put(o, "two", 3, &e), 0);
	output_close(o);
	EQ(chdir(moved), 0);
	STR_EQ(contents("f"), "two");
	EQ(unlink("f"), 0);
	EQ(rmdir(moved), 0);
}

TEST(what_could_be_written_passes_the_check_and_nothing_is_left)
{
	a_directory();
	EQ(could_write("-", &e), 0);
	EQ(could_write("/dev/null", &e), 0);
	EQ(could_write("f", &e), 0);
	OK(!contents("f"));
	EQ(output_write("f", "old", 3, &e), 0);
	EQ(could_write("f", &e), 0);
	STR_EQ(contents("f"), "old");
	EQ(unlink("f"), 0);
	EQ(rmdir(test_dir()), 0);
}

TEST(what_cannot_be_written_is_refused_by_name)
{
	a_directory();
	EQ(could_write("none/f", &e), -ENOENT);
	STR_EQ(e.text, "cannot write none/f: No such file or directory; the "
		       "directory that it is to be in does not exist: make "
		       "it, or check the path");
	EQ(could_write(".", &e), -EISDIR);
	EQ(mkfifo("fifo", 0600), 0);
	EQ(could_write("fifo", &e), -EINVAL);
	HAS(e.text, "fifo: is a FIFO; give a regular file");
}
