#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; variables of devices.bash
#
# Disks, as a stock guest uses them. Needs root, for a loop device and a tmpfs.

load lib
load devices

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	head -c 2M /dev/urandom >raw
	head -c 1M /dev/urandom >under-loop
	head -c 1M /dev/urandom >fixed
	head -c 1048676 /dev/zero >odd
	mkdir small
	mount -t tmpfs -o size=1M small small
	truncate -s 64M small/sparse
	losetup -f --show under-loop >loop
	lab_start -d "$PWD/raw,serial=RAW" -d "$(<loop),serial=LOOP" \
		-d "$PWD/fixed,ro,serial=FIXED" -d "$PWD/odd,serial=ODD-SIZE" \
		-d "$PWD/small/sparse,serial=12345678901234567890"
}

teardown_file()
{
	local status=0
	cd "$BATS_FILE_TMPDIR" || return
	lab_stop || status=1
	[[ ! -s loop ]] || losetup -d "$(<loop)"
	umount small
	return $status
}

file() { echo "$BATS_FILE_TMPDIR/$1"; }
sum() { md5sum <"$1"; }

@test "each disk has its serial, in the order of the command line" {
	run -0 guest 'cd /sys/block; for d in vd?; do echo "$d $(cat $d/serial)"; done'
	[[ $output = "vda RAW
vdb LOOP
vdc FIXED
vdd ODD-SIZE
vde 12345678901234567890" ]]
}

@test "each disk has its size, down to a whole sector" {
	run -0 guest 'for d in /dev/vd?; do blockdev --getsize64 $d; done'
	[[ $output = "2097152
1048576
1048576
1048576
67108864" ]]
}

@test "the guest reads an image and a block device as they are" {
	run -0 guest 'md5sum </dev/vda; md5sum </dev/vdb'
	[[ $output = "$(sum "$(file raw)")
$(sum "$(file under-loop)")" ]]
}

@test "what the guest has synced is in the image" {
	run -0 guest 'dd if=/dev/urandom of=/dev/vda bs=64k count=20 conv=fsync 2>/dev/null && md5sum </dev/vda'
	[[ $output = "$(sum "$(file raw)")" ]]
}

@test "what the guest has synced is on the block device" {
	run -0 guest 'dd if=/dev/urandom of=/dev/vdb bs=4k seek=3 count=99 conv=fsync 2>/dev/null && md5sum </dev/vdb'
	[[ $output = "$(dd if="$(<"$(file loop)")" iflag=direct bs=64k status=none | md5sum)" ]]
}

@test "a disk given read-only is, and the guest knows it" {
	local before
	before=$(sum "$(file fixed)")
	run -0 guest 'blockdev --getro /dev/vdc; blockdev --getro /dev/vda'
	[[ $output = "1"$'\n'"0" ]]
	run ! guest 'dd if=/dev/zero of=/dev/vdc bs=4k count=1 conv=fsync'
	[[ $(sum "$(file fixed)") = "$before" ]]
}

@test "each flush of the guest is an fdatasync of the host" {
	traced trace=fdatasync guest 'for i in 1 2 3; do
		dd if=/dev/urandom of=/dev/vda bs=4k count=1 conv=fsync; done'
	cat "$lab/trace"
	[[ $(grep -c 'fdatasync(.*= 0' "$lab/trace") = 3 ]]
}

@test "the guest sees a disk that keeps a cache, and can discard" {
	run -0 guest 'cd /sys/block/vda/queue; cat write_cache; [ "$(cat discard_max_bytes)" -gt 0 ]'
	[[ $output = "write back" ]]
}

@test "a full host is an I/O error in the guest, and nothing else" {
	run ! guest 'dd if=/dev/zero of=/dev/vde bs=64k count=64 oflag=direct'
	[[ $output = *rror* ]]
	run -0 guest 'dd if=/dev/vde of=/dev/null bs=64k count=64 iflag=direct 2>&1 | tail -n1; md5sum </dev/vda'
	[[ $output = *"$(sum "$(file raw)")" ]]
}

@test "an image that is in use is refused to a second VM" {
	refused_device "--disk $(file raw): another process has this image open; stop it, or give both as FILE,ro" \
		-d "$(file raw)"
	refused_device "--disk $(file raw): another process has this image open for writing; stop it, or give both as FILE,ro" \
		-d "$(file raw),ro"
}

@test "VMs share an image that all of them only read" {
	run -0 nestor run -k "$(payload off)" -d "$(file fixed),ro"
	refused_device "--disk $(file fixed): another process has this image open; *" \
		-d "$(file fixed)"
}

@test "B1 an image that is missing, empty, or no file is refused" {
	mkdir directory
	mkfifo fifo
	: >empty
	ln -s nowhere dangling
	refused_device "--disk missing: No such file or directory; check the path" -d missing
	refused_device "--disk dangling: No such file or directory; it is a symbolic link that leads nowhere: *" -d dangling
	refused_device "--disk directory: this is a directory; give a raw image file or a block device" \
		-d directory
	refused_device "--disk fifo: this is a FIFO; give a raw image file or a block device" \
		-d fifo,ro
	refused_device "--disk /dev/null: this is a character device; *" \
		-d /dev/null
	refused_device "--disk empty: the image is smaller than one sector (512 bytes); grow it with truncate -s" \
		-d empty
}

@test "an image that its owner has closed off is refused, with the remedy" {
	head -c 4096 /dev/zero >mine
	chmod 444 mine
	chown 65534 mine
	refused_unprivileged "--disk mine: Permission denied; see that it may be written, or give it as FILE,ro" \
		-d mine
	run -0 unprivileged run -k "$(payload off)" -d mine,ro
	chmod 000 mine
	refused_unprivileged "--disk mine: Permission denied; see to its permissions, *" -d mine,ro
}

@test "a disk survives a reset of the machine in the middle of a request" {
	truncate -s 4M disk
	run -0 nestor run -k "$(payload virtio_reset)" --transport mmio -m 64M -d disk --timeout 60
	says "PASS the disk works after a reset of the machine"
}
