#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# CPU templates (--cpu FILE), on any generation of hardware: guest/cpuid tells
# what a guest sees, on two vCPUs and after a reset.

load lib

plain=$BATS_FILE_TMPDIR/plain

# cpuid [ARG...] - the registers that a guest sees, a line each: NAME HEX
cpuid()
{
	run -0 nestor run -k "$(payload cpuid)" -c 2 -m 64M "$@"
	says "PASS two vCPUs show the same" "PASS a reset changes nothing"
	grep -E '^[A-Z0-9_]+ [0-9a-f]+.$' <<<"$output" | tr -d '\r'
}

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	cpuid >plain
}

# nibble FILE REGISTER LSB - four bits of what cpuid has said, 0 if it has not
nibble()
{
	local hex
	hex=$(sed -n "s/^$2 //p" "$1")
	echo $((0x${hex:-0} >> $3 & 15))
}

# template LINE... - the file cpu
template() { printf '%s\n' "$@" >cpu; }

@test "what caps prints of a host changes nothing on it, comments included" {
	nestor caps --cpu >host.cpu
	[[ $(grep -c '^[A-Z].* = 0x' host.cpu) -gt 200 ]]
	[[ $(wc -l <"$plain") -gt 15 ]]
	cpuid --cpu host.cpu >templated
	diff "$plain" templated
	# Nor do those that nobody can change, as long as they are these.
	sed -nE 's/^# ([A-Z].* = )/\1/p' host.cpu | grep -vE '^(MIDR|REVIDR|AIDR)' >fixed.cpu
	[[ $(wc -l <fixed.cpu) -gt 50 ]]
	cpuid --cpu fixed.cpu >templated
	diff "$plain" templated
}

@test "a field that is masked is masked, and its neighbours are not" {
	template '# no AES' '' 'ID_AA64ISAR0_EL1.AES = 0 # nor PMULL' \
		'id_aa64isar0_el1[19:16]=0x0'
	cpuid --cpu cpu >masked
	[[ $(nibble "$plain" C6_0 4) = 2 && $(nibble "$plain" C6_0 16) = 1 ]]
	[[ $(nibble masked C6_0 4) = 0 && $(nibble masked C6_0 16) = 0 ]]
	run -1 diff "$plain" masked
	[[ $(grep -c '^<' <<<"$output") = 1 ]]
	(($(nibble "$plain" C6_0 12) == $(nibble masked C6_0 12)))
}

@test "one file makes one CPU of every generation" {
	local want
	# What Armv8.0 had, of what came later: register, field, bit, value.
	template 'ID_AA64ISAR0_EL1.SHA1 = 1' 'ID_AA64ISAR0_EL1.SHA2 = 1' \
		'ID_AA64ISAR0_EL1.Atomic = 0' 'ID_AA64ISAR0_EL1.RDM = 0' \
		'ID_AA64ISAR0_EL1.DP = 0' 'ID_AA64ISAR0_EL1.TS = 0' \
		'ID_AA64ISAR0_EL1.TLB = 0' 'ID_AA64ISAR0_EL1.RNDR = 0' \
		'ID_AA64ISAR0_EL1.SHA3 = 0' 'ID_AA64ISAR0_EL1.SM3 = 0' \
		'ID_AA64ISAR0_EL1.SM4 = 0' 'ID_AA64ISAR0_EL1.FHM = 0' \
		'ID_AA64ISAR0_EL1.AES = 2' 'ID_AA64ISAR0_EL1.CRC32 = 1' \
		'ID_AA64ISAR1_EL1.LRCPC = 0' 'ID_AA64ISAR1_EL1.DPB = 0' \
		'ID_AA64ISAR1_EL1.APA = 0' 'ID_AA64ISAR1_EL1.API = 0' \
		'ID_AA64MMFR1_EL1.PAN = 0' 'ID_AA64MMFR1_EL1.HPDS = 0' \
		'ID_AA64MMFR2_EL1.UAO = 0' 'ID_AA64PFR0_EL1.SVE = 0' \
		'ID_AA64PFR0_EL1.DIT = 0' 'ID_AA64DFR0_EL1.PMUVer = 0'
	cpuid --cpu cpu >seen
	grep '^C6_0 ' seen
	[[ $(sed -n 's/^C6_0 //p' seen) = 11120 ]]
	for want in C6_1:20 C6_1:0 C6_1:4 C6_1:8 C7_1:20 C7_1:12 C7_2:4 C4_0:32 \
		C4_0:48 C5_0:8; do
		[[ $(nibble seen "${want%:*}" "${want#*:}") = 0 ]] || {
			echo "$want is not masked"
			return 1
		}
	done
}

