#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Hosts have pages of 4, 16 or 64 KiB. What of nestor depends on that works on
# this one, whatever it has: payloads alone, as guests' pages are their own affair.
#
# KVM gives a guest hypervisor no stage 2 with pages smaller than the host's, and
# walks 32 times as many of its own tables there when such a guest ends.

load lib

bats_require_minimum_version 1.5.0

page() { awk '/^KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps; }

nests() { [[ $(cap .features.el2.present) = true ]]; }

@test "caps tells the host's pages, those of guests, and what is left for stage 2" {
	local left='[]'
	[[ $(cap .page_size) = "$(page)" ]]
	[[ $(cap '.guest_page_sizes[0]') = 4096 ]]
	! nests || left=$(cap ".guest_page_sizes | map(select(. >= $(page))) | tojson")
	[[ $(cap '.nested.stage2_page_sizes | tojson') = "$left" ]]
}

@test "memory of any MiB, with each transport and all small devices, is a machine" {
	local transport
	truncate -s 2M disk
	for transport in mmio pci; do
		run -0 nestor run -m 65M -k "$(payload virtio_reset)" -d disk \
			--transport $transport --timeout 100
		says "PASS"
	done
	run -0 nestor run -m 33M -c 2 -k "$(payload smp)" -d disk --watchdog \
		--exit-counter --balloon --vsock "$PWD/v" --port p=null
	says "PASS"
}

# Those of others are memory that guests read without an exit, in whole pages.
@test "registers of empty slots behind the last device are no device's" {
	run -4 nestor run -m 64M -k "$(payload requests)" --transport mmio --no-rng
	says "FAIL there is no entropy source"
}

# VTCR_EL2.TG0: 0 is 4 KiB, 2 is 16, 1 is 64.
@test "a guest hypervisor takes the smallest pages that caps tells of for stage 2" {
	local -A tg0=([4096]=0 [16384]=2 [65536]=1)
	local vtcr
	if ! nests; then
		refused "--nested*" -k "$(payload el2_stage2)" --nested
		return
	fi
	run -0 nestor run --nested=vhe -m 64M -k "$(payload el2_stage2)" --timeout 100
	[[ $(grep -c '^PASS ' <<<"$output") = 4 ]]
	vtcr=$(tr -d '\r' <<<"$output" | sed -n 's/^REG VTCR_EL2 //p')
	((tg0[$(cap '.nested.stage2_page_sizes[0]')] == (vtcr >> 14 & 3)))
}

@test "one that uses 4 KiB where there are none ends with status 5 and the reason" {
	nests || return 0
	if (($(page) == 4096)); then
		run -0 nestor run --nested=vhe -m 64M -k "$(payload el2_granule)"
		says "PASS stage 2 has pages of 4 KiB"
		return
	fi
	run -5 nestor run --nested=vhe -m 64M -k "$(payload el2_granule)"
	says "KVM_RUN failed at pc"
	says "probably the guest's hypervisor uses pages of 4 KiB for stage 2"
}
