#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# nestor caps tells the truth of the host it runs on, of whatever generation:
# what the kernel has said at boot, and what a VM really gets.

load lib

# host TEXT - whether its kernel has said so: true or false
host() { dmesg | grep -q "$1" && echo true || echo false; }

# cpu FLAG - whether the host's processor has it
cpu() { grep -qw "$1" /proc/cpuinfo && echo true || echo false; }

present() { cap ".features.$1.present"; }

not() { [[ $1 = true ]] && echo false || echo true; }

@test "the host and its kernel are named" {
	[[ $(cap .kernel) = "$(uname -r)" && $(cap .machine) = "$(uname -m)" ]]
	[[ $(cap .kvm.present) = true && $(cap .kvm.api_version) = 12 ]]
}

@test "guest addresses have the bits that KVM has announced" {
	[[ $(dmesg) = *"IPA Size Limit: $(cap .ipa_bits) bits"* ]]
}

@test "GICv3 is offered on a GICv3, GICv2 where the hardware can do it" {
	[[ $(present gicv3) = "$(grep -q GICv3 /proc/interrupts && echo true || echo false)" ]]
	[[ $(present gicv2) = "$(not "$(host 'disabling GICv2 emulation')")" ]]
}

@test "EL2 is offered if and only if the kernel has NV2" {
	[[ $(present el2) = "$(host 'VHE+NV2 mode initialized')" ]]
}

# reason NAME PATTERN - why it is missing
# shellcheck disable=SC2053
reason() { [[ $(cap ".features.$1.reason") = $2 ]]; }

@test "a missing EL2 is blamed on the CPU if that has no VHE, or on the kernel or the boot" {
	local el2 mode
	el2=$(present el2)
	mode=$(grep -o 'kvm-arm\.mode=[^ ]*' /proc/cmdline | tail -n1)
	[[ $(cap '.nested.mode // ""') = "${mode#*=}" ]]
	if [[ $(host 'Hyp nVHE mode initialized') = true && ! $mode ]]; then
		reason el2 '*no VHE (Armv8.1)*'
		reason el2_e2h0 '*no VHE (Armv8.1)*'
	elif [[ $el2 = false ]] && ! linux_has 6.16; then
		reason el2 "*came with Linux 6.16 and this is $(uname -r): *"
		reason el2_e2h0 "*came with Linux 6.16 and this is $(uname -r): *"
	elif [[ $el2 = false ]]; then
		reason el2 '*boot the host with kvm-arm.mode=nested*'
		reason el2_e2h0 '*boot the host with kvm-arm.mode=nested*'
	fi
}

@test "NV2 in guests is what a guest at EL2 finds" {
	[[ $(present el2) = true ]] || {
		reason recursion '*no EL2 here*'
		return
	}
	run nestor run -k "$(payload el2_nv)" --nested=vhe
	[[ $(present recursion) = "$([[ $status = 0 ]] && echo true || echo false)" ]]
}

@test "more than 48 bits of address are warned of where guests can nest, as old bugs are" {
	local warnings
	warnings=$(cap '.nested.warnings | join(" ")')
	if [[ $(present el2) = true ]] && (($(cap .ipa_bits) > 48)); then
		[[ $warnings = *"more than 48 bits"* ]]
	else
		[[ $warnings != *"more than 48 bits"* ]]
	fi
	[[ $(uname -r) != 7.3.* || $warnings != *Linux* ]]
}

@test "SVE and pointer authentication are those of the processor" {
	[[ $(present sve) = "$(cpu sve)" && $(present pauth) = "$(cpu paca)" ]]
}

@test "counters are offered where the host counts" {
	[[ $(present pmu) = "$(host 'armv8_pmuv3.* PMU driver')" ]]
}

@test "what is missing has a reason, in the table too" {
	local reason
	run -0 nestor caps
	while IFS= read -r reason; do
		says "${reason%% *}"
		[[ $(tr -s ' \n' ' ' <<<"$output") = *"no: $reason"* ]]
	done < <(cap '.features[] | select(.present | not) | .reason // "none given"')
}

@test "JSON and table agree" {
	local table
	table=$(nestor caps)
	[[ $(grep -c ' yes' <<<"$table") = \
		$(cap '[.features[].present, .kvm.present] | map(select(.)) | length') ]]
}

@test "without KVM caps says why, with status 1" {
	run -1 unshare -m bash -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 &&
		exec "$@"' - "$NESTOR" caps --json
	jq -e '.kvm.present == false and (.kvm.reason | length > 0)' <<<"$output"
}

@test "--aarch32 goes as caps says" {
	if [[ $(present aarch32) = true ]]; then
		run -0 nestor run --aarch32 -c 2 -k "$(payload a32)"
		says "PASS AArch32, 2 vCPUs up, and again after a reset"
	else
		refused "--aarch32: *AArch64 only; *" --aarch32 -k "$(payload a32)"
	fi
	refused "--aarch32 and --nested are both given; *" --aarch32 --nested \
		-k "$(payload a32)"
}

@test "--nested and the demo go as caps says, and for the same reason if not" {
	local kind cap
	for kind in vhe:el2 nvhe:el2_e2h0; do
		cap=${kind#*:}
		if [[ $(present "$cap") = true ]]; then
			run -0 nestor run --nested=${kind%:*} -k "$(payload el2_trap)"
			says "PASS TSC traps SMC"
		else
			refused "--nested*: $(cap ".features.$cap.reason")" \
				--nested=${kind%:*} -k "$(payload off)"
		fi
	done
	if [[ $(present el2) = false ]]; then
		run -1 nestor demo
		says "the demo needs nested virtualization: $(cap .features.el2.reason)"
	fi
}
