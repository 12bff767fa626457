#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A guest that asks for as much work as it can ends when it is to.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2086,SC2154 # flood.bash' variables; words

load lib
load vms
load flood

@test "Q15: nestor stop ends any flood" {
	ending=(n stop --timeout 1 a)
	for kind in "${FLOODS[@]}"; do
		echo "$kind"
		flood 7 $kind
	done
}

@test "Q15: --timeout ends any flood" {
	ending=(true)
	for kind in "${FLOODS[@]}"; do
		echo "$kind"
		flood 124 --timeout 2 $kind
	done
}

@test "Q15: a flood is paused, resumed, and its console log keeps its bound" {
	ending=(paused_and_resumed)
	flood 143 --console serial
	flood 143 --transport mmio
}

paused_and_resumed()
{
	n pause a
	[ "$(field a state)" = paused ]
	n resume a
	[ "$(field a state)" = running ]
	((1048576 >= $(stat -c %s vms/a/console.log)))
	kill -TERM "$vm_pid"
}
