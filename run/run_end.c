/* SPDX-License-Identifier: MIT */
/*
 * What happens to a guest, and what follows from it: the causes and policies.
 * The first cause to end the VM is the one that counts.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run/run_command.h"
#include "run/run_impl.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/util.h"
#include "host/chardev.h"

void run_finish_with(struct run *r, const struct ending *end)
{
	struct ending last = *end;

	if (r->ended)
		return;
	if (r->command && !command_ends(r->command, &last))
		return;
	r->ended = true;
	r->end = last;
	loop_stop(r->loop);
}

void run_finish(struct run *r, enum cause cause, const char *fmt, ...)
{
	struct ending end = ending_of(cause);
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(end.detail, sizeof(end.detail), fmt, ap);
		va_end(ap);
	}
	run_finish_with(r, &end);
}

static void describe(struct run *r, enum cause cause, struct ending *end)
{
	*end = ending_of(cause);
	if (cause == CAUSE_PANIC && r->halted)
		snprintf(end->detail, sizeof(end->detail),
			 "the guest has halted for good");
	else if (cause == CAUSE_PANIC && watch_seen(&r->panic_begins))
		snprintf(end->detail, sizeof(end->detail), "Kernel panic%s",
			 watch_rest(&r->panic_begins));
}

static void restart(struct run *r)
{
	if (board_reset(r->board) < 0) {
		run_finish(r, CAUSE_FAILED, "the guest cannot boot again");
		return;
	}
	watch_reset(&r->panic_begins);
	r->panicked = r->halted = false;
	run_event(r, "restarted", NULL);
}

static void happened(struct run *r, enum cause cause, enum policy policy)
{
	struct ending end;

	describe(r, cause, &end);
	if (policy != POLICY_STOP)
		run_event(r, cause_name(cause), ending_json(&end));
	switch (policy) {
	case POLICY_RESTART:
		restart(r);
		return;
	case POLICY_STOP:
		run_finish_with(r, &end);
		return;
	case POLICY_PAUSE:
		r->held = true;
		r->held_for = cause;
		run_pause(r);
		return;
	case POLICY_IGNORE:
		return;
	}
}

/* pvpanic and Linux's last words both tell of the same panic. */
static void panicked(struct run *r)
{
	if (r->panicked)
		return;
	r->panicked = true;
	happened(r, CAUSE_PANIC, r->cfg->on_panic);
}

void run_on_event(void *ctx, enum vm_event what)
{
	struct run *r = ctx;

	if (r->ended)
		return;
	switch (what) {
	case VM_POWEROFF:
		run_finish(r, CAUSE_POWEROFF, NULL);
		return;
	case VM_PANIC:
		panicked(r);
		return;
	case VM_HALTED:
		log_warnx("the guest has halted for good");
		r->halted = true;
		panicked(r);
		return;
	case VM_FAILED:
		run_finish(r, CAUSE_KVM, NULL);
		return;
	case VM_WATCHDOG:
		log_warnx("the guest's watchdog has expired");
		happened(r, CAUSE_WATCHDOG, r->cfg->on_watchdog);
		return;
	case VM_RESET:
		/* A guest told to reboot when it panics (panic=1). */
		happened(r,
			 watch_seen(&r->panic_begins) ? CAUSE_PANIC
						      : CAUSE_RESET,
			 r->cfg->on_reset);
	}
}

static void panic_said(struct task *t)
{
	struct run *r = container_of(t, struct run, panic_said);

	if (!r->ended)
		panicked(r);
}

/* The guest's console says "---[ end Kernel panic": it will do no more. */
static void panic_ended(void *ctx)
{
	struct run *r = ctx;

	loop_post(r->loop, &r->panic_said);
}

/* Linux says these two in panic(); the second if it is not to reboot. */
void run_watch_console(struct run *r)
{
	r->panic_said.fn = panic_said;
	watch_init(&r->panic_begins, "Kernel panic", NULL, NULL);
	watch_init(&r->panic_ends, "---[ end Kernel panic", panic_ended, r);
	chardev_watch(r->terminal, &r->panic_begins);
	chardev_watch(r->terminal, &r->panic_ends);
}

void run_pause(struct run *r)
{
	if (r->paused || r->ended)
		return;
	r->paused = true;
	board_pause(r->board);
	run_event(
		r, "paused",
		r->held ? json_pack("{s:s}", "reason", cause_name(r->held_for))
			: NULL);
}

void run_resume(struct run *r)
{
	bool reset = r->held && r->held_for != CAUSE_PANIC &&
		     r->held_for != CAUSE_WATCHDOG;

	if (!r->paused || r->ended)
		return;
	r->paused = r->held = false;
	run_event(r, "resumed", NULL);
	/* A vCPU that asked for a reset waits for that. */
	if (reset)
		restart(r);
	board_resume(r->board);
}

void run_stop(struct run *r, unsigned seconds)
{
	struct ending end;

	if (r->held) {
		describe(r, r->held_for, &end);
		run_finish_with(r, &end);
	} else if (!seconds) {
		run_finish(r, CAUSE_STOPPED, NULL);
	} else {
		run_resume(r);
		run_event(r, "stopping", NULL);
		board_power_button(r->board);
		timer_after(&r->stop, seconds * NSEC_PER_SEC);
	}
}
