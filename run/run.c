/* SPDX-License-Identifier: MIT */
/*
 * One VM, from its configuration to its exit status.
 *
 * The main thread owns the VM and runs its loop: signals, the timeout and
 * what vCPUs report about the guest all arrive there, so that the first of
 * them to end the VM decides the status and nothing races it.
 */
#include "run/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/keys.h"
#include "run/run_command.h"
#include "run/run_impl.h"
#include "run/stats.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/remedy.h"
#include "core/util.h"
#include "host/chardev.h"
#include "host/limits.h"
#include "host/linger.h"
#include "host/output.h"
#include "host/tty.h"

/*
 * Open files that a VM may come to have: streams of vsock, clients, devices and
 * their queues; a vCPU, its statistics, and as much again.
 */
#define FILES	   768u
#define FILES_VCPU 4u

static void on_timeout(struct timer *t)
{
	struct run *r = container_of(t, struct run, timeout);

	log_warnx("the guest still runs after %u seconds; ending it",
		  r->cfg->timeout);
	run_finish(r, CAUSE_TIMEOUT, "after %u seconds", r->cfg->timeout);
}

static void on_stop_timeout(struct timer *t)
{
	struct run *r = container_of(t, struct run, stop);

	run_finish(r, CAUSE_STOPPED, "the guest did not power off in time");
}

static void on_quit(void *ctx)
{
	run_finish(ctx, CAUSE_QUIT, NULL);
}

