#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# nestor caps on the host at hand, which must have KVM.

load ../vm/untraced
NESTOR=${NESTOR:-nestor}

setup()
{
	bats_require_minimum_version 1.5.0
	if [ "$(uname -m)" != aarch64 ] || [ ! -w /dev/kvm ]; then
		skip "no KVM/arm64 here"
	fi
}

# feature NAME - true or false
feature()
{
	"$NESTOR" caps --json | jq ".features.$1.present"
}

@test "caps ends with 0 and gives a reason for whatever is missing" {
	run -0 "$NESTOR" caps --json
	jq -e '.kvm.present and .ipa_bits >= 32 and .max_vcpus >= 1' \
		<<<"$output"
	jq -e '.features | all(.present or (.reason | length > 0))' \
		<<<"$output"
}

@test "the table fits 80 columns" {
	run -0 "$NESTOR" caps
	[ "$(wc -L <<<"$output")" -lt 80 ]
}

@test "there is a GICv2 or a GICv3 for guests" {
	[ "$(feature gicv2)" = true ] || [ "$(feature gicv3)" = true ]
}

@test "EL2 is offered where the kernel says it runs nested" {
	if dmesg | grep -q 'VHE+NV2 mode'; then
		[ "$(feature el2)" = true ]
	else
		[ "$(feature el2)" = false ]
		run -0 "$NESTOR" caps
		[[ $output = *"EL2 (VHE)         no: "*kvm-arm.mode=nested* ]]
	fi
}

@test "SVE is offered where the CPU has it" {
	if grep -qw sve /proc/cpuinfo; then
		[ "$(feature sve)" = true ]
	else
		[ "$(feature sve)" = false ]
	fi
}

@test "another user is told how to get access" {
	[ "$(id -u)" -eq 0 ] || skip "not root, who can be another user"
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
	if $nobody test -w /dev/kvm; then
		skip "everybody may use /dev/kvm here"
	fi
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	cp "$(command -v "$NESTOR")" "$BATS_TEST_TMPDIR/nestor"
	run $nobody "$BATS_TEST_TMPDIR/nestor" caps
	[ "$status" -eq 1 ]
	[[ $output = *"permission denied: join the group"* ]]
}
