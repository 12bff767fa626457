/* SPDX-License-Identifier: MIT */
/*
 * nestor run under each limit that is too low for it, against the scripted KVM:
 * wherever that is met, one says so and how to raise it, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cmd/cmd.h"
#include "tests/unit/board_rig.h"

static char said[4096];

/* A start with most that takes descriptors; what a VM has open, it has then. */
static int start(void)
{
	char *argv[] = { "run",
			 "-k",
			 board_rig_kernel,
			 "--runtime-dir",
			 "vms",
			 "--name",
			 "x",
			 "-c",
			 "3",
			 "-d",
			 "disk",
			 "--vsock",
			 "sock",
			 "--port",
			 "a=unix:a",
			 "--port",
			 "b=file:b",
			 "--port",
			 "c=pty",
			 "--balloon",
			 "--watchdog",
			 "--stats",
			 "stats",
			 "--log",
			 "log",
			 "-m",
			 "32M",
			 "--timeout",
			 "60",
			 "--initrd",
			 "disk",
			 "--fw-cfg",
			 "opt/x=disk",
			 "--console",
			 "none" };

	fake_kvm_reset();
	return command_run.run(sizeof(argv) / sizeof(*argv), argv);
}

/* The status, by a process of its own that may have @n of @resource. */
static int start_with(int resource, rlim_t n)
{
	const struct rlimit l = { n, n };
	int status, fds[2];
	pid_t child;
	ssize_t len;

	EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (!child) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(setrlimit(resource, &l) ? 99 : start());
	}
	EQ(waitpid(child, &status, 0), child);
	len = read(fds[0], said, sizeof(said) - 1);
	said[len < 0 ? 0 : len] = '\0';
	close(fds[0]);
	close(fds[1]);
	if (!WIFEXITED(status))
		return -WTERMSIG(status);
	return WEXITSTATUS(status);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void set_up(void)
{
	int fd;

	board_rig_config();
	OK(!chdir(test_dir()));
	EQ(mkdir("vms", 0700), 0);
	fd = open("disk", O_RDWR | O_CREAT, 0600);
	EQ(ftruncate(fd, 1 << 20), 0);
	close(fd);
}

static void leaves_nothing(void)
{
	OK(!is_there("a"));
	OK(!is_there("sock"));
	EQ(rmdir("vms"), 0);
	EQ(mkdir("vms", 0700), 0);
}

TEST(wherever_open_files_run_out_the_limit_is_named_and_nothing_is_left)
{
	int status, fd, n, refused = 0;

	set_up();
	fd = dup(0);
	close(fd);
	for (n = fd;; n++) {
		status = start_with(RLIMIT_NOFILE, n);
		leaves_nothing();
		if (status == STATUS_KVM)
			break;
		if (status != STATUS_USAGE || !strstr(said, "ulimit -"))
			fprintf(stderr, "%d files: %s", n, said);
		EQ(status, STATUS_USAGE);
		HAS(said, "ulimit -");
		refused++;
	}
	LT(20, refused);
}

TEST(wherever_a_file_would_grow_too_long_the_limit_is_named)
{
	static const rlim_t limits[] = { 0, 1, 64, 100, 1000, 4096, 1 << 20 };
	unsigned i;
	int status;

	set_up();
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		status = start_with(RLIMIT_FSIZE, limits[i]);
		leaves_nothing();
		if (status == STATUS_KVM)
			continue;
		EQ(status, STATUS_USAGE);
		HAS(said, "ulimit -f");
	}
}
