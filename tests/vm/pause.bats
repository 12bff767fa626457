#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # a script for another shell
#
# A stock Linux that is paused while its CPUs are busy, for longer than it waits for
# one of them: it must not find that out.

load lib
load vms

@test "a busy Linux that is paused does not find that a CPU was stuck, nor that it is older" {
	local before after
	initrd 'echo 4 >/proc/sys/kernel/watchdog_thresh
		for i in 1 2; do while :; do :; done & done
		echo "before $(cut -d. -f1 /proc/uptime)"; read -r x
		echo "after $(cut -d. -f1 /proc/uptime)"
		# As long as it would take it to find out.
		sleep 9
		echo "said $(dmesg | grep -ciE "lockup|stall|hung"), $(dmesg | grep -c "soft lockup")"' >run.cpio
	n run --detach --name a -k "$GUEST/Image" -i "$GUEST/initrd.cpio" \
		-i run.cpio -p "$QUIET" -m 256M
	n console a --timeout 200 --expect 'before [0-9]+'
	n pause a
	run -124 n wait --timeout 20 a
	n resume a
	n console a --send 'go\n' --timeout 200 --expect '^said [0-9]'
	n wait a
	run -0 n logs a
	echo "$output"
	before=$(sed -n 's/^before //p' <<<"$output")
	after=$(sed -n 's/.*after //p' <<<"$output")
	((after - before < 10))
	says "said 0, 0"
}
