#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; lib.bash sets output
#
# Memory tags (--mte), on a host whose memory has them.

load lib

setup()
{
	cd "$BATS_TEST_TMPDIR" || return
	[[ $(cap .features.mte.present) = true ]] || skip "this host has no memory tags"
}

@test "memory keeps tags with --mte, and a pointer with another tag is a fault" {
	run -0 nestor run --mte -k "$(payload mte)" -m 64M
	says "PASS 16 bytes of memory keep their tag" \
		"PASS a pointer with another tag is a fault"
	run -0 nestor run --mte --nested -k "$(payload el2_trap)" -m 64M
}

@test "without --mte, or without one of its mechanisms, the payload fails" {
	run -4 nestor run -k "$(payload mte)" -m 64M
	says "FAIL this CPU has no memory tags"
	run -4 nestor run --mte -k "$(payload mte.break-1)" -m 64M
	says "FAIL a store by a pointer with another tag went through"
	run -4 nestor run --mte -k "$(payload mte.break-2)" -m 64M
	says "FAIL the tags are 0 0 0"
}

@test "a guest with tags has devices and a firmware as others have" {
	run -0 nestor run --mte --firmware "$(payload flash)" -m 64M -c 2
	says "PASS the first bank answers a CFI query" \
		"PASS the second bank is erased, programmed and verified"
}

@test "a stock kernel finds tags with --mte only, by PCI and by MMIO" {
	head -c 65536 /dev/urandom >disk
	local transport
	for transport in pci mmio; do
		linux 'grep -o -m1 " mte" /proc/cpuinfo; md5sum </dev/vda' --mte \
			-d disk --transport "$transport" >said
		cat said
		grep -q " mte" said
		grep -q "$(md5sum <disk | cut -d" " -f1)" said
	done
	linux 'grep -o -m1 " mte" /proc/cpuinfo; md5sum </dev/vda' -d disk >said
	run ! grep " mte" said
	grep -q "$(md5sum <disk | cut -d" " -f1)" said
}
