#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# ACPI's tables, beside what they tell of: a payload begins in flash, does what
# firmware does with fw_cfg's files, and goes by what it has then.

load lib

acpi() { nestor run --firmware "$(payload acpi)" -m 128M "$@"; }

has() { [[ $(cap ".features.$1.present") = true ]] || skip "no $1 here"; }

# What each machine shows; @1 has CPUs.
as_told()
{
	says "PASS the script makes whole tables" \
		"PASS PSCI is called as the FADT says" \
		"PASS PSCI knows each of $1 CPUs" "PASS the GIC is there" \
		"PASS timers interrupt as the GTDT says" \
		"PASS SPCR has the PL011" "PASS MCFG has a host bridge" \
		"takes messages"
}

@test "what the tables tell of is there, and works, on one CPU and on eight" {
	run -0 acpi --watchdog
	as_told 1
	says "PASS a watchdog has its two frames"
	run -0 acpi -c 8
	as_told 8
	[[ $output != *watchdog* ]]
}

@test "150 CPUs have their redistributors in two regions" {
	has gicv3
	run -0 acpi -c 150
	as_told 150
	says "150 redistributors"
}

@test "an EL2, with VHE and without, has its call of firmware, its timers, its GIC's interrupt" {
	has el2
	for el2 in vhe nvhe; do
		run -0 acpi "--nested=$el2" -c 2
		as_told 2
		says "PASS the GIC interrupts its EL2 for maintenance"
	done
}
