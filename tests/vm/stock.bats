#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # keys for guests; bats and lib.bash set status and vm_pid
#
# What distributions ship boots as it is: kernels, firmware, boot loaders, an
# installer, and the disk that nestor(1) tells how to make. Keys are typed and
# screens read as a person would; each boot takes the emulated host ten seconds
# or more, so one shows as much as it can.

load lib

# session ARG... - nestor run, whose console takes what is written to fd 8
session()
{
	[[ -p in ]] || mkfifo in
	exec 8<>in
	vm_start -m 512M "$@"
}

# types FORMAT - as printf takes it
types()
{
	# shellcheck disable=SC2059 # made for it
	printf "$1" >&8
}

# A guest that will not end by itself.
session_over()
{
	kill -TERM "$vm_pid"
	vm_ends 143
}

aavmf() { session --firmware "$FIRMWARE/AAVMF/AAVMF_CODE.fd" --vars vars "$@"; }

# UEFI's shell waits five seconds for a key before it runs the disk's script.
efi_disk()
{
	aavmf -d "$IMAGE/efi.img"
	vm_says "to continue."
	types ' '
}

@test "stock kernels of both flavours and suites have hvc0 without an initrd" {
	local kernel
	# The guests of other tests are of the cloud flavour, of backports.
	for kernel in "$STOCK"/{stable-cloud,backports-full}; do
		run -4 nestor run -k "$kernel" -p console=hvc0 -m 256M \
			--console virtio
		says "Unable to mount root fs"
	done
}

@test "the installer of Debian stable, of the other flavour, shows its first dialog" {
	session -k "$STOCK/installer" -i "$STOCK/installer.gz" \
		-p "console=hvc0 quiet"
	vm_says "Select a language"
	session_over
}

@test "a UEFI program of a FAT disk sets a variable, which the next machine has" {
	efi_disk
	vm_says "the variable is set"
	vm_ends 0
	# And there the disk's script starts a kernel, by its EFI stub.
	efi_disk
	vm_says "quiet console=hvc0"
	vm_says "firmware: 64 bits"
	vm_ends 0
}

@test "UEFI starts GRUB, whose menu takes keys; Debian's root is an ext4" {
	cp "$IMAGE/grub.img" .
	aavmf -d grub.img
	# The entry's own key: moving there would draw all of 240 columns again.
	vm_says "Loud"
	types l
	vm_says "Freeing unused kernel memory"
	vm_says "bash-"
	types '. /etc/os-release; dpkg --no-pager -l bash dpkg; echo it is $ID\n'
	vm_says "ii  bash"
	vm_says "ii  dpkg"
	vm_says "it is debian"
	types 'busybox poweroff -f\n'
	vm_ends 0
}

@test "U-Boot has a prompt; its bootflow finds the manual's disk, and Debian starts" {
	session --firmware "$FIRMWARE/u-boot.bin" -d "$IMAGE/disk.img,ro" \
		--console serial
	vm_says "stop autoboot"
	types ' '
	vm_says "=> "
	types 'bootflow scan -lb\n'
	vm_says "with efi_mgr"
	vm_says "# "
	types '. /etc/os-release; dpkg --version; echo it is $ID\n'
	vm_says "Debian 'dpkg' package management program"
	vm_says "it is debian"
	types 'busybox poweroff -f\n'
	vm_ends 0
}
