#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # a script for the guest; lib.bash sets vm_pid
#
# What a stock kernel makes of ACPI's tables and of SMBIOS' that a UEFI hands on.

load lib
load session

# Each word of it is an exit: the console is the PL011, as nothing says otherwise
# but SPCR.
acpi_guest='dmesg >log
	ls /sys/firmware/acpi/tables
	cat /sys/class/dmi/id/product_serial /sys/class/dmi/id/sys_vendor
	for what in "efi: EFI v2." "psci: probing" "Using GIC for" "ITS@0x" "GICv3: CPU3: found" "GICv2m: range" \
		"arch_timer: cp15" "Root Bridge" "OS now controls" "ECAM at" \
		"PL061 GPIO chip" "Power Button .PWRB" "Watchdog" "perfevents: enabled"; do
		grep -om1 "$what.*" log
	done
	grep -iE "ACPI (BIOS |Exception|Error|Warning)|firmware bug" log
	ls /sys/bus/platform/devices
	echo "console $(cat /sys/class/tty/console/active), $(nproc) CPUs,"
	[ -e /proc/device-tree ] || echo "no tree, but $(ls /sys/block)"
	echo "press now"
	until grep -q " [1-9][0-9]* .*ACPI:Event" /proc/interrupts; do
		usleep 100000
	done
	echo pressed'

@test "a stock kernel finds in ACPI's tables all that there is, and its console" {
	initrd "$acpi_guest" >run.cpio
	truncate -s 1M disk
	vm_start --firmware "$FIRMWARE/AAVMF/AAVMF_CODE.fd" -k "$GUEST/Image" \
		-i "$GUEST/initrd.cpio" -i run.cpio -p "acpi=force quiet" -c 4 \
		-m 512M -d disk,transport=mmio --watchdog --log log \
		--smbios serial=S3R1AL
	vm_says "press now"
	kill -PWR "$vm_pid"
	vm_ends 0
	grep -o pressed rest
	output=$(tr -d '\r' <log)
	says S3R1AL nestor "efi: EFI v2." \
		APIC DSDT GTDT MCFG SPCR DBG2 FACP PPTT \
		"psci: probing for conduit method from ACPI" \
		"Using GIC for interrupt routing" \
		"arch_timer: cp15 timer running at" \
		"Root Bridge [PCI0] (domain 0000 [bus 00-0f])" \
		"OS now controls [PCIeHotplug PME AER PCIeCapability LTR]" \
		"ECAM at [mem 0x3f000000-0x3fffffff] for [bus 00-0f]" \
		"PL061 GPIO chip registered" "Power Button [PWRB]" Watchdog \
		"perfevents: enabled" \
		ARMH0011:00 LNRO0005:00 LNRO0015:01 QEMU0001:00 QEMU0002:00 \
		sbsa-gwdt.0 "console ttyAMA0, 4 CPUs" "no tree, but vda"
	if [[ $(cap .features.gicv3.present) = true ]]; then
		says IORT "ITS@0x0000000008080000" \
			"GICv3: CPU3: found redistributor 3 region 0"
	else
		says "GICv2m: range[mem 0x08020000-0x08020fff], SPI[80:143]"
	fi
	[[ $output != *ACPI\ [BEW]* && $output != *"irmware "[Bb]"ug"* ]]
}
