/* SPDX-License-Identifier: MIT */
#include "host/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int master, go[2];
static struct termios before;

/*
 * Make this process a shell's like: leader of a session on a new terminal,
 * which stays as children leave it.
 */
static void session(void)
{
	int slave;

	EQ(pipe(go), 0);
	EQ(openpty(&master, &slave, NULL, NULL, NULL), 0);
	NE(setsid(), -1);
	EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	dup2(slave, 0);
	close(slave);
	signal(SIGTTOU, SIG_IGN);
	EQ(tcgetattr(0, &before), 0);
}

static bool is_raw(void)
{
	struct termios t;

	EQ(tcgetattr(master, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static bool is_restored(void)
{
	struct termios t;

	EQ(tcgetattr(master, &t), 0);
	return t.c_lflag == before.c_lflag && t.c_iflag == before.c_iflag &&
	       t.c_oflag == before.c_oflag;
}

/* A job in a process group of its own, in front or not. */
static pid_t job(bool front, void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		close(go[1]);
		setpgid(0, 0);
		if (front)
			tcsetpgrp(0, getpid());
		signal(SIGTTOU, SIG_DFL);
		/* A sanitizer's report is no news here. */
		dup2(open("/dev/null", O_WRONLY), 2);
		/* ThreadSanitizer loses a signal within a first sleep. */
		usleep(1);
		fn();
		_exit(99);
	}
	setpgid(pid, pid);
	if (front)
		tcsetpgrp(0, pid);
	return pid;
}

/* In a job: until the test says so. */
static void wait_go(void)
{
	char c;

	EQ(read(go[0], &c, 1), 1);
}

static void run_raw(void)
{
	if (tty_raw(0) < 0)
		_exit(98);
	/* In a sleep ThreadSanitizer delivers signals, as in pause() not. */
	for (;;)
		sleep(1);
}

static void wait_raw(bool raw)
{
	AWAIT(is_raw() == raw);
}

static int end_of(pid_t pid)
{
	int status;

	EQ(waitpid(pid, &status, 0), pid);
	tcsetpgrp(0, getpgrp());
	return status;
}

static void check_fatal(int sig)
{
	pid_t pid;
	int status;

	session();
	pid = job(true, run_raw);
	wait_raw(true);
	kill(pid, sig);
	status = end_of(pid);
	OK(is_restored());
	OK(WIFSIGNALED(status));
	EQ(WTERMSIG(status), sig);
}

TEST(terminal_is_restored_when_sigterm_ends_us)
{
	check_fatal(SIGTERM);
}

TEST(terminal_is_restored_when_sigint_ends_us)
{
	check_fatal(SIGINT);
}

TEST(terminal_is_restored_when_sighup_ends_us)
{
	check_fatal(SIGHUP);
}

TEST(terminal_is_restored_when_sigquit_ends_us)
{
	check_fatal(SIGQUIT);
}

static void run_crash(void)
{
	volatile int *nothing =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	signal(SIGSEGV, SIG_DFL); /* not the sanitizer's */
	if (tty_raw(0) < 0)
		_exit(98);
	wait_go();
	*nothing = 1;
}

TEST(terminal_is_restored_when_we_crash)
{
	pid_t pid;
	int status;

	session();
	pid = job(true, run_crash);
	wait_raw(true);
	EQ(write(go[1], "", 1), 1);
	status = end_of(pid);
	OK(is_restored());
	OK(WIFSIGNALED(status));
}

static void run_abort(void)
{
	signal(SIGABRT, SIG_DFL);
	if (tty_raw(0) < 0)
		_exit(98);
	wait_go();
	abort();
}

TEST(terminal_is_restored_when_we_abort)
{
	pid_t pid;
	int status;

	session();
	pid = job(true, run_abort);
	wait_raw(true);
	EQ(write(go[1], "", 1), 1);
	status = end_of(pid);
	OK(is_restored());
	OK(WIFSIGNALED(status));
	EQ(WTERMSIG(status), SIGABRT);
}

static void run_exit(void)
{
	if (tty_raw(0) < 0)
		_exit(98);
	wait_go();
	exit(3);
}

TEST(terminal_is_restored_by_exit)
{
	pid_t pid;

	session();
	pid = job(true, run_exit);
	wait_raw(true);
	EQ(write(go[1], "", 1), 1);
	EQ(WEXITSTATUS(end_of(pid)), 3);
	OK(is_restored());
}

static void run_nohup(void)
{
	signal(SIGHUP, SIG_IGN);
	run_raw();
}

TEST(a_signal_that_was_ignored_stays_so)
{
	pid_t pid;

	session();
	pid = job(true, run_nohup);
	wait_raw(true);
	kill(pid, SIGHUP);
	usleep(50000); /* a moment in which it could have an effect */
	OK(is_raw());
	kill(pid, SIGTERM);
	EQ(WTERMSIG(end_of(pid)), SIGTERM);
	OK(is_restored());
}

TEST(terminal_is_restored_while_we_are_stopped_and_raw_again_after)
{
	pid_t pid;
	int status;

	session();
	pid = job(true, run_raw);
	wait_raw(true);
	kill(pid, SIGTSTP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(WIFSTOPPED(status));
	EQ(WSTOPSIG(status), SIGTSTP);
	OK(is_restored());
	kill(pid, SIGCONT);
	wait_raw(true);
	/* And once more. */
	kill(pid, SIGTSTP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(is_restored());
	kill(pid, SIGCONT);
	wait_raw(true);
	kill(pid, SIGTERM);
	end_of(pid);
	OK(is_restored());
}

TEST(what_goes_on_in_the_background_leaves_the_terminal_alone)
{
	pid_t pid;
	int status;

	session();
	pid = job(true, run_raw);
	wait_raw(true);
	kill(pid, SIGTSTP);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	tcsetpgrp(0, getpgrp());
	kill(pid, SIGCONT);
	EQ(waitpid(pid, &status, WCONTINUED), pid);
	usleep(50000); /* a moment in which it could do so nevertheless */
	OK(is_restored());
	kill(pid, SIGTERM);
	EQ(WTERMSIG(end_of(pid)), SIGTERM);
	OK(is_restored());
}

TEST(who_ends_in_the_background_does_not_undo_what_is_in_front)
{
	struct termios t, own;
	pid_t pid;

	session();
	pid = job(true, run_raw);
	wait_raw(true);
	EQ(tcsetpgrp(0, getpgrp()), 0);
	own = before;
	own.c_lflag &= ~ECHO;
	EQ(tcsetattr(0, TCSANOW, &own), 0);
	kill(pid, SIGTERM);
	end_of(pid);
	EQ(tcgetattr(master, &t), 0);
	EQ(t.c_lflag, own.c_lflag);
}

static void run_background(void)
{
	_exit(-tty_raw(0));
}

TEST(in_the_background_the_terminal_stays_as_it_is_and_nothing_hangs)
{
	pid_t pid;
	int status;

	session();
	pid = job(false, run_background);
	EQ(waitpid(pid, &status, WUNTRACED), pid);
	OK(WIFEXITED(status));
	EQ(WEXITSTATUS(status), EAGAIN);
	OK(is_restored());
}

TEST(what_is_no_terminal_is_refused)
{
	EQ(tty_raw(open("/dev/null", O_RDWR)), -ENOTTY);
	tty_restore();
}

TEST(closed_standard_streams_are_filled)
{
	int fd;

	close(0);
	close(1);
	tty_fill_standard();
	fd = dup(2);
	OK(fd > 2);
	EQ(write(1, "x", 1), 1);
	EQ(read(0, &fd, 1), 0);
}
