/* SPDX-License-Identifier: MIT */
/*
 * Signals, and the last resort: a VM that is to end does, whatever hangs.
 *
 * Theory of operation
 *
 * Signals that ask for an end come by a handler, and the others by a signalfd.
 * The handler notes the signal and wakes the loop, which takes it as it takes
 * everything else. One that finds an earlier one not taken, or the VM ending
 * already, is the last resort, and so is a timer that runs out some seconds
 * after the VM should have ended: the terminal is put back, sockets and temporary
 * files are removed, the end is written down, and the process is left from within
 * the handler, where only what is async-signal-safe may be called. It runs on the
 * main thread, whatever that waits for; all others have these signals blocked.
 * Signals that end a process by themselves, a crash's too, have their effect when
 * those files are removed.
 *
 * Signals that come within a second say the same thing: timeout(1) sends its own
 * twice, a service manager and a terminal that goes away send two kinds.
 *
 * While the VM is built, these signals interrupt what blocks (no SA_RESTART), as
 * a virtiofsd that does not answer: it fails, and what was built is taken apart
 * as after any other failure.
 *
 * A handler can be handed nothing, so this is the one piece of static state.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/util.h"
#include "host/chardev.h"
#include "host/leavings.h"
#include "host/rundir.h"
#include "host/tty.h"
#include "run/exit.h"
#include "run/run_command.h"
#include "run/run_impl.h"
#include "run/stats.h"

static const int ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU };
/* The last is for commands. */
static const int others[] = { SIGWINCH, SIGPWR, SIGUSR1, SIGUSR2 };

/* What ends us by itself, and by its own status. */
static const int deadly[] = { SIGSEGV, SIGBUS,	SIGABRT,  SIGILL,  SIGFPE,
			      SIGSYS,  SIGTRAP, SIGALRM,  SIGPROF, SIGVTALRM,
			      SIGPOLL, SIGUSR2, SIGSTKFLT };

#define ELEMS(a) (sizeof(a) / sizeof((a)[0]))
#define DEADLINE (SIGRTMIN + 1)

static struct {
	volatile sig_atomic_t waiting; /* the loop has not taken it yet */
	volatile sig_atomic_t ends;    /* the VM does, with this status */
	volatile sig_atomic_t status;
	struct timespec first; /* that is not answered yet; 0: there is none */
	const char
		*volatile cause; /* of the end by the deadline, or under way */
	struct vmdir *volatile dir; /* NULL: nobody can find this VM */
	int wake;		    /* an eventfd */
	unsigned ignored;	    /* 1 << place in `ending` */
	timer_t timer;
	bool timed;
	bool hooked;
	struct sigaction old[ELEMS(deadly)];
} last = { .wake = -1 };

static char *put(char *p, const char *s)
{
	while (*s)
		*p++ = *s++;
	return p;
}

/* From a handler; @status is below 1000. */
static _Noreturn void leave(const char *cause, int status)
{
	static const char said[] =
		"nestor: something hangs; leaving without waiting for it\n";
	char json[128],
		number[4] = { '0' + status / 100, '0' + status / 10 % 10,
			      '0' + status % 10, 0 };
	const char *digits = number;
	char *p = json;

	while (*digits == '0' && digits[1])
		digits++;
	p = put(p, "{\"cause\":\"");
	p = put(p, cause);
	p = put(p, "\",\"status\":");
	p = put(p, digits);
	p = put(p, ",\"detail\":\"something hung, and was left behind\"}");
	*p = '\0';
	tty_restore();
	leavings_remove();
	if (last.dir)
		vmdir_ended(last.dir, json);
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0) {
		/* Nobody reads it. */
	}
	_exit(status);
}

/* Whether somebody has waited for the answer to an earlier one. */
static bool insists(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!last.first.tv_sec) {
		last.first = now;
		return false;
	}
	return now.tv_sec - last.first.tv_sec > 1 ||
	       (now.tv_sec - last.first.tv_sec == 1 &&
		now.tv_nsec >= last.first.tv_nsec);
}

static void on_ending(int sig)
{
	const uint64_t one = 1;
	int keep = errno;

	if (insists()) {
		if (last.ends)
			leave(last.cause, last.status);
		if (last.waiting)
			leave(cause_name(CAUSE_SIGNAL), STATUS_SIGNAL + sig);
	}
	if (!last.waiting)
		last.waiting = sig;
	if (write(last.wake, &one, sizeof(one)) < 0) {
		/* The loop has plenty to wake for. */
	}
	errno = keep;
}

static void on_deadline(int sig)
{
	(void)sig;
	leave(last.cause, last.status);
}

