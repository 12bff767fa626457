/* SPDX-License-Identifier: MIT */
/* Shell scripts take the program's place. */
#include "host/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/log.h"
#include "tests/unit/fds.h"
#include "tests/unit/test.h"

/* It does no more, and can only be killed. */
#define HANG "kill -STOP $$"

static struct virtiofsd *f;
static struct err e;
static pid_t pid;

static const char *script(const char *text)
{
	const char *path = test_path("program");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	OK(dprintf(fd, "#!/bin/sh\n%s\n", text) > 0);
	close(fd);
	return path;
}

static void begin_in(const char *dir, bool readonly, const char *text)
{
	f = virtiofsd_new(script(text), dir, readonly, &e);
	OK(f);
}

static void begin(const char *text)
{
	begin_in(test_dir(), false, text);
}

/* Returns when it hangs. */
static void begin_hanging(const char *text)
{
	int status;

	begin(text);
	pid = waitpid(-1, &status, WUNTRACED);
	OK(pid > 0 && WIFSTOPPED(status));
}

/* What /proc has in the file @name of the process, with blanks for zeroes. */
static const char *proc(const char *name)
{
	static char buf[8192];
	char path[64];
	ssize_t n, i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	OK(n > 0);
	for (i = 0; i < n; i++)
		if (!buf[i])
			buf[i] = ' ';
	buf[n] = '\0';
	return buf;
}

static const char *leads_to(unsigned fd)
{
	static char to[4096];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%u", (int)pid, fd);
	n = readlink(path, to, sizeof(to) - 1);
	to[n < 0 ? 0 : n] = '\0';
	return to;
}

