#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # keys for guests; bats and lib.bash set status and vm_pid
#
# An installer, and disks of Debian that boot loaders start, one of them the disk
# that nestor(1) tells how to make.

load lib
load session

@test "the installer of Debian stable, of the other flavour, shows its first dialog" {
	session -k "$INSTALLER/kernel" -i "$INSTALLER/initrd.gz" \
		-p "console=hvc0 quiet"
	vm_says "Select a language"
	session_over
}

@test "UEFI starts GRUB, whose menu takes keys; Debian's root is an ext4" {
	cp "$IMAGE/grub.img" .
	aavmf -d grub.img
	# The entry's own key: moving there would draw all of 240 columns again.
	vm_says "Loud"
	seen GRUB "$(sed -nE 's/.*GRUB +version ([0-9][^ ]*).*/\1/p' <<<"$vm_said" |
		tail -n 1)" "from UEFI"
	types l
	vm_says "Freeing unused kernel memory"
	vm_says "bash-"
	types '. /etc/os-release; dpkg --no-pager -l bash dpkg; echo it is $ID $(</etc/debian_version)\n'
	vm_says "ii  bash"
	vm_says "ii  dpkg"
	vm_says "it is debian "
	vm_says $'\r'
	seen Debian "${vm_said%$'\r'}" "installed, from UEFI and GRUB"
	types 'busybox poweroff -f\n'
	vm_ends 0
}

@test "U-Boot has a prompt; its bootflow finds the manual's disk, and Debian starts" {
	session --firmware "$FIRMWARE/u-boot.bin" -d "$IMAGE/disk.img,ro" \
		--console serial
	vm_says "stop autoboot"
	seen "U-Boot, Debian's" "$(grep -o 'U-Boot 20[^ ]*' <<<"$vm_said" | cut -d' ' -f2)"
	types ' '
	vm_says "=> "
	types 'bootflow scan -lb\n'
	vm_says "with efi_mgr"
	vm_says "# "
	types '. /etc/os-release; dpkg --version; echo it is $ID $(</etc/debian_version)\n'
	vm_says "Debian 'dpkg' package management program"
	vm_says "it is debian "
	vm_says $'\r'
	seen Debian "${vm_said%$'\r'}" "from U-Boot"
	types 'busybox poweroff -f\n'
	vm_ends 0
}
