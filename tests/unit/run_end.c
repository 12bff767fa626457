/* SPDX-License-Identifier: MIT */
/* What happens to a guest, and what each policy makes of it. */
#include "run/exit.h"
#include "run/run_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/said.h"

static struct run run;
static struct config config;
static struct board *board;

static void begin(enum policy policy)
{
	struct err e;

	fake_kvm_reset();
	config = board_rig_config();
	config.on_reset = config.on_panic = config.on_watchdog = policy;
	EQ(board_rig_make(&config, &board, &e), 0);
	run = (struct run){ .cfg = &config,
			    .loop = board_rig_host.loop,
			    .terminal = board_rig_host.terminal,
			    .board = board,
			    .manager = -1 };
	EQ(run_panic_open(&run), 0);
}

static void end(void)
{
	run_panic_close(&run);
	board_rig_unmake(board);
}

static void happens(enum vm_event_kind kind)
{
	const struct vm_event ev = { .kind = kind, .vcpu = -1 };

	run_on_event(&run, &ev);
}

static bool is_held(void)
{
	return vm_is_held(board_vm(board), VM_HOLD_POLICY);
}

TEST(the_first_cause_to_end_a_vm_is_the_one_that_counts)
{
	begin(POLICY_STOP);
	happens(VM_POWEROFF);
	happens(VM_FAILED);
	run_finish(&run, CAUSE_TIMEOUT, "late");
	OK(run.ended);
	EQ(run.end.cause, CAUSE_POWEROFF);
	EQ(run.end.status, STATUS_OFF);
	STR_EQ(run.end.detail, "");
	EQ(board_vm(board)->state, VM_ENDING);
	end();
}

TEST(stop_ends_the_vm_with_the_status_of_the_cause)
{
	begin(POLICY_STOP);
	happens(VM_PANIC);
	EQ(run.end.status, STATUS_PANIC);
	end();
	begin(POLICY_STOP);
	happens(VM_WATCHDOG);
	EQ(run.end.status, STATUS_WATCHDOG);
	end();
	begin(POLICY_STOP);
	happens(VM_RESET);
	EQ(run.end.status, STATUS_RESET);
	end();
	begin(POLICY_STOP);
	happens(VM_HALTED);
	EQ(run.end.status, STATUS_PANIC);
	STR_EQ(run.end.detail, "the guest has halted for good");
	end();
}

TEST(restart_has_the_vm_reset_and_ignore_leaves_it_alone)
{
	begin(POLICY_RESTART);
	happens(VM_PANIC);
	OK(board_vm(board)->wants_reset && !run.ended && !is_held());
	end();
	begin(POLICY_IGNORE);
	happens(VM_PANIC);
	happens(VM_WATCHDOG);
	OK(!board_vm(board)->wants_reset && !run.ended && !is_held());
	end();
}

TEST(what_a_guest_can_do_time_and_again_is_told_at_a_limited_rate)
{
	unsigned i;

	begin(POLICY_IGNORE);
	listen_in();
	for (i = 0; i < 1000; i++) {
		happens(VM_WATCHDOG);
		happens(VM_HALTED);
		happens(VM_PANIC);
		happens(VM_CRASH_KERNEL);
	}
	LT(lines_said(), 32);
	OK(!run.ended);
	end();
}

TEST(a_panic_that_is_reported_twice_happens_once)
{
	begin(POLICY_PAUSE);
	happens(VM_PANIC);
	OK(is_held());
	vm_release(board_vm(board), VM_HOLD_POLICY);
	happens(VM_HALTED);
	happens(VM_PANIC);
	OK(!is_held());
	end();
}

TEST(a_vm_that_a_policy_holds_ends_by_what_the_policy_was_for)
{
	begin(POLICY_PAUSE);
	happens(VM_WATCHDOG);
	OK(is_held() && !run.ended);
	/* There is nobody in it to power it off. */
	run_stop(&run, 30);
	OK(run.ended);
	EQ(run.end.cause, CAUSE_WATCHDOG);
	end();
}

TEST(to_resume_a_vm_that_was_held_at_a_reset_resets_it)
{
	begin(POLICY_PAUSE);
	happens(VM_RESET);
	OK(is_held() && !board_vm(board)->wants_reset);
	run_resume(&run);
	OK(!is_held() && board_vm(board)->wants_reset);
	end();
	begin(POLICY_PAUSE);
	happens(VM_PANIC);
	run_resume(&run);
	OK(!is_held() && !board_vm(board)->wants_reset);
	end();
}

TEST(to_stop_without_patience_is_no_matter_of_the_guest)
{
	begin(POLICY_STOP);
	run_stop(&run, 0);
	EQ(run.end.cause, CAUSE_STOPPED);
	EQ(run.end.status, STATUS_STOPPED);
	end();
}
