#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Guest hypervisors that use more of EL2 than the lecture's first steps: list
# registers, timers, several CPUs, nesting of their own, and nonsense.
load lib

# passes KIND PASSES NAME ARG... - a payload, with so many PASS lines
passes()
{
	local kind=$1 passes=$2 name=$3
	shift 3
	run nestor run "--nested=$kind" -k "$(payload "$name")" "$@"
	echo "$kind ($status): $output"
	[[ $status = 0 && $(grep -c '^PASS ' <<<"$output") = "$passes" ]]
}

# broken KIND BUILDS NAME ARG... - each build without a mechanism says so
broken()
{
	local kind=$1 builds=$2 name=$3 file n=0
	shift 3
	for file in "$PAYLOADS/$name".break-*.bin; do
		run nestor run "--nested=$kind" -k "$file" "$@"
		echo "$file ($status): $output"
		[[ $status = 4 && $output = *"FAIL "* ]] || return
		n=$((n + 1))
	done
	((n == builds))
}

@test "a list register gives L2 an interrupt, and its end comes to L1 if it asks" {
	passes vhe 4 el2_vgic -c 2
	passes nvhe 4 el2_vgic -c 2
}

@test "without one of the vGIC's mechanisms, its payload fails" {
	broken vhe 6 el2_vgic -c 2
}

@test "L1 nests in its turn: L2 believes that it is at EL2, and its registers are in memory" {
	passes vhe 5 el2_nv
	broken vhe 5 el2_nv
}

@test "an EL2 without recursion says so to a payload that wants it" {
	local no="FAIL this EL2 cannot nest"
	run nestor run --nested=nvhe -k "$(payload el2_nv)"
	[[ $status = 4 && $output = *"$no"* ]]
	run nestor run --nested=vhe --nested-depth=1 -k "$(payload el2_nv)"
	[[ $status = 4 && $output = *"$no"* ]]
}

@test "every vCPU enters EL2 by CPU_ON, and all run their L2 at once" {
	passes vhe 2 el2_smp -c 4
	passes nvhe 2 el2_smp -c 4
	broken vhe 4 el2_smp -c 4
}

@test "each timer fires at its PPI, L2 has a time of its own, and its timer comes to L1 first" {
	passes vhe 6 el2_timer
	passes nvhe 5 el2_timer
	broken vhe 5 el2_timer
}

@test "a guest hypervisor gives its guest an EL2, and that one runs L3" {
	passes vhe 2 el2_two_level --exit-counter
	# From call to call of L3's: two in each direction, and a register.
	[[ $output = *"EXITS 5 "* ]]
	broken vhe 4 el2_two_level
}

# quiet_since LINES - what the host's log says after so many: two known warnings
#
# KVM says one of IMO without FMO, and one of a VTCR_EL2 that makes no sense.
quiet_since()
{
	dmesg | awk -v "lines=$1" '
		NR > lines && /WARNING|BUG|Oops|Internal error|Unable to handle/ &&
			!/WARNING: .*(vgic_state_is_nested|walk_nested_s2)/ {
			print
			bad = 1
		}
		END { exit bad }'
}

@test "nonsense from L1 harms neither L0 nor nestor nor another VM" {
	local before
	before=$(dmesg | wc -l)
	vm_start -k "$(payload button)"
	vm_says "waiting for the button"
	# 16 shadow stage 2: KVM takes seconds to make a used one new.
	passes vhe 21 el2_hostile -c 8
	passes nvhe 21 el2_hostile -c 8
	quiet_since "$before"
	# shellcheck disable=SC2154 # vm_start sets it
	kill -PWR "$vm_pid"
	vm_says "edge 1"
	# It ends at the second edge; on a busy machine, press and release are one.
	kill -PWR "$vm_pid" 2>/dev/null || true
	vm_ends 0
}

@test "where KVM will not run L2 any more, nestor says so and ends with 5" {
	local before file n=0
	before=$(dmesg | wc -l)
	for file in "$PAYLOADS"/el2_hostile.break-*.bin; do
		run --separate-stderr nestor run --nested=vhe -k "$file"
		# shellcheck disable=SC2154 # bats sets stderr
		echo "$file ($status): $output$stderr"
		[[ $status = 5 && $output != *PASS* && $output != *FAIL* &&
			$stderr = "nestor: vCPU 0: KVM_RUN failed at pc 0x"*": Bad address"*"probably the stage 2 of"* ]]
		n=$((n + 1))
	done
	((n == 5))
	quiet_since "$before"
}

@test "a guest with an EL2 does not see in its counters that it was paused" {
	for kind in vhe nvhe; do
		sees_no_pause --nested=$kind
		rm -r vms
	done
}

@test "a hypervisor that goes to where it was linked, by a fetch that fails, finds the tree there" {
	passes nvhe 2 el2_early -m 256M
	broken nvhe 1 el2_early -m 256M
}
