# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# untraced.bash - `load` it, and a test's commands are no longer traced
#
# Before each command bats notes where it stands, to tell where a test has failed.
# Where instructions are emulated that is three quarters of a test's time. The trap
# of the command that fails can tell as well, except if time was up. Three of
# bats' functions, as from its 1.8 on, do so here.

# For every command, if it did not end that here.
bats_debug_trap() { trap - DEBUG; }

bats_error_trap()
{
	bats_check_status_from_trap
	bats_capture_stack_trace
	# shellcheck disable=SC2034
	BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
}

bats_timeout_trap()
{
	# shellcheck disable=SC2034
	BATS_TIMED_OUT=1 BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
	bats_capture_stack_trace
	exit 1
}
