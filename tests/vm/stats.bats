#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What KVM counts of a VM, and nestor shows: the exit counter.

load lib

@test "a guest reads how many exits its operations cost" {
	run -0 nestor run -k "$(payload exits)" --exit-counter
	says "PASS nothing 0, hypercall 1, UART read 1, three 3"
}

@test "so it does where there are vCPUs that are off" {
	run -0 nestor run -k "$(payload exits)" --exit-counter -c 8
	says "PASS nothing 0, hypercall 1, UART read 1, three 3"
}

@test "without --exit-counter there is none" {
	nestor run -k "$(payload off)" --dump-dtb without
	nestor run -k "$(payload off)" --exit-counter --dump-dtb with
	[[ $(fdtget without /exits@90e0000 compatible 2>&1) = *NOTFOUND* ]]
	[[ $(fdtget with /exits@90e0000 compatible) = nestor,exit-counter ]]
	[[ $(fdtget -t x with /exits@90e0000 reg) = "0 90e0000 0 1000" ]]
	run -0 nestor run -k "$(payload exits)"
	says "FAIL halves"
}
