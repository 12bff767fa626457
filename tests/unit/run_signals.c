/* SPDX-License-Identifier: MIT */
/* The last resort: a loop that never turns does not keep nestor alive. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "host/leavings.h"
#include "host/output.h"
#include "host/rundir.h"
#include "host/unix.h"
#include "run/exit.h"
#include "run/run_impl.h"
#include "tests/unit/test.h"

static const char *path;
static struct rundir *base;
static struct run run;
static struct config config;

static void make(void)
{
	struct err e;

	path = test_dir();
	EQ(rundir_open(path, true, &base, &e), 0);
	EQ(vmdir_new(base, "x", "cpus = 1\n", &run.dir, &e), 0);
	run.cfg = &config;
	run.loop = loop_new();
	EQ(run_signals_catch(&run), 0);
	run_signals_built(&run);
}

/* What is written down of its end. */
static const char *end_of_x(void)
{
	static char text[256];
	int fd = openat(vmdir_fd(run.dir), "end.json", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* The status of a process that does @fn and then waits for ever. */
static int status_of(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		/* What it says is no part of the test. */
		close(STDERR_FILENO);
		fn();
		for (;;)
			pause();
	}
	OK(pid > 0 && waitpid(pid, &status, 0) == pid);
	OK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void unmake(void)
{
	vmdir_close(run.dir, false);
	rundir_close(base);
	run_signals_close(&run);
	loop_free(run.loop);
	EQ(rmdir(path), 0);
}

/* Whoever asks again until it happens. */
static void insist(void)
{
	raise(SIGTERM);
	for (;;)
		raise(SIGINT);
}

TEST(who_insists_leaves_a_loop_that_has_not_taken_the_first_signal)
{
	make();
	EQ(status_of(insist), STATUS_SIGNAL + SIGINT);
	STR_EQ(end_of_x(), "{\"cause\":\"signal\",\"status\":130,\"detail\":"
			   "\"something hung, and was left behind\"}");
	unmake();
}

static void soon(void)
{
	struct ending end = ending_of(CAUSE_TIMEOUT);

	run_signals_deadline(1, &end);
}

TEST(a_deadline_that_has_passed_leaves_with_its_status)
{
	make();
	EQ(status_of(soon), STATUS_TIMEOUT);
	HAS(end_of_x(), "\"cause\":\"timeout\",\"status\":124");
	unmake();
}

static void ends_and_hangs(void)
{
	struct ending end = ending_of(CAUSE_POWEROFF);

	run_signals_ending(&end);
	insist();
}

TEST(who_insists_during_the_end_leaves_with_the_status_of_that_end)
{
	make();
	EQ(status_of(ends_and_hangs), STATUS_OFF);
	HAS(end_of_x(), "\"cause\":\"poweroff\",\"status\":0,");
	unmake();
}

static void written_and_hangs(void)
{
	vmdir_ended(run.dir, "{}");
	run_signals_written();
	ends_and_hangs();
}

TEST(an_end_that_is_written_down_is_not_written_again)
{
	make();
	EQ(status_of(written_and_hangs), STATUS_OFF);
	STR_EQ(end_of_x(), "{}");
	unmake();
}

static void take_one(struct task *t)
{
	(void)t;
	loop_stop(run.loop);
}

/* timeout(1) sends its signal twice, a terminal that goes away two kinds. */
TEST(signals_that_come_at_once_are_one_end_by_the_first)
{
	struct task stop = { .fn = take_one };

	make();
	raise(SIGTERM);
	raise(SIGTERM);
	raise(SIGHUP);
	EQ(run_signals_waiting(), SIGTERM);
	loop_post(run.loop, &stop);
	EQ(loop_run(run.loop), 0);
	OK(run.ended);
	EQ(run.end.status, STATUS_SIGNAL + SIGTERM);
	STR_EQ(run.end.detail, "SIGTERM");
	raise(SIGTERM);
	EQ(run_signals_waiting(), SIGTERM);
	loop_unpost(&stop);
	unmake();
}

TEST(what_was_ignored_from_the_start_stays_so)
{
	signal(SIGHUP, SIG_IGN);
	make();
	raise(SIGHUP);
	EQ(run_signals_waiting(), 0);
	unmake();
}

/* --- what is in the file system only as long as nestor lives --- */

static const char *in_dir(const char *name)
{
	static char buf[2][4096];
	static unsigned n;
	char *p = buf[n++ % 2];

	snprintf(p, sizeof(buf[0]), "%s/%s", path, name);
	return p;
}

static bool is_there(const char *name)
{
	struct stat st;

	return lstat(in_dir(name), &st) == 0;
}

/* A socket, a file that is not complete, and one within a directory. */
static void make_things(void)
{
	static struct unix_listener socket;
	static struct leaving in, file;
	static struct temporary part;
	static char dir[4096], inner[4096];

	EQ(unix_listen(&socket, in_dir("socket"), 1), 0);
	OK(output_temporary(AT_FDCWD, in_dir("part"), &part) >= 0);
	strcpy(dir, in_dir("dir"));
	strcpy(inner, in_dir("dir/inner"));
	EQ(mkdir(dir, 0700), 0);
	EQ(leaving_note(&in, AT_FDCWD, dir), 0);
	OK(creat(inner, 0600) >= 0);
	EQ(leaving_note(&file, AT_FDCWD, inner), 0);
}

static void make_things_and_insist(void)
{
	make_things();
	insist();
}

TEST(the_last_resort_leaves_no_socket_and_no_temporary_file)
{
	make();
	EQ(status_of(make_things_and_insist), STATUS_SIGNAL + SIGINT);
	unmake(); /* which removes the directory, if it is empty */
}

/* Somebody else's has its name by now. */
static void be_replaced_and_insist(void)
{
	make_things();
	EQ(rename(in_dir("socket"), in_dir("elsewhere")), 0);
	OK(creat(in_dir("socket"), 0600) >= 0);
	insist();
}

TEST(the_last_resort_removes_nothing_that_is_not_nestors)
{
	make();
	EQ(status_of(be_replaced_and_insist), STATUS_SIGNAL + SIGINT);
	EQ(unlink(in_dir("socket")), 0);
	EQ(unlink(in_dir("elsewhere")), 0);
	unmake();
}

static void make_things_and_die(int sig)
{
	make_things();
	raise(sig);
}

TEST(a_signal_that_ends_nestor_by_itself_does_so_and_leaves_nothing)
{
	static const int deadly[] = { SIGALRM, SIGUSR2, SIGVTALRM, SIGPROF };
	unsigned i;
	int status;
	pid_t pid;

	make();
	for (i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		pid = fork();
		if (!pid) {

			make_things_and_die(deadly[i]);
			_exit(0);
		}
		OK(pid > 0 && waitpid(pid, &status, 0) == pid);
		OK(WIFSIGNALED(status));
		EQ(WTERMSIG(status), deadly[i]);
		OK(!is_there("socket"));
		OK(!is_there("dir"));
	}
	unmake();
}
