#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Firmware in a guest that has an EL2: UEFI runs there, starts a stock kernel there,
# and that kernel has guests of its own; so does the Debian that GRUB starts.

load lib
load session

# What the kernel is given to run, on the second disk.
setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	cat >./more <<-'END'
		busybox dmesg | busybox grep -o "CPU: All.*"
		./vmm run -k smp.bin -c 2
		echo "L2: $?"
	END
	cp "$NESTOR" vmm # nestor is a directory there
	cp "$PAYLOADS/smp.bin" .
	tar -c -f more.tar more vmm smp.bin
}

# nests KIND - the first machine sets a variable, the next one finds it
nests()
{
	local i
	for i in 1 2; do
		aavmf "--nested=$1" -d "$EFI/efi.img" \
			-d "$BATS_FILE_TMPDIR/more.tar,ro"
		vm_says "to continue."
		types ' '
		((i == 2)) || vm_ends 0
	done
	vm_says "CPU: All CPU(s) started at EL2"
	vm_says "L2: 0"
	vm_ends 0
}

@test "UEFI runs at EL2 with VHE, and a kernel that it starts has guests" {
	nests vhe
}

@test "at EL2, UEFI starts GRUB, and the Debian that it starts has guests" {
	cp "$IMAGE/grub.img" .
	aavmf --nested=vhe -d grub.img -d "$BATS_FILE_TMPDIR/more.tar,ro"
	vm_says "Loud"
	types l
	vm_says "Freeing unused kernel memory"
	vm_says "bash-"
	types 'cd /run; busybox tar xf /dev/vdb; busybox sh more; busybox poweroff -f\n'
	vm_says "CPU: All CPU(s) started at EL2"
	vm_says "L2: 0"
	vm_ends 0
}

@test "UEFI runs at EL2 without VHE, and a kernel that it starts has guests" {
	nests nvhe
}
