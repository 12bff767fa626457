#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2034,SC2154 # what the lines use; bats sets output
#
# Test suites as guests: nestor(1)'s lines for them, as they stand there, with
# programs of our own that follow the conventions of kvm-unit-tests and check what
# such suites do, at EL1 and at both kinds of EL2.

load lib

# The display under that heading, as a terminal shows it.
lines()
{
	sed -n '/^\.Ss Programs of a test suite$/,/^\.Ed$/{/^\.Bd /,/^\.Ed/{/^\.[BE]d/!p}}' \
		"$BATS_TEST_DIRNAME/../../man/nestor.1" | sed 's/\\e/\\/g'
}

# suite EL2 NAME... - the manual's lines on these programs: what they said
suite()
{
	local el=$1 args="one two" name
	shift
	mkdir -p arm
	rm -f arm/*
	for name; do
		cp "$(payload "suite_$name")" "arm/$name.flat"
	done
	eval "$(lines)"
}

# goes EL2 NAME... - each is well
goes()
{
	local el=$1
	shift
	[[ $(lines | wc -l) = 10 ]]
	run -0 suite "$el" "$@"
	echo "$output"
	[[ $(grep -c '^ok .*\.flat$' <<<"$output") = "$#" && $output != *"not ok"* ]]
}

@test "programs at EL1 find clock, timers, PMU, GIC, PSCI and debug as they must be" {
	goes "" rtc timer pmu gic psci debug
}

@test "programs at an EL2 with VHE do" {
	goes --nested=vhe timer pmu gic psci debug
}

@test "programs at an EL2 without VHE do" {
	goes --nested=nvhe timer pmu gic psci debug
}

@test "they have arguments, and an environment of no more bytes than it has" {
	printf 'CPUS=2\nA=bc\n' >./env
	run -0 nestor run -k "$(payload suite_psci)" -i env -p "one two" -c 2 \
		--console serial
	says "at EL1, arguments 'one two'" "environment of 12 bytes" \
		"PASS: psci: the tree has the environment's CPUs"
	printf 'CPUS=3\n' >./env
	run -0 nestor run -k "$(payload suite_psci)" -i env -c 2 --console serial
	says "environment of 7 bytes" "EXIT: STATUS=3" \
		"FAIL: psci: the tree has the environment's CPUs"
}

@test "a program that fails is told of, with what it said" {
	local name
	for name in rtc timer pmu gic psci debug; do
		run -0 suite "" "$name.break-1"
		[[ $output = *"not ok $name.break-1.flat"* ]]
		says "# FAIL: $name: " "# EXIT: STATUS=3"
	done
	run -0 suite "" gic.break-2
	says "# FAIL: gic: MOVI moves what is pending"
	run -0 suite "" gic.break-3
	says "# FAIL: gic: CLEAR, and nothing is pending"
}
