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

void run_finish_with(struct run *r, const struct ending *end)
{
	struct ending last = *end;

	if (r->ended)
		return;
	if (r->command && !command_ends(r->command, &last))
		return;
	r->ended = true;
	r->end = last;
	if (r->board)
		vm_end(board_vm(r->board));
	run_signals_ending(&r->end);
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
	else if (cause == CAUSE_PANIC)
		run_panic_why(r, end->detail, sizeof(end->detail));
}

static void happened(struct run *r, enum cause cause, enum policy policy)
{
	struct vm *vm = board_vm(r->board);
	struct ending end;

	describe(r, cause, &end);
	if (policy != POLICY_STOP)
		run_event(r, cause_name(cause), ending_json(&end));
	switch (policy) {
	case POLICY_RESTART:
		vm_reset(vm);
		return;
	case POLICY_STOP:
		run_finish_with(r, &end);
		return;
	case POLICY_PAUSE:
		r->held_for = cause;
		vm_hold(vm, VM_HOLD_POLICY);
		return;
	case POLICY_IGNORE:
		return;
	}
}

/* pvpanic and what the vCPUs look like both tell of the same panic. */
void run_panicked(struct run *r)
{
	if (r->panicked)
		return;
	r->panicked = true;
	happened(r, CAUSE_PANIC, r->cfg->on_panic);
}

void run_on_event(void *ctx, const struct vm_event *ev)
{
	struct run *r = ctx;

	switch (ev->kind) {
	case VM_POWEROFF:
		run_finish(r, CAUSE_POWEROFF, NULL);
		return;
	case VM_PANIC:
		run_panicked(r);
		return;
	case VM_CRASH_KERNEL:
		if (!r->crashed) {
			log_warnx("the guest has crashed, and its crash kernel "
				  "takes over");
			run_event(r, "crash-kernel", NULL);
		}
		r->crashed = true;
		return;
	case VM_HALTED:
		log_guest(&r->halts, "the guest has halted for good");
		r->halted = true;
		run_panicked(r);
		return;
	case VM_FAILED:
		run_finish(r, CAUSE_KVM, NULL);
		return;
	case VM_RESET_FAILED:
		run_finish(r, CAUSE_FAILED, "the guest cannot boot again");
		return;
	case VM_WATCHDOG:
		log_guest(&r->bites, "the guest's watchdog has expired");
		happened(r, CAUSE_WATCHDOG, r->cfg->on_watchdog);
		return;
	case VM_RESET:
		/* A guest told to reboot when it panics (panic=1). */
		happened(r,
			 run_panic_was_last(r) && !board_is_shut_down(r->board)
				 ? CAUSE_PANIC
				 : CAUSE_RESET,
			 r->cfg->on_reset);
		return;
	case VM_ASKED:
	case VM_EVENTS:
		return;
	}
}

static json_t *reason_json(const struct run *r)
{
	return vm_is_held(board_vm(r->board), VM_HOLD_POLICY)
		       ? json_pack("{s:s}", "reason", cause_name(r->held_for))
		       : NULL;
}

static void restarted(struct run *r)
{
	run_panic_forget(r);
	r->panicked = r->crashed = r->halted = false;
	run_event(r, "restarted", NULL);
}

void run_on_state(void *ctx, enum vm_state before)
{
	struct run *r = ctx;

	switch (board_vm(r->board)->state) {
	case VM_READY:
		run_event(r, "ready", NULL);
		return;
	case VM_RUNNING:
		if (before == VM_RESETTING)
			restarted(r);
		else
			run_event(r, before == VM_READY ? "running" : "resumed",
				  NULL);
		break;
	case VM_PAUSED:
		if (before == VM_RESETTING)
			restarted(r);
		if (before != VM_RESETTING || r->npausing)
			run_event(r, "paused", reason_json(r));
		break;
	case VM_ENDING:
		break;
	default:
		return;
	}
	run_answer_pausing(r);
}

/* Does a policy hold it because of a reset, which is then to happen? */
static bool owes_reset(const struct run *r)
{
	return vm_is_held(board_vm(r->board), VM_HOLD_POLICY) &&
	       r->held_for != CAUSE_PANIC && r->held_for != CAUSE_WATCHDOG;
}

void run_resume(struct run *r)
{
	struct vm *vm = board_vm(r->board);

	if (owes_reset(r))
		vm_reset(vm);
	vm_release(vm, VM_HOLD_POLICY);
	vm_release(vm, VM_HOLD_USER);
}

void run_stop(struct run *r, unsigned seconds)
{
	struct vm *vm = board_vm(r->board);
	struct ending end;

	if (vm_is_held(vm, VM_HOLD_POLICY)) {
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
