#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# As a service of systemd's: what nestor says to the manager, and to the journal.
# And in CI: the example.

load lib

# told LINE... - by nestor to its service manager, next
told()
{
	local line
	for expected; do
		IFS= read -r -t 60 -u 8 line && echo "$line" || return
		[[ $line = "$expected" ]] || return
	done
}

@test "a service manager is told when the guest runs, and how it ends" {
	local line=''
	mkfifo told log
	exec 8<>told 9<>log
	socat -d -d -u UNIX-RECV:manager STDOUT >told 2>log 3>&- 8>&- 9>&- &
	while [[ $line != *"starting data transfer loop"* ]]; do
		IFS= read -r -t 60 -u 9 line
	done
	NOTIFY_SOCKET=$PWD/manager vm_start -k "$(payload button)"
	# shellcheck disable=SC2154 # vm_start sets it
	told READY=1 "MAINPID=$vm_pid" "STATUS=The guest runs"
	vm_says "waiting for the button"
	kill -PWR "$vm_pid"
	vm_ends 0
	told STOPPING=1 "STATUS=Ended: poweroff"
	kill %1
	exec 8>&- 9>&-
}

@test "the journal gets a priority with each line, and no name" {
	local journal status=0
	: >err
	journal=$(stat -c %d:%i err)
	JOURNAL_STREAM=$journal timeout 60 "$NESTOR" run -k "$(payload spin)" \
		--timeout 1 2>err </dev/null || status=$?
	[[ $status = 124 && $(<err) = "<4>the guest still runs after 1 seconds; ending it" ]]
	JOURNAL_STREAM=$journal "$NESTOR" run 2>err || status=$?
	[[ $status = 2 && $(<err) = "<3>no kernel given:"* ]]
}

lifecycle()
{
	PATH=${NESTOR%/*}:$PATH timeout 300 \
		"$BATS_TEST_DIRNAME/../../docs/lifecycle.sh" "$@" </dev/null
}

@test "the example of a lifecycle in CI passes, or fails as its guest does" {
	run -0 lifecycle "$GUEST/Image" "$GUEST/initrd.cpio"
	says aarch64
	run ! lifecycle "$(payload panic)"
	run ! lifecycle "$(payload off)"
	run -0 "$NESTOR" ls
	((${#lines[@]} == 1))
}