@test "a guest can be told another part number, which its every vCPU has" {
	template 'MIDR_EL1.PartNum = 0xabc'
	linux_has 6.15 || {
		refused "--cpu cpu:1: MIDR_EL1.PartNum: this host's KVM lets nobody set that; *, or use Linux 6.15 or newer" \
			-k "$(payload off)" --cpu cpu
		return
	}
	cpuid --cpu cpu >seen
	[[ $(sed -n 's/^MIDR_EL1 //p' seen) = *abc? ]]
}

@test "what this host cannot give is refused, with the line and what it has" {
	template '# a comment' 'ID_AA64ISAR0_EL1.AES = 1' 'ID_AA64ISAR0_EL1.SHA2 = 9'
	refused "--cpu cpu:3: ID_AA64ISAR0_EL1.SHA2 = 0x9, but a guest has 0x[12] here, and KVM refuses *" \
		-k "$(payload off)" --cpu cpu
	template 'ID_AA64PFR0_EL1.FP = 15'
	refused "--cpu cpu:1: ID_AA64PFR0_EL1.FP = 0xf, but a guest has 0x[01] here, and nobody can change that; *" \
		-k "$(payload off)" --cpu cpu
	template 'ID_AA64PFR0_EL1.GIC = 0'
	refused "--cpu cpu:1: *follows from the machine's GIC; leave the line out" \
		-k "$(payload off)" --cpu cpu
	template 'ID_AA64PFR0_EL1.SVE = 1'
	refused "--cpu cpu:1: ID_AA64PFR0_EL1.SVE = 0x1, but a guest has 0x0 here, *" \
		-k "$(payload off)" --cpu cpu --no-sve
}

@test "what is no template is refused, with the line" {
	template 'ID_AA64FOO_EL1.AES = 1'
	refused "--cpu cpu:1: there is no ID register 'ID_AA64FOO_EL1.AES'; *" \
		-k "$(payload off)" --cpu cpu
	template 'ID_AA64ISAR0_EL1.FOO = 1'
	refused "--cpu cpu:1: 'ID_AA64ISAR0_EL1.FOO' is no field *" \
		-k "$(payload off)" --cpu cpu
	refused "--cpu none: *" -k "$(payload off)" --cpu none
	refused "--cpu */: *" -k "$(payload off)" --cpu /tmp/
	refused "--cpu *: is no text; *" -k "$(payload off)" --cpu "$(payload off)"
}

@test "a template bounds nesting as --nested-depth does, and does not contradict it" {
	if [[ $(cap .features.el2.present) = false ]]; then
		refused "--nested: *" --nested=vhe -k "$(payload off)"
		return
	fi
	run -0 nestor run --nested=vhe -k "$(payload el2_nv)"
	template 'ID_AA64MMFR4_EL1.NV_frac = 0'
	run -4 nestor run --nested=vhe -k "$(payload el2_nv)" --cpu cpu
	says "FAIL this EL2 cannot nest"
	template 'ID_AA64MMFR4_EL1.NV_frac = 1'
	run -0 nestor run --nested=vhe -k "$(payload el2_nv)" --cpu cpu
	refused "--cpu cpu:1: ID_AA64MMFR4_EL1.NV_frac = 0x1, but a guest has 0x0 here, and other options*" \
		--nested=vhe --nested-depth 1 -k "$(payload off)" --cpu cpu
	nestor caps --cpu --nested >nested.cpu
	cpuid --nested=vhe >plain
	cpuid --nested=vhe --cpu nested.cpu >templated
	diff plain templated
}
