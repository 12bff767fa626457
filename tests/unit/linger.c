/* SPDX-License-Identifier: MIT */
#include "host/linger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/test.h"

static const char *path;

static bool is_locked(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool locked = flock(fd, LOCK_EX | LOCK_NB) < 0;

	close(fd);
	return locked;
}

/* Locks the file for as long as the address space maps it. */
static void lock_by_mapping(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	EQ(flock(fd, LOCK_EX), 0);
	OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	close(fd);
}

/* How many entries /proc/@pid/@dir has; -1 if there is none such. */
static int entries(pid_t pid, const char *dir)
{
	char name[64];
	DIR *d;
	int n = -2;

	snprintf(name, sizeof(name), "/proc/%d/%s", pid, dir);
	d = opendir(name);
	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static pid_t only_child(pid_t pid)
{
	char name[64];
	int child = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(name, "r");
	if (!f || fscanf(f, "%d", &child) != 1)
		child = 0;
	if (f)
		fclose(f);
	return child;
}

/*
 * A process that lingers, then waits to be told to exit: so that what holds
 * while both live can be looked at.
 */
TEST(the_address_space_outlives_the_process_and_nothing_stays)
{
	int out[2], go[2], fd, status;
	pid_t pid, task;
	char c;

	path = test_path("file");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	OK(fd >= 0 && ftruncate(fd, 4096) == 0);
	close(fd);
	EQ(pipe2(out, O_CLOEXEC), 0);
	EQ(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(out[0]);
		close(go[1]);
		lock_by_mapping();
		linger();
		if (write(out[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(7);
	}
	close(out[1]);
	close(go[0]);
	EQ(read(out[0], &c, 1), 1);
	task = only_child(pid);
	OK(task > 0);
	/* It holds no descriptor, and no signal of a terminal ends it. */
	AWAIT(entries(task, "fd") == 0);
	EQ(kill(task, SIGINT), 0);
	EQ(kill(task, SIGTERM), 0);
	OK(is_locked());
	EQ(write(go[1], "x", 1), 1);
	/* The end of our output, then ours, then that of the memory. */
	EQ(read(out[0], &c, 1), 0);
	EQ(waitpid(pid, &status, 0), pid);
	OK(WIFEXITED(status));
	EQ(WEXITSTATUS(status), 7);
	AWAIT(!is_locked());
	AWAIT(entries(task, "task") == -1 || kill(task, 0) < 0);
}
