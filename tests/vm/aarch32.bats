#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # a script for the guest
#
# 32-bit guests: Debian's kernel for armhf. That the option goes as the host can
# is in caps.bats, on any host.

load lib

ARMHF=${NESTOR_ARMHF:-/armhf}

# In an emulated host QEMU names the wrong register where a 32-bit guest moves
# something between its LR and a device (ISS.SRT of ESR_EL2; Arm ARM, D24.2.40),
# and KVM, which trusts it, takes another. This kernel does so in virtio-pci, and
# in the UART's driver for what comes from user space, but not for its own
# messages: so they are all that this guest says, and it has no other device.
script='echo "<3>user space: $(uname -srm), cpus $(grep -c ^processor /proc/cpuinfo)" >/dev/kmsg'

@test "a stock 32-bit kernel boots to user space on two processors, and powers off" {
	initrd "$script" >run.cpio
	run -0 nestor run --aarch32 -k "$ARMHF/zImage" -i "$ARMHF/initrd.cpio" \
		-i run.cpio -c 2 --no-rng --console serial \
		-p "quiet console=ttyAMA0 panic=-1"
	says "user space: Linux " "-armmp-lpae armv7l, cpus 2" "reboot: Power down"
	seen "Linux of 32 bits, Debian's" "$(grep -o '[^ ]*-armmp-lpae' <<<"$output" |
		head -n 1)" "two CPUs"
}

@test "a kernel of the other width is refused with the option to change" {
	refused "--kernel */zImage: is a 32-bit ARM kernel; add --aarch32" \
		-k "$ARMHF/zImage"
	refused "--kernel */Image: is an arm64 kernel; leave out --aarch32, *" \
		--aarch32 -k "$GUEST/Image"
}

@test "32 bits see no SVE, and a template without it changes nothing" {
	echo 'ID_AA64PFR0_EL1.SVE = 0' >cpu
	run -0 nestor run --aarch32 -c 2 -k "$(payload a32)" --cpu cpu
	says "PASS AArch32, 2 vCPUs up, and again after a reset"
}
