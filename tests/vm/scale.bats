#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # a script of the guest; run sets output
#
# Many VMs, at once and one after the other, where the clock counts instructions: else
# the ticks of twenty kernels would take all of two emulated CPUs. NESTOR_SCALE is
# another number than a hundred.

load lib
load vms

COUNT=${NESTOR_SCALE:-100}
export BATS_TEST_TIMEOUT=3000

# states - how many VMs are in which, as "100 running"
states() { n ls --json | jq -r '.[].state' | sort | uniq -c | xargs; }

@test "a hundred VMs are started, seen, paused, resumed and stopped at once" {
	local i names stuck
	mapfile -t names < <(for i in $(seq "$COUNT"); do echo "vm$i"; done)
	for i in "${names[@]}"; do
		n run --detach --name "$i" -m 32M -k "$(payload button)" >/dev/null
	done
	[ "$(states)" = "$COUNT running" ]
	n pause "${names[@]}"
	[ "$(states)" = "$COUNT paused" ]
	for i in "${names[@]}"; do
		n stat --json "$i" | jq -e '.state == "paused" and .process.rss > 0' >/dev/null
	done
	n resume "${names[@]}"
	# One that is stuck holds up no other, and is shown.
	stuck=$(n ls --json | jq '.[0].pid')
	kill -STOP "$stuck"
	[ "$(states)" = "$((COUNT - 1)) running 1 unresponsive" ]
	kill -CONT "$stuck"
	n stop "${names[@]}"
	[ "$(states)" = "$COUNT ended" ]
	[ "$(n ls --json | jq -r '.[].cause' | sort -u)" = poweroff ]
	n rm "${names[@]}"
	[ -z "$(ls -A vms)" ]
}

# What could be left: processes, sockets, taps, files; memory is told apart.
count()
{
	echo "processes $(pgrep -c nestor || true)"
	echo "sockets $(grep -c nestor /proc/net/unix || true)"
	echo "links $(find /sys/class/net -mindepth 1 | wc -l)"
	echo "files $(find vms /tmp /dev/shm -mindepth 1 ! -path "$BATS_RUN_TMPDIR*" | wc -l)"
}

@test "ten times a hundred lives leave nothing behind" {
	local i before after
	n run -m 32M -k "$(payload off)" -n tap >/dev/null
	count >before
	before=$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)
	for i in $(seq $((COUNT * 10))); do
		case $((i % 4)) in
		0) n run -m 32M -k "$(payload off)" -n tap --vsock v.sock >/dev/null ;;
		1) run -4 n run -m 32M -k "$(payload panic)" --name x ;;
		2) n run --detach --rm --name x -m 32M -k "$(payload button)" >/dev/null &&
			n stop x ;;
		3) n run --detach --name x -m 32M -k "$(payload button)" >/dev/null &&
			kill -9 "$(n ls --json | jq '.[0].pid')" && run -137 n wait x &&
			n rm x ;;
		esac
	done
	count >after
	after=$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)
	diff before after
	echo "$((before - after)) KiB"
	((before - after < 16384))
}

# One of twenty: its number is all that it knows.
one()
{
	timeout 2000 "$NESTOR" run -k "$GUEST/Image" -m 192M --root initramfs -- \
		busybox sh -c 'echo "I am $0"; echo "not $0" >&2; exit "$0"' "$1"
}

@test "twenty commands at once each have their own output and status" {
	local i pids=() status
	for i in {1..20}; do
		one "$i" </dev/null >out."$i" 2>err."$i" &
		pids[i]=$!
	done
	for i in {1..20}; do
		status=0
		wait "${pids[i]}" || status=$?
		echo "$i: $status, $(<out."$i"), $(<err."$i")"
		[ "$status" = "$i" ]
		[ "$(<out."$i")" = "I am $i" ]
		[ "$(<err."$i")" = "not $i" ]
	done
}
