/* SPDX-License-Identifier: MIT */
/*
 * nestor run: one VM, from its configuration to its exit status.
 *
 * The main thread owns the VM and runs its loop: signals, the timeout and
 * what vCPUs report about the guest all arrive there, so that the first of
 * them to end the VM decides the status and nothing races it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "arm64/board.h"
#include "cmd/cmd.h"
#include "cmd/keys.h"
#include "cmd/options.h"
#include "cmd/stats.h"
#include "core/log.h"
#include "core/loop.h"
#include "host/chardev.h"
#include "host/linger.h"
#include "host/output.h"
#include "host/tty.h"
#include "host/watch.h"

struct run {
	const struct config *cfg;
	struct loop *loop;
	struct chardev *terminal;
	struct board *board;
	struct io signals, timeout;
	struct watch panic_begins, panic_ends;
	int status;
};

static void finish(struct run *r, int status)
{
	r->status = status;
	loop_stop(r->loop);
}

static void on_event(void *ctx, enum vm_event what)
{
	struct run *r = ctx;

	switch (what) {
	case VM_POWEROFF:
		finish(r, STATUS_OFF);
		return;
	case VM_PANIC:
		finish(r, STATUS_PANIC);
		return;
	case VM_FAILED:
		finish(r, STATUS_KVM);
		return;
	case VM_RESET:
		if (r->cfg->no_reboot)
			finish(r, watch_seen(&r->panic_begins) ? STATUS_PANIC
							       : STATUS_RESET);
		else if (board_reset(r->board) < 0)
			finish(r, STATUS_FAILED);
		else
			watch_reset(&r->panic_begins);
	}
}

static void on_signal(struct io *io, uint32_t events)
{
	struct run *r =
		(struct run *)((char *)io - offsetof(struct run, signals));
	struct signalfd_siginfo si;

	(void)events;
	if (read(io->fd, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		chardev_resize(r->terminal);
	else if (si.ssi_signo == SIGPWR)
		board_power_button(r->board);
	else if (si.ssi_signo == SIGUSR1)
		stats_write(r->board, r->cfg->stats);
	else
		finish(r, STATUS_SIGNAL + si.ssi_signo);
}

static void on_timeout(struct io *io, uint32_t events)
{
	struct run *r =
		(struct run *)((char *)io - offsetof(struct run, timeout));

	(void)events;
	log_warnx("the guest still runs after %u seconds; ending it",
		  r->cfg->timeout);
	finish(r, STATUS_TIMEOUT);
}

static void on_quit(void *ctx)
{
	finish(ctx, STATUS_OFF);
}

static void finish_panicked(void *ctx)
{
	finish(ctx, STATUS_PANIC);
}

/* The guest's console says "---[ end Kernel panic": it will do no more. */
static void panic_ended(void *ctx)
{
	struct run *r = ctx;

	loop_call(r->loop, finish_panicked, r);
}

/* Linux says these two in panic(); the second if it is not to reboot. */
static void watch_console(struct run *r)
{
	watch_init(&r->panic_begins, "Kernel panic - not syncing", NULL, NULL);
	watch_init(&r->panic_ends, "---[ end Kernel panic", panic_ended, r);
	chardev_watch(r->terminal, &r->panic_begins);
	chardev_watch(r->terminal, &r->panic_ends);
}

/* Which of these were ignored from the start (nohup) stay so. */
static int catch_signals(struct run *r)
{
	static const int ours[] = { SIGTERM,  SIGINT, SIGHUP, SIGQUIT,
				    SIGWINCH, SIGPWR, SIGUSR1 };
	struct sigaction sa;
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (sigaction(ours[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&set, ours[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signals.fn = on_signal;
	r->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (r->signals.fd < 0)
		return -errno;
	return loop_add(r->loop, &r->signals, EPOLLIN);
}

static int start_timeout(struct run *r)
{
	struct itimerspec t = { .it_value.tv_sec = r->cfg->timeout };

	if (!r->cfg->timeout)
		return 0;
	r->timeout.fn = on_timeout;
	r->timeout.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (r->timeout.fd < 0 ||
	    timerfd_settime(r->timeout.fd, 0, &t, NULL) < 0)
		return -errno;
	return loop_add(r->loop, &r->timeout, EPOLLIN);
}

static int dump_dtb(struct run *r, struct err *e)
{
	size_t size;
	void *fdt;
	int n = board_fdt(r->board, &fdt, &size, e);

	if (n < 0)
		return n;
	n = output_write(r->cfg->dump_dtb, fdt, size, e);
	free(fdt);
	return n;
}

static int build(struct run *r, struct err *e)
{
	struct board_host host = { .loop = r->loop,
				   .on_event = on_event,
				   .ctx = r };
	int n = catch_signals(r);
	struct err why;

	if (n < 0) {
		log_warnx("waiting for signals: %s", strerror(-n));
		return n;
	}
	r->terminal = chardev_open(
		r->loop, r->cfg->console == CONSOLE_NONE ? "null" : "stdio", e);
	if (!r->terminal)
		return -EINVAL;
	chardev_on_quit(r->terminal, on_quit, r);
	watch_console(r);
	host.terminal = r->terminal;
	if (r->cfg->stats && output_check(r->cfg->stats, &why) < 0)
		return err_set(e, -EINVAL, "--stats: %s", why.text);
	return board_new(r->cfg, &host, &r->board, e);
}

static int run_loop(struct run *r)
{
	int n = start_timeout(r);

	if (!n)
		n = board_run(r->board);
	if (!n)
		n = loop_run(r->loop);
	if (n < 0)
		log_warnx("running the VM: %s", strerror(-n));
	if (!n && r->cfg->stats && stats_write(r->board, r->cfg->stats) < 0 &&
	    r->status == STATUS_OFF)
		r->status = STATUS_FAILED;
	return n;
}

/* The exit status of a VM of this configuration. */
static int run_vm(const struct config *cfg)
{
	struct run r = { .cfg = cfg, .status = STATUS_FAILED };
	struct err e = { "" };
	int n;

	tty_fill_standard();
	r.loop = loop_new();
	if (!r.loop) {
		log_warn("creating the event loop");
		return STATUS_FAILED;
	}
	n = build(&r, &e);
	if (!n && cfg->dump_dtb) {
		n = dump_dtb(&r, &e);
		r.status = STATUS_OFF;
	} else if (!n) {
		n = run_loop(&r);
	}
	if (r.board)
		board_free(r.board);
	chardev_close(r.terminal);
	loop_free(r.loop);
	if (r.board && cfg->nested)
		linger();
	if (n < 0)
		return e.text[0] ? cmd_refuse(&e) : STATUS_FAILED;
	return r.status;
}

int cmd_run(int argc, char **argv)
{
	struct config cfg;
	struct err e;
	int wish = config_parse(argc, argv, &cfg, &e);
	int status = STATUS_OFF;

	if (wish < 0)
		return cmd_refuse(&e);
	if (wish == CONFIG_HELP) {
		help_run(stdout);
		return STATUS_OFF;
	}
	if (cfg.debug)
		log_level = LOG_DEBUG;
	if (wish == CONFIG_DUMP)
		config_dump(&cfg, stdout);
	else
		status = run_vm(&cfg);
	config_free(&cfg);
	return status;
}
