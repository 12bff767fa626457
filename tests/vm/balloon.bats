#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The balloon: memory that goes back to the host, and comes back. The guest is a
# payload that does without up to 8 MiB.
#
# shellcheck disable=SC2154 # lib.bash' variables

load lib

rss() { awk '/^VmRSS:/ { print $2 }' "/proc/$vm_pid/status"; }

guest_up()
{
	mkfifo in
	exec 8<>in
	vm_start -k "$(payload balloon)" -m 128M --balloon --name b --runtime-dir "$PWD/vms" "$@"
	vm_says ready
}

guest_down()
{
	echo q >&8
	vm_ends 0
	exec 8>&-
}

balloon() { nestor balloon --runtime-dir "$PWD/vms" b "$@"; }

@test "what the guest does without goes back to the host, and comes when it needs it" {
	local with without
	guest_up
	with=$(rss)
	run -0 balloon
	says "b: the guest keeps 128 of 128 MiB; 0 MiB were given back so far" \
		"free-memory                       8388608"
	run -0 balloon 120M
	vm_says 'without 2048 pages'
	without=$(rss)
	((with - without > 7 << 10))
	run -0 balloon --json
	[[ $(jq -c '[.memory, .size, .target, .freed, .guest["free-memory"]] | map(. / 1048576)' \
		<<<"$output") = '[128,120,120,8,0]' ]]
	balloon 128M
	vm_says 'without 0 pages'
	(($(rss) - without > 7 << 10))
	guest_down
}

@test "a guest that does not answer holds nobody up" {
	guest_up --transport mmio
	nestor pause --runtime-dir "$PWD/vms" b
	run -0 balloon 124M
	says "b: the guest keeps 128 of 128 MiB, and is to keep 124 MiB;" \
		"It gives no statistics now."
	nestor resume --runtime-dir "$PWD/vms" b
	vm_says 'without 1024 pages'
	run -1 balloon 129M
	says "size is not from 0 to the 134217728 bytes that the VM has"
	run -2 balloon 1M
	says "balloon b 1M: less than the minimum of 32M"
	guest_down
}

@test "a VM with EL2 gets no balloon, and without --balloon there is none" {
	refused "--balloon and --nested are both given; each page that a guest with an EL2 gives back stops it for seconds, while KVM walks all of its shadow page tables, so leave one out" \
		-k "$(payload off)" --balloon --nested
	mkfifo in
	exec 8<>in
	vm_start -k "$(payload echo)" --name b --runtime-dir "$PWD/vms"
	vm_says listening
	run ! balloon
	says "the VM has no balloon; start it with --balloon"
	guest_down
}
