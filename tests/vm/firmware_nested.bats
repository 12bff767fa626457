#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Firmware in a guest that has an EL2: UEFI runs there, starts a stock kernel there,
# itself or by GRUB, and that kernel has guests of its own. The second machine is
# the first one's next start, with VHE: it has its variables.

load lib
load session

# What the kernel is given to run, on the last disk.
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

setup() { cd "$BATS_FILE_TMPDIR" || exit; }

@test "at EL2 without VHE, UEFI starts GRUB, and the Debian that it starts has guests" {
	cp "$IMAGE/grub.img" .
	aavmf --nested=nvhe -d grub.img -d more.tar,ro
	vm_says "Loud"
	types d
	vm_says "bash-"
	types 'cd /run; busybox tar xf /dev/vdb; busybox sh more; busybox poweroff -f\n'
	vm_says "CPU: All CPU(s) started at EL2"
	vm_says "L2: 0"
	vm_ends 0
	[[ $(starts vars) = 1 ]]
}

@test "UEFI runs at EL2 with VHE, has the variables, and starts a kernel that has guests" {
	initrd 'tar -x -f /dev/vda && sh ./more' >run.cpio
	aavmf --nested=vhe -k "$GUEST/Image" -i "$GUEST/initrd.cpio" \
		-i run.cpio -p "$QUIET" -d more.tar,ro
	vm_says "CPU: All CPU(s) started at EL2"
	vm_says "L2: 0"
	vm_ends 0
	[[ $(starts vars) = 2 ]]
}
