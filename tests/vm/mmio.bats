#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# virtio over MMIO as those use it that were written for QEMU's virt, and as it was
# before virtio 1.0.
#
# shellcheck disable=SC2154 # bats' variables

load lib

# teaching ARG... - the disk of a teaching kernel
teaching()
{
	truncate -s 1M disk
	run -0 --separate-stderr nestor run -k "$(payload simple_disk)" -m 64M \
		--timeout 100 -d disk,slot=0 "$@"
	echo "$stderr"
	says "31 empty slots" "PASS wrote and read blocks, each by its interrupt"
}

@test "a teaching kernel has its disk in slot 0 with registers of before virtio 1.0" {
	# With these registers devices are behind MMIO, so it is the only one.
	teaching --virtio-legacy --no-rng --console serial -v
	says "a disk of version 1"
	# Nothing that it does is a liberty there.
	[[ $stderr != *"its driver"* ]]
}

@test "one that skips steps has it with today's, and the log tells of each once" {
	local what said
	teaching -v
	says "a disk of version 2"
	said=$stderr
	for what in "sets queues up before FEATURES_OK" "takes no VIRTIO_F_VERSION_1"; do
		run -0 grep -c "disk0: its driver $what" <<<"$said"
		[[ $output = 1 ]]
	done
}

@test "it has its disk there beside devices behind PCI and with two CPUs too" {
	teaching --virtio-legacy --transport pci -c 2
}

@test "Linux has its devices with registers of before virtio 1.0, from slot 31 down" {
	truncate -s 1M disk
	echo "on the disk" | dd of=disk conv=notrunc status=none
	# shellcheck disable=SC2016 # the guest expands it
	run -0 linux 'for d in /sys/bus/virtio/devices/*; do
			echo "$(readlink -f $d | grep -o "a00[^.]*.virtio_mmio") $(cat $d/device) $(cat $d/status)"
		done
		head -n 1 /dev/vda' --transport mmio --virtio-legacy --mmio-order down -d disk
	says "a003e00.virtio_mmio 0x0003 0x00000007" "a003c00.virtio_mmio 0x0002 0x00000007" \
		"on the disk"
}
