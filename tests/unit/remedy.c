/* SPDX-License-Identifier: MIT */
#include "core/remedy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/ram.h"
#include "host/disk.h"
#include "machine/infile.h"
#include "tests/unit/test.h"

static struct err e;

static void limit(int resource, rlim_t n)
{
	struct rlimit l = { n, n };

	EQ(setrlimit(resource, &l), 0);
}

/* No more descriptors, as with a low ulimit -n. The first of those taken. */
static int use_up_descriptors(void)
{
	int first = dup(0);

	limit(RLIMIT_NOFILE, 32);
	while (dup(0) >= 0)
		;
	EQ(errno, EMFILE);
	return first;
}

TEST(each_error_that_a_file_can_give_has_a_remedy_of_its_own)
{
	static const int errs[] = { ENOENT, ENOTDIR, EISDIR, EACCES,
				    EPERM,  EROFS,   EMFILE, ENFILE,
				    ENOSPC, EDQUOT,  EFBIG,  ELOOP,
				    ENOMEM, ENXIO,   EBUSY,  ENAMETOOLONG,
				    ENODEV, ETXTBSY, EIO,    EADDRINUSE,
				    EAGAIN };
	unsigned i, j;

	for (i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		OK(*remedy(errs[i]));
		for (j = 0; j < i; j++)
			NE(strcmp(remedy(errs[i]), remedy(errs[j])), 0);
	}
	STR_EQ(remedy(0), "");
	EQ(err_host(&e, -EDOM, "%s", "x"), -EDOM);
	STR_EQ(e.text, "x: Numerical argument out of domain");
}

static const char *said(void)
{
	static char buf[1000];
	ssize_t n = pread(STDERR_FILENO, buf, sizeof(buf) - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

TEST(what_a_limit_denies_is_said_with_the_limit_and_other_failures_are_not)
{
	static const int limits[] = { EMFILE, ENFILE, EFBIG, ENOMEM, EAGAIN };
	unsigned i;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		STR_EQ(remedy_limit(limits[i]), remedy(limits[i]));
	OK(!remedy_limit(0));
	OK(!remedy_limit(EINVAL));
	/* A remedy for a path would be none for KVM. */
	OK(!remedy_limit(ENXIO));
	EQ(log_failure("a GIC", -ENXIO), -ENXIO);
	HAS(said(), "nestor: a GIC: No such device or address\n");
	EQ(log_failure("vCPU 3", -EMFILE), -EMFILE);
	HAS(said(), "nestor: vCPU 3: Too many open files; raise the limit on "
		    "open files (ulimit -n)\n");
	EQ(log_failure("threads", -EAGAIN), -EAGAIN);
	HAS(said(), "ulimit -u");
	HAS(said(), "ulimit -v");
	EQ(log_failure("nothing", 3), 0);
}

TEST(a_path_that_is_missing_is_told_from_a_link_and_from_a_directory)
{
	const char *link = test_path("l");

	EQ(symlink("nowhere", link), 0);
	err_path(&e, -ENOENT, "--disk", link);
	HAS(e.text, "/l: No such file or directory; it is a symbolic link that "
		    "leads nowhere");
	err_path(&e, -ENOENT, "--disk", test_path("d/e"));
	HAS(e.text, "the directory that it is to be in does not exist");
	err_path(&e, -ENOENT, "--disk", test_path("n"));
	HAS(e.text, "/n: No such file or directory; check the path");
}

TEST(a_long_path_leaves_room_for_the_remedy)
{
	char path[3000];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	EQ(err_path(&e, -ENAMETOOLONG, "--kernel", path), -ENAMETOOLONG);
	HAS(e.text, "aaa...: File name too long; give a shorter path");
}

TEST(without_descriptors_the_limit_is_named_whatever_was_to_be_opened)
{
	struct infile f;
	uint8_t *hva;
	int fd, first = use_up_descriptors();

	EQ(infile_open(&f, "--kernel", "/proc/self/exe", &e), -EMFILE);
	HAS(e.text, "ulimit -n");
	OK(!disk_open("/proc/self/exe", true, &e));
	HAS(e.text, "ulimit -n");
	EQ(ram_new(64 << 20, false, &hva, &fd, &e), -EMFILE);
	HAS(e.text, "ulimit -n");
	/* What looks for leaks needs some. */
	EQ(close_range(first, ~0u, 0), 0);
}

TEST(memory_that_is_a_file_meets_the_limit_on_files)
{
	uint8_t *hva;
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	limit(RLIMIT_FSIZE, 1 << 20);
	EQ(ram_new(64 << 20, false, &hva, &fd, &e), -EFBIG);
	HAS(e.text, "--memory 64M: the limit on the size of files is below");
	HAS(e.text, "ulimit -f");
}

TEST(a_path_of_links_that_lead_round_or_through_a_file_says_so)
{
	struct infile f;

	LT(infile_open(&f, "--kernel", "/proc/self/exe/x", &e), 0);
	HAS(e.text, "--kernel /proc/self/exe/x: cannot be opened (Not a "
		    "directory); check the path: a part of it is no directory");
}

TEST(want_of_memory_is_cured_by_the_limit_that_there_is)
{
	limit(RLIMIT_DATA, (rlim_t)1 << 50);
	STR_EQ(remedy(ENOMEM), "raise the limit on data (ulimit -d)");
	limit(RLIMIT_AS, (rlim_t)1 << 50);
	STR_EQ(remedy(ENOMEM), "raise the limit on address space (ulimit -v)");
	STR_EQ(remedy_memory(), remedy(ENOMEM));
}
