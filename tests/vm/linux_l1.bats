#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# Linux as guest hypervisor: a stock kernel at EL2, with nestor in it, and what
# runs there. Needs root, for a loop device, and a host that has NV2.
#
# Of three kernels each has a tick, and each of L2's is dozens of traps to L0. An
# emulated host that is busy otherwise spends all its time on them, and L2 gets
# none: so tests/check gives this file a host whose clock counts instructions.

load lib
load l1

# Linux in L2, twice one after the other, then one beside it. Fewer L2s boot at a
# time than L1 has vCPUs for: else they mostly spin for one another.
work='
linuxes() {
	head -c 1048576 /dev/urandom >a
	md5sum <a
	mkfifo in.a out.a in.b out.b
	linux -c 2 -d a <in.a >out.a 2>&1 &
	exec 5>in.a 7<out.a
	ready <&7
	cp a b
	linux -d b <in.b >out.b 2>&1 &
	exec 6>in.b 8<out.b
	ready <&8
	echo A >&5
	echo B >&6
	cat <&7
	cat <&8
	md5sum <a
}
part linuxes linuxes
part warnings warnings
'

# VM after VM, each with an end of its own.
ends='
statuses() {
	for p in off panic "reset --no-reboot" "smp -c 2" "park --timeout 1"; do
		payload $p
	done
	mkfifo out
	nestor run -k /mnt/guest/spin.bin >out & pid=$!
	read -r line <out
	kill -TERM $pid
	wait $pid
	echo "status $?"
}
part statuses statuses
'

recursion='
part l3 payload el2_trap --nested=vhe
part l3_nv payload el2_nv --nested=vhe
'

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	l1_disk
	dmesg -C
	boot vhe "$ends$recursion$work" nested --nested=vhe -c 2
	dmesg >l0.dmesg
}

# changed_in L1 - the first L2 read L1's disk, wrote it, rebooted, read it again
changed_in()
{
	run -0 linuxes_in "$1"
	[[ $output = "sum sum CPU: All CPU(s) started at EL1 console [hvc0] enabled 1 2 sum sum ready "* ]] || return
	mapfile -t sum <sums
	[[ ${sum[0]} = "${sum[1]}" && ${sum[1]} != "${sum[2]}" &&
		${sum[2]} = "${sum[3]}" && ${sum[2]} = "${sum[-1]}" ]]
}

# both_in L1 - while one is up, another one boots; they see the same, and power off
both_in()
{
	run -0 linuxes_in "$1"
	[[ $output = *" ready sum ready "*"told A sum status 0 "*"told B sum status 0 sum" ]] ||
		return
	[[ $(tail -n +3 sums | sort -u | wc -l) = 1 ]]
}

@test "a stock kernel runs as guest hypervisor with VHE, and can nest itself" {
	ended vhe
	run -0 l1_says vhe kernel
	says "started at EL2" "VHE+NV2 mode initialized" virtio1-req.0
	seen "Linux with KVM" "${lines[0]}" "at EL2 with VHE; Linux and a nesting payload as its guests"
	[[ $(l1_says vhe caps | jq .features.el2.present) = true ]]
}

@test "under a VHE kernel a stock L2 changes its disk and reboots in place" {
	changed_in vhe
}

@test "under a VHE kernel, VM after VM, nestor's statuses are right" {
	l1_says vhe statuses | tee said
	# Powered off, panicked, reset, powered off, expired, SIGTERM.
	[[ $(grep '^status' said | paste -sd' ') = \
		"status 0 status 4 status 3 status 0 status 124 status 143" ]]
	grep 'PASS 2 vCPUs up' said
}

@test "under a VHE kernel two stock kernels run at once, and power off" {
	both_in vhe
}

@test "three levels: a guest hypervisor in L2 of Linux runs its guest as L3" {
	local part
	for part in l3 l3_nv; do
		run -0 l1_says vhe $part
		says PASS "status 0"
		[[ $output != *FAIL* ]]
	done
}

@test "the host's kernel has no complaint about any of it" {
	run ! grep -E 'WARNING|BUG|Call trace|rcu:|soft lockup' \
		"$BATS_FILE_TMPDIR/l0.dmesg"
}
