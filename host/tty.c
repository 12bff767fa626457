/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A signal handler can be handed nothing, so the state is static. It goes
 * through three modes: OFF; RAW; and PAUSED, restored only because the process
 * is being stopped, so that SIGCONT makes it raw again. The original modes are
 * complete before the mode says RAW.
 *
 * A handler of a fatal signal restores the terminal, puts the previous
 * disposition back and raises the signal again; it is blocked until the
 * handler returns and then has its own effect: a core dump, a sanitizer's
 * report, the right exit status.
 *
 * A process in the background never touches the terminal: it belongs to
 * whoever is in front. SIGTTOU is blocked around the change nevertheless, as
 * the foreground can change between the question and the call. TCSANOW, as a
 * terminal whose output is held up must not hold up nestor's end.
 */
#include "host/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum mode { OFF, RAW, PAUSED };

static const int fatal[] = { SIGTERM, SIGINT,  SIGHUP, SIGQUIT, SIGSEGV,
			     SIGBUS,  SIGABRT, SIGILL, SIGFPE };
#define NFATAL (sizeof(fatal) / sizeof(fatal[0]))

static struct {
	volatile sig_atomic_t mode; /* enum mode */
	int fd;
	bool hooked;
	struct termios original;
	struct sigaction old[NFATAL];
} tty;

void tty_fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < 3);
	if (fd >= 0)
		close(fd);
}

bool tty_foreground(int fd)
{
	pid_t front = tcgetpgrp(fd);

	/* Not our controlling terminal: nobody takes turns at it. */
	return front < 0 || front == getpgrp();
}

static int change(const struct termios *t)
{
	sigset_t ttou, old;
	int r;

	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	r = tcsetattr(tty.fd, TCSANOW, t) < 0 ? -errno : 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

static void leave(enum mode mode)
{
	int keep = errno;

	if (tty.mode == RAW) {
		tty.mode = mode;
		if (tty_foreground(tty.fd))
			change(&tty.original);
	}
	errno = keep;
}

static int enter(void)
{
	struct termios raw;
	int r;

	if (!tty_foreground(tty.fd))
		return -EAGAIN;
	if (tcgetattr(tty.fd, &tty.original) < 0)
		return -errno;
	raw = tty.original;
	cfmakeraw(&raw);
	tty.mode = RAW;
	r = change(&raw);
	if (r < 0)
		tty.mode = OFF;
	return r;
}

void tty_restore(void)
{
	leave(OFF);
	tty.mode = OFF;
}

static void on_fatal(int sig)
{
	unsigned i;

	leave(OFF);
	for (i = 0; i < NFATAL; i++)
		if (fatal[i] == sig)
			sigaction(sig, &tty.old[i], NULL);
	raise(sig);
}

/* Stopped as the sender meant it, from within; goes on after SIGCONT. */
static void on_stop(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, own;
	int keep = errno;
	sigset_t set, old;

	leave(PAUSED);
	sigaction(sig, &dfl, &own);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &own, NULL);
	if (tty.mode == PAUSED)
		enter();
	errno = keep;
}

/* After a SIGSTOP, which nobody sees, the shell has put its own modes back. */
static void on_continue(int sig)
{
	int keep = errno;

	(void)sig;
	if (tty.mode == PAUSED) {
		enter();
	} else if (tty.mode == RAW && tty_foreground(tty.fd)) {
		struct termios raw = tty.original;

		cfmakeraw(&raw);
		change(&raw);
	}
	errno = keep;
}

/* Of these a sanitizer has a handler, which comes after ours. */
static bool sig_is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGABRT ||
	       sig == SIGILL || sig == SIGFPE;
}

static void hook(int sig, void (*fn)(int), int flags, struct sigaction *old)
{
	struct sigaction sa = { .sa_handler = fn, .sa_flags = flags };

	sigfillset(&sa.sa_mask);
	sigaction(sig, NULL, old);
	if (old->sa_handler != SIG_IGN &&
	    (sig_is_crash(sig) || old->sa_handler == SIG_DFL))
		sigaction(sig, &sa, NULL);
}

int tty_raw(int fd)
{
	struct sigaction before;
	unsigned i;

	if (tty.mode == RAW)
		return 0;
	if (!isatty(fd))
		return -ENOTTY;
	tty.fd = fd;
	if (!tty.hooked) {
		for (i = 0; i < NFATAL; i++)
			hook(fatal[i], on_fatal, 0, &tty.old[i]);
		hook(SIGTSTP, on_stop, SA_RESTART, &before);
		hook(SIGCONT, on_continue, SA_RESTART, &before);
		atexit(tty_restore);
		tty.hooked = true;
	}
	return enter();
}
