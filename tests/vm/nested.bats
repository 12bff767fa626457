#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# nested.bats - bare-metal guest hypervisors, at both kinds of EL2
#
# What each shows stands at the top of guest/el2_NAME.c. It prints PASS lines,
# and ends with status 0, or a FAIL line, and 4.
load lib

el2() { nestor run -k "$(payload "el2_$2")" --nested="$1" --exit-counter --timeout 100; }

# passes NAME NUMBER - of PASS lines, at both kinds of EL2
passes()
{
	local kind
	for kind in vhe nvhe; do
		run -0 el2 "$kind" "$1"
		[[ $(grep -c '^PASS ' <<<"$output") = "$2" && $output != *FAIL* ]]
	done
}

# cost STEP - what a payload printed for it: exits, and the same without NV2
cost()
{
	tr -d '\r' <<<"$output" |
		sed -n "/^STEP $1\$/,/^STEP /s/^EXITS //p"
}

@test "HCR_EL2 traps what L2 does, and its hypervisor does that instead" {
	passes trap 5
	for id in tvm tid3 twi tsc; do
		[[ $(cost trap.$id) = "2 8" ]]
	done
}

@test "stage 2: VMIDs, holes, TLBI, permissions" {
	passes stage2 4
	[[ $(cost stage2.vmid) = "0 2" && $(cost stage2.remap) = "2 2" ]]
}

@test "HCR_EL2.VI interrupts L2" {
	passes virq 2
	[[ $(cost virq.pending) = "0 2" && $(cost virq.taken) = "2 10" ]]
}

@test "HCR_EL2.TGE brings EL0's exceptions to EL2" {
	passes tge 2
}

@test "L2's exceptions go to its EL1, or to EL2, or past it to the monitor" {
	passes route 6
	[[ $(cost route.svc) = "2 8" ]]
}

@test "VHE: names of EL1 mean EL2, and a guest's get their own" {
	run -0 el2 vhe vhe
	[[ $(grep -c '^PASS ' <<<"$output") = 3 && $(cost vhe.names) = "0 1" ]]
	run -4 el2 nvhe vhe
	says "FAIL this EL2 has no VHE"
}

@test "FEAT_NV2: 500 deferred or redirected accesses are 0 exits, trapped ones 500" {
	local kind id n
	for kind in vhe nvhe; do
		run -0 el2 $kind pingpong
		for id in deferred.VTTBR_EL2 deferred.HCR_EL2 deferred.ICH_LR0_EL2 \
			redirected.ELR_EL2 redirected.ESR_EL2; do
			[[ $(cost cost.$id) = "0 500" ]]
		done
		for id in TTBR0_EL2 HPFAR_EL2 CPTR_EL2 TLBI-VMALLS12E1; do
			n=$(cost cost.trapped.$id)
			((${n% *} >= 500 && ${n% *} <= 550)) && [[ $n = *" 500" ]]
		done
		[[ $(cost cost.hvc) = "2 8" ]]
	done
}

@test "counting exits takes --exit-counter, and EL2 takes --nested" {
	run -4 nestor run -k "$(payload el2_pingpong)" --nested
	says "FAIL nothing counts exits"
	run -4 nestor run -k "$(payload el2_trap)"
	says "FAIL this is EL1"
}

@test "a payload whose mechanism is taken away fails" {
	local name file n=0
	for name in trap stage2 virq vhe tge route pingpong; do
		for file in "$PAYLOADS/el2_$name".break-*.bin; do
			file=$(basename "${file%.bin}")
			echo "$file:"
			run -4 el2 vhe "${file#el2_}"
			[[ $(grep -c '^FAIL ' <<<"$output") = 1 ]]
			n=$((n + 1))
		done
	done
	((n == 20))
}
