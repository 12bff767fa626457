#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for guests; devices.bash' variables
#
# The entropy device, as a stock guest uses it.

load lib
load devices

# The module is not among those that every guest loads.
setup_file()
{
	lab_files=("rng.ko=$GUEST/virtio_rng.ko")
	lab_start
	guest 'insmod /rng.ko'
}

teardown_file() { lab_stop; }

@test "the guest's kernel takes its random bytes from the device" {
	run -0 guest 'cat /sys/class/misc/hw_random/rng_current'
	[[ $output = virtio_rng.* ]]
}

@test "the device gives bytes, and others each time" {
	run -0 guest 'for i in 1 2; do dd if=/dev/hwrng bs=512 count=4 iflag=fullblock 2>/dev/null | md5sum; done'
	[[ ${#lines[@]} = 2 && ${lines[0]} != "${lines[1]}" ]]
	run -0 guest 'dd if=/dev/hwrng bs=512 count=4 iflag=fullblock 2>/dev/null | wc -c'
	[[ $output = 2048 ]]
}

@test "random bytes cost no exit to user space" {
	guest 'dd if=/dev/hwrng of=/dev/null bs=512 count=8'
	run -0 exits_during guest 'dd if=/dev/hwrng of=/dev/null bs=512 count=64'
	[[ $output = 0 ]]
}

@test "--no-rng leaves the device out" {
	run nestor run -k "$(payload virtio_hostile)" --transport mmio -m 64M --no-rng --timeout 60
	says "FAIL a device is missing"
}
