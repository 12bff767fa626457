#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# nestor demo: what it shows is what the payloads have found, on this host.

load lib

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	"$NESTOR" demo </dev/null >text 2>text.err || echo $? >text.status
	"$NESTOR" demo --json </dev/null >json 2>json.err || echo $? >json.status
}

setup() { cd "$BATS_FILE_TMPDIR" || exit; }

@test "all of it holds, and it says how much" {
	cat text.err
	[[ ! -e text.status && ! -s text.err ]]
	tail -n 2 text | grep -Eq '^[0-9]+ steps, [0-9]+ checks hold; [0-9]+ exits'
	[[ $(wc -L <text) -lt 80 ]]
	# A register whose value the payload could not know beforehand.
	grep -Eq '^ +ELR_EL2 +0x00000000400[0-9a-f]{5}$' text
}

@test "the lecture's concepts come one after the other" {
	local said
	said=$(sed -nE 's/^[0-9]+\. .* (el2_[a-z0-9]+)$/\1/p' text)
	[[ $(paste -sd ' ' <<<"$said") = "el2_trap el2_stage2 el2_route el2_virq el2_vgic el2_vhe el2_tge el2_nv el2_pingpong" ]]
	for said in HCR_EL2 ESR_EL2 VTTBR_EL2 HPFAR_EL2 ICH_LR0_EL2 VBAR_EL12 VNCR_EL2; do
		grep -Eq "^ +$said +0x" text
	done
}

# Those without are rows of what costs what.
@test "no step is without words" {
	run ! grep -E '^ +\* [a-z0-9]+\.' text
	grep -Eq '^ +cost\.deferred\.VTTBR_EL2 +0 exits; without: 500$' text
}

@test "JSON has the same, and what a hypercall and a trap cost" {
	[[ ! -e json.status && ! -s json.err ]]
	[[ $(jq '[.chapters[].steps[]] | length' json) = "$(sed -nE 's/^([0-9]+) steps, .*/\1/p' text)" ]]
	jq -e '[.chapters[] | has("failure")] | any | not' json
	step() { jq -c --arg id "$1" '.chapters[].steps[] | select(.id == $id) | .exits' json; }
	[[ $(step cost.hvc) = '{"measured":2,"without_nv2":8}' ]]
	[[ $(step cost.deferred.VTTBR_EL2) = '{"measured":0,"without_nv2":500}' ]]
	jq -e '.chapters[0].steps[] | select(.id == "trap.tsc") | .registers[] |
		select(.name == "HCR_EL2") | .meaning | contains("TSC")' json
}

@test "--step stops at q, after the step that was asked for" {
	run -0 "$NESTOR" demo --step <<<'  q'
	[[ $(grep -c '^ *\* ' <<<"$output") = 3 && $output != *"checks hold"* ]]
}

@test "--step ends with its input" {
	run -0 "$NESTOR" demo --step </dev/null
	[[ $(grep -c '^ *\* ' <<<"$output") = 1 ]]
}

@test "what is asked for must make sense" {
	run -2 "$NESTOR" demo --step --json
	[[ $output = "nestor: --step with --json: "* ]]
	run -2 "$NESTOR" demo el2_trap
	says "demo does not take 'el2_trap'"
}