/* What this test's nestor has said. */
static const char *said(void)
{
	static char buf[8192];
	ssize_t n = pread(STDERR_FILENO, buf, sizeof(buf) - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

/* --- what it takes --- */

TEST(a_program_that_is_not_installed_is_named_with_its_package)
{
	OK(!virtiofsd_new(NULL, test_dir(), false, &e));
	STR_EQ(e.text, "it takes virtiofsd, which is not here; install the "
		       "package virtiofsd");
}

TEST(a_directory_that_is_not_there_is_refused_before_anything_is_started)
{
	const unsigned fds = open_fds();

	OK(!virtiofsd_new(script(HANG), test_path("missing"), false, &e));
	HAS(e.text, "No such file or directory");
	OK(no_child());
	EQ(open_fds(), fds);
}

/* --- what it gets --- */

TEST(it_gets_its_socket_and_its_pipe_and_no_other_descriptor)
{
	unsigned i;

	for (i = 0; i < 50; i++) /* as if they were open for good */
		OK(dup(0) > 0);
	begin_hanging(HANG);
	STR_EQ(leads_to(0), "/dev/null");
	STR_EQ(leads_to(1), "/dev/null");
	HAS(leads_to(2), "pipe:");
	HAS(leads_to(3), "socket:");
	/* The shell has its script open. */
	for (i = 4; i < 300; i++)
		if (*leads_to(i))
			STR_EQ(leads_to(i), test_path("program"));
	virtiofsd_free(f);
}

TEST(it_gets_no_environment_but_a_path_and_a_locale)
{
	setenv("SECRET", "x", 1);
	begin_hanging(HANG);
	STR_EQ(proc("environ"),
	       "PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 ");
	virtiofsd_free(f);
}

TEST(it_has_a_session_of_its_own_and_signals_as_any_program)
{
	const char *ignored;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	begin_hanging(HANG);
	EQ(getsid(pid), pid);
	HAS(proc("status"), "SigBlk:\t0000000000000000\n");
	/* What nestor was started with stays: nohup's, and those of libraries. */
	ignored = strstr(proc("status"), "SigIgn:\t");
	OK(ignored && !(strtoull(ignored + 8, NULL, 16) >> (SIGPIPE - 1) & 1));
	virtiofsd_free(f);
}

/* The arguments behind its name and the socket. */
static const char *arguments(const char *dir, bool readonly)
{
	static char buf[4096];
	ssize_t n;

	begin_in(dir, readonly, "shift; echo \"$*\" >&2");
	AWAIT((n = read(virtiofsd_says_fd(f), buf, sizeof(buf) - 1)) >= 0);
	buf[n] = '\0';
	virtiofsd_free(f);
	return buf;
}

TEST(it_is_confined_to_the_directory_and_may_not_write_if_so_told)
{
	char want[4096];

	snprintf(want, sizeof(want),
		 "--shared-dir %s --sandbox namespace "
		 "--no-announce-submounts --log-level error\n",
		 test_dir());
	STR_EQ(arguments(test_dir(), false), want);
	strcpy(strchr(want, '\n'), " --readonly\n");
	STR_EQ(arguments(test_dir(), true), want);
	/* From the root directory there is nowhere to pivot to. */
	HAS(arguments("/", false), geteuid() ? " none " : " chroot ");
}

TEST(its_socket_is_given_out_once_and_has_no_name_any_more)
{
	struct sockaddr_un a = { 0 };
	socklen_t len = sizeof(a);
	int fd;

	begin_hanging(HANG);
	fd = virtiofsd_connect(f);
	EQ(getpeername(fd, (struct sockaddr *)&a, &len), 0);
	HAS(a.sun_path, "/nestor.");
	LT(access(a.sun_path, F_OK), 0);
	*strrchr(a.sun_path, '/') = '\0';
	LT(access(a.sun_path, F_OK), 0);
	EQ(virtiofsd_connect(f), -1);
	EQ(errno, EBUSY);
	virtiofsd_free(f);
	close(fd);
}

/* --- what it says --- */

TEST(what_it_says_is_logged_without_what_a_terminal_obeys)
{
	begin("printf 'a\\033[1mb\\377\\n\\n' >&2");
	AWAIT(!virtiofsd_say(f));
	virtiofsd_free(f);
	STR_EQ(said(), "nestor: virtiofsd: a?[1mb?\n");
}

TEST(one_that_says_much_is_not_logged_line_by_line)
{
	const char *p;
	unsigned n = 0;

	begin("i=0; while [ $i -lt 500 ]; do echo x; i=$((i + 1)); done >&2");
	AWAIT(!virtiofsd_say(f));
	virtiofsd_free(f);
	for (p = said(); (p = strchr(p, '\n')); p++)
		n++;
	OK(n && n < 20);
}

/* --- how it ends --- */

TEST(one_that_ends_at_once_leaves_nothing)
{
	const unsigned fds = open_fds();

	begin("exit 3");
	AWAIT(!virtiofsd_say(f));
	EQ(virtiofsd_end(f), 0);
	OK(no_child());
	virtiofsd_free(f);
	EQ(open_fds(), fds);
}

TEST(one_that_is_no_program_ends_at_once)
{
	f = virtiofsd_new(test_dir(), test_dir(), false, &e);
	OK(f);
	AWAIT(!virtiofsd_say(f));
	virtiofsd_free(f);
	OK(no_child());
}

TEST(one_that_never_accepts_and_ignores_all_it_can_is_ended_for_good)
{
	const unsigned fds = open_fds();
	char c;
	int fd;

	begin_hanging("trap '' HUP INT QUIT TERM PIPE; " HANG);
	fd = virtiofsd_connect(f);
	EQ(virtiofsd_end(f), 0);
	LT(kill(pid, 0), 0);
	EQ(errno, ESRCH);
	OK(no_child());
	LT(recv(fd, &c, 1, MSG_DONTWAIT), 1);
	NE(errno, EAGAIN);
	/* It was ended, and whoever has its number now is left alone. */
	EQ(virtiofsd_end(f), 0);
	close(fd);
	virtiofsd_free(f);
	EQ(open_fds(), fds);
}

TEST(it_is_killed_when_nestor_ends_without_a_word)
{
	int status, fds[2];
	pid_t nestor;

	EQ(pipe(fds), 0);
	EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	nestor = fork();
	if (!nestor) {
		begin_hanging(HANG);
		_exit(write(fds[1], &pid, sizeof(pid)) != sizeof(pid));
	}
	EQ(waitpid(nestor, &status, 0), nestor);
	EQ(status, 0);
	EQ(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
	EQ(waitpid(pid, &status, 0), pid);
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
