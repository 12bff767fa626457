#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# Linux as guest hypervisor, as linux_l1.bats has it, without VHE, and bounded to
# one level.

load lib
load l1

# One L2, whose disk says that it need not reboot.
single='
one() {
	head -c 1048576 /dev/urandom >a
	printf second | dd of=a conv=notrunc 2>/dev/null
	md5sum <a
	mkfifo in out
	linux -c 2 -d a <in >out 2>&1 &
	exec 5>in 7<out
	ready <&7
	echo on >&5
	cat <&7
}
part linuxes one
part warnings warnings
'

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	l1_disk
	dmesg -C
	boot nvhe "$single" nvhe --nested=nvhe -c 2
	boot depth 'part l3 payload el2_trap --nested=vhe' nested \
		--nested=vhe --nested-depth=1
	dmesg >l0.dmesg
}

@test "a stock kernel runs as guest hypervisor without VHE, and cannot nest itself" {
	ended nvhe
	run -0 l1_says nvhe kernel
	says "started at EL2" "Hyp nVHE mode initialized" virtio1-req.0
	[[ $(l1_says nvhe caps | jq .features.el2.present) = false ]]
}

@test "under an nVHE kernel a stock L2 runs with its disk, and powers off" {
	run -0 linuxes_in nvhe
	[[ $output = "sum sum ready "*"told on sum status 0" ]]
	[[ $(wc -l <sums) = 3 && $(sort -u sums | wc -l) = 1 ]]
}

@test "--nested-depth=1 keeps a guest hypervisor from nesting, and caps in it says why" {
	ended depth
	run -0 l1_says depth kernel
	says "started at EL2" "VHE mode initialized"
	[[ $output != *NV2* ]]
	run -0 bash -c 'jq -r "[.features.el2.present, .features.el2.reason] | @tsv" <<<"$1"' - \
		"$(l1_says depth caps)"
	says "false" "FEAT_NV2"
	[[ $(l1_says depth l3) = "nestor: --nested"*"FEAT_NV2"*"status 2" ]]
}

@test "the host's kernel has no complaint about any of it" {
	run ! grep -E 'WARNING|BUG|Call trace|rcu:|soft lockup' \
		"$BATS_FILE_TMPDIR/l0.dmesg"
}
