#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A program in a guest of a guest, by one line, as README has it.

load lib

@test "run -- nestor run -- runs a program in a guest of a guest, whose status is its own" {
	# shellcheck disable=SC2016 # expanded there
	run -7 --separate-stderr timeout 390 "$NESTOR" run --nested -m 1G -k "$GUEST/Image" -- \
		nestor run -k "$GUEST/Image" -- sh -c 'cat; uname -sm; exit 7' <<<"from the host"
	[[ $output = $'from the host\nLinux aarch64' ]]
}