/* With the previous disposition it is raised again, and then has its effect. */
static void on_deadly(int sig)
{
	unsigned i;

	leavings_remove();
	for (i = 0; deadly[i] != sig; i++)
		;
	sigaction(sig, &last.old[i], NULL);
	raise(sig);
}

static void finish_by(struct run *r, int sig)
{
	struct ending end = ending_of(CAUSE_SIGNAL);

	end.status += sig;
	snprintf(end.detail, sizeof(end.detail), "SIG%s", sigabbrev_np(sig));
	run_finish_with(r, &end);
}

static void on_wake(struct io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, ending_signals);
	int sig = last.waiting;
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof(n)) < 0 || !sig)
		return;
	last.waiting = 0;
	if (!r->command || !command_signal(r->command, sig))
		finish_by(r, sig);
	else
		last.first = (struct timespec){ 0 };
}

static void on_signal(struct io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, signals);
	struct signalfd_siginfo si;

	(void)events;
	if (read(io->fd, &si, sizeof(si)) != sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGWINCH:
		chardev_resize(r->terminal);
		return;
	case SIGPWR:
		board_power_button(r->board);
		return;
	}
	if (r->command && command_signal(r->command, si.ssi_signo))
		return;
	if (si.ssi_signo == SIGUSR1)
		stats_write(r->board, r->stats);
	else
		finish_by(r, si.ssi_signo);
}

static bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

/* What was ignored from the start (nohup) stays so. */
static void handle_ending(int flags)
{
	struct sigaction sa = { .sa_handler = on_ending, .sa_flags = flags };
	struct sigaction old;
	unsigned i;

	for (i = 0; i < ELEMS(ending); i++)
		sigaddset(&sa.sa_mask, ending[i]);
	for (i = 0; i < ELEMS(ending); i++) {
		if (last.ignored >> i & 1 || sigaction(ending[i], &sa, &old) ||
		    old.sa_handler != SIG_IGN)
			continue;
		sigaction(ending[i], &old, NULL);
		last.ignored |= 1u << i;
	}
}

/* Once: they go on when one VM is over, and there is nothing to remove. */
static void handle_deadly(void)
{
	struct sigaction sa = { .sa_handler = on_deadly };
	unsigned i;

	if (last.hooked)
		return;
	last.hooked = true;
	for (i = 0; i < ELEMS(deadly); i++)
		if (!is_ignored(deadly[i]))
			sigaction(deadly[i], &sa, &last.old[i]);
}

int run_signals_catch(struct run *r)
{
	sigset_t set;
	unsigned i;
	int n;

	last.waiting = last.ends = 0;
	last.first = (struct timespec){ 0 };
	last.ignored = 0;
	last.dir = NULL;
	last.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (last.wake < 0)
		return -errno;
	r->ending_signals.fd = last.wake;
	r->ending_signals.fn = on_wake;
	n = loop_add(r->loop, &r->ending_signals, EPOLLIN);
	if (n < 0)
		return n;
	handle_ending(0);
	handle_deadly();
	sigemptyset(&set);
	for (i = 0; i < ELEMS(others) - !r->command; i++)
		if (!is_ignored(others[i]))
			sigaddset(&set, others[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals.fn = on_signal;
	r->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals.fd < 0)
		return -errno;
	return loop_add(r->loop, &r->signals, EPOLLIN);
}

int run_signals_waiting(void)
{
	return last.waiting;
}

void run_signals_built(struct run *r)
{
	last.dir = r->dir;
	handle_ending(SA_RESTART);
}

void run_signals_deadline(unsigned seconds, const struct ending *end)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = DEADLINE };
	struct itimerspec t = { .it_value.tv_sec = seconds };
	struct sigaction sa = { .sa_handler = on_deadline,
				.sa_flags = SA_RESTART };

	last.status = end->status;
	last.cause = cause_name(end->cause);
	if (!last.timed) {
		sigaction(DEADLINE, &sa, NULL);
		last.timed =
			timer_create(CLOCK_MONOTONIC, &ev, &last.timer) == 0;
	}
	if (last.timed)
		timer_settime(last.timer, 0, &t, NULL);
}

void run_signals_ending(const struct ending *end)
{
	run_signals_deadline(RUN_GRACE, end);
	last.ends = true;
}

void run_signals_close(struct run *r)
{
	if (r->signals.loop) {
		loop_del(&r->signals);
		close(r->signals.fd);
	}
	if (r->ending_signals.loop)
		loop_del(&r->ending_signals);
	if (last.wake >= 0)
		close(last.wake);
	last.wake = -1;
	if (last.timed)
		timer_delete(last.timer);
	last.timed = false;
}

void run_signals_written(void)
{
	last.dir = NULL;
}