static int open_timers(struct run *r)
{
	int n = timer_open(&r->stop, r->loop, CLOCK_MONOTONIC, on_stop_timeout);

	if (!n && r->cfg->timeout)
		n = timer_open(&r->timeout, r->loop, CLOCK_MONOTONIC,
			       on_timeout);
	return log_failure("timers", n);
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

static void on_command(void *ctx, const struct ending *end)
{
	run_finish_with(ctx, end);
}

static void lost_root(struct task *t)
{
	run_finish(container_of(t, struct run, root_lost), CAUSE_FAILED,
		   "its root is gone: virtiofsd has ended");
}

/* On the share's thread. */
static void on_lost_root(void *ctx)
{
	struct run *r = ctx;

	loop_post(r->loop, &r->root_lost);
}

static void on_device_error(void *ctx, const char *name, int err)
{
	if (err)
		run_event(ctx, "device-error",
			  json_pack("{s:s, s:s, s:s}", "device", name, "error",
				    strerrorname_np(err), "detail",
				    strerror(err)));
	else
		run_event(ctx, "device-recovered",
			  json_pack("{s:s}", "device", name));
}

static struct chardev *open_terminal(struct run *r, struct err *e)
{
	const struct config *cfg = r->cfg;

	if (r->command)
		return command_open(r->command, r->loop, on_command, r, e);
	return chardev_open(
		r->loop,
		cfg->detach || cfg->console == CONSOLE_NONE ? "null" : "stdio",
		e);
}

static int build(struct run *r, struct err *e)
{
	struct board_host host = { .loop = r->loop,
				   .listener = { .event = run_on_event,
						 .state = run_on_state,
						 .ctx = r },
				   .device_error = on_device_error,
				   .ctx = r };
	int n = run_signals_catch(r);
	struct err why;

	if (n < 0)
		return log_failure("waiting for signals", n);
	n = open_timers(r);
	if (!r->cfg->dump_dtb)
		run_notify_open(r);
	if (!n && !r->cfg->dump_dtb)
		n = run_register(r, e);
	if (n < 0)
		return n;
	r->terminal = open_terminal(r, e);
	if (!r->terminal)
		return -EINVAL;
	chardev_on_quit(r->terminal, on_quit, r);
	n = run_panic_open(r);
	if (n < 0)
		log_failure("watching the console", n);
	else if (!r->cfg->dump_dtb)
		n = run_console_open(r, e);
	if (n < 0)
		return n;
	host.terminal = r->terminal;
	if (r->command)
		host.lost_share = on_lost_root;
	if (r->cfg->stats && output_open(r->cfg->stats, &r->stats, &why) < 0)
		return err_set(e, -EINVAL, "--stats: %s", why.text);
	return board_new(r->cfg, &host, &r->board, e);
}

static int run_loop(struct run *r)
{
	int n = run_serve(r);

	run_signals_built(r);
	if (!n)
		n = board_start(r->board);
	if (n < 0)
		return n;
	if (r->cfg->paused)
		vm_hold(board_vm(r->board), VM_HOLD_USER);
	board_go(r->board);
	if (r->cfg->timeout) {
		timer_after(&r->timeout, r->cfg->timeout * NSEC_PER_SEC);
		struct ending end = ending_of(CAUSE_TIMEOUT);

		run_signals_deadline(r->cfg->timeout + RUN_GRACE, &end);
	}
	run_detached(r);
	n = loop_run(r->loop);
	log_failure("running the VM", n);
	if (!n && r->stats && stats_write(r->board, r->stats) < 0 &&
	    r->end.status == STATUS_OFF)
		r->end = ending_of(CAUSE_FAILED);
	return n;
}

static void take_apart(struct run *r)
{
	run_close_balloon(r);
	if (r->board)
		board_free(r->board);
	run_console_close(r);
	run_panic_close(r);
	run_unregister(r);
	output_close(r->stats);
	chardev_close(r->terminal);
	command_free(r->command);
	timer_close(&r->timeout);
	timer_close(&r->stop);
	run_signals_close(r);
	if (r->manager >= 0)
		close(r->manager);
	if (r->statm >= 0)
		close(r->statm);
	loop_free(r->loop);
}

/* For want of what a limit denies it: that is the user's to raise. */
static int status_of(int err)
{
	return remedy_limit(-err) ? STATUS_USAGE : STATUS_FAILED;
}

/* The exit status of a VM of this configuration. */
static int run_one(const struct config *cfg, struct guest_command *command,
		   int report, struct err *e)
{
	struct run r = { .cfg = cfg,
			 .command = command,
			 .report = report,
			 .root_lost = { .fn = lost_root },
			 .manager = -1,
			 .statm = -1,
			 .end = ending_of(CAUSE_FAILED) };
	int n;

	limits_files(FILES + FILES_VCPU * cfg->cpus);
	tty_fill_standard();
	r.loop = loop_new();
	if (!r.loop)
		return status_of(
			log_failure("creating the event loop", -errno));
	n = build(&r, e);
	if (n < 0)
		r.abandoned = true;
	if (!n && cfg->dump_dtb) {
		n = dump_dtb(&r, e);
		r.end = ending_of(CAUSE_POWEROFF);
	} else if (!n) {
		n = run_loop(&r);
		/* In the background, and it never ran. */
		r.abandoned |= n < 0 && r.report >= 0;
	}
	take_apart(&r);
	if (r.board && cfg->nested)
		linger();
	if (n < 0 && run_signals_waiting()) {
		/* No failure: a signal has broken the start off. */
		e->text[0] = '\0';
		n = STATUS_SIGNAL + run_signals_waiting();
	} else if (n < 0) {
		n = e->text[0] ? STATUS_USAGE : status_of(n);
	} else {
		e->text[0] = '\0';
		n = r.end.status;
	}
	/*
	 * The command has not run: any status of nestor's would be taken for
	 * its own.
	 */
	return command && !r.ended ? STATUS_LOST : n;
}

int run_vm(struct config *cfg, struct err *e)
{
	struct guest_command *command = NULL;
	int report = -1, status = 0;

	e->text[0] = '\0';
	if (cfg->command.argv.n)
		status = command_new(cfg, &command, e);
	if (status)
		return status;
	if (cfg->detach) {
		report = run_detach(cfg, &status);
		if (report < 0)
			return status;
	}
	return run_one(cfg, command, report, e);
}
