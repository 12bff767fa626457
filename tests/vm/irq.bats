#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; variables of devices.bash
#
# Requests and interrupts go by eventfds that KVM itself serves: what a request
# costs is counted by KVM, and by strace.

load lib
load devices

tap=nestor-irq0

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	truncate -s 4M disk
	lab_start -d "$PWD/disk" -n tap=$tap --port "sink=file:$PWD/sink"
	ip addr add 198.18.7.1/24 dev $tap
	ip link set $tap up
	guest 'ifconfig eth0 198.18.7.2 netmask 255.255.255.0 up && ping -c 2 198.18.7.1'
	# The first of each kind sets the eventfds up.
	guest "$(requests 3); $(writes 3)"
}

teardown_file() { lab_stop; }

requests() { echo "dd if=/dev/vda of=/dev/null bs=4k count=$1 iflag=direct"; }
writes()
{
	echo 'for p in /sys/class/virtio-ports/*; do
		[ "$(cat $p/name 2>/dev/null)" != sink ] || port=/dev/${p##*/}
	done
	for i in $(seq '"$1"'); do echo line $i; done >$port'
}

@test "100 requests of a disk cost no exit to user space, nor do 300" {
	run -0 exits_during guest "$(requests 100)"
	[[ $output = 0 ]]
	run -0 exits_during guest "$(requests 300)"
	[[ $output = 0 ]]
}

@test "100 writes and flushes cost no exit to user space" {
	run -0 exits_during guest 'for i in $(seq 100); do dd if=/dev/zero of=/dev/vda bs=4k count=1 conv=fsync; done 2>/dev/null'
	[[ $output = 0 ]]
}

@test "100 packets to the guest and back cost no exit to user space" {
	run -0 exits_during ping -q -i 0.002 -c 100 198.18.7.2
	[[ $output = 0 ]]
}

@test "100 lines on a console port cost no exit to user space" {
	: >"$BATS_FILE_TMPDIR/sink"
	run -0 exits_during guest "$(writes 100)"
	[[ $output = 0 ]]
	[[ $(grep -c . "$BATS_FILE_TMPDIR/sink") -ge 100 ]]
}

@test "configuration space of PCI is read without an exit to user space" {
	run -0 guest 'cat /sys/bus/pci/devices/*/config | wc -c'
	((output >= 4 * 256))
	run -0 exits_during guest 'cat /sys/bus/pci/devices/*/config >/dev/null'
	[[ $output = 0 ]]
}

@test "an idle guest costs no exit to user space" {
	run -0 exits_during guest true
	[[ $output = 0 ]]
}

@test "each request of a disk interrupts the guest, by an eventfd and no ioctl" {
	local before after
	before=$(interrupts)
	traced trace=ioctl,pwrite64,preadv,write guest "$(requests 100)"
	after=$(interrupts)
	((after - before >= 100))
	run ! grep KVM_IRQ_LINE "$lab/trace"
	(($(grep -c 'preadv(' "$lab/trace") >= 100))
	(($(grep -c 'write(.*"\\1\\0\\0\\0\\0\\0\\0\\0"' "$lab/trace") >= 100))
}

# Of the disk's line, on all CPUs of the guest.
interrupts()
{
	guest 'irq=$(readlink -f /sys/block/vda/device); irq=${irq##*/}; grep "$irq" /proc/interrupts' |
		awk '{ for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n }'
}

# calls [NAME] - how many system calls, or how many of this one, $lab/trace has
calls() { grep -cE "^[0-9]+ +${1:-[a-z_0-9]+}\\(" "$lab/trace" || true; }

# What the calls were, for whoever wonders about a number.
summary() { awk '{ sub(/\(.*/, ""); n[$2]++ } END { for (c in n) print n[c], c }' "$lab/trace"; }

@test "a request of a disk costs nestor three system calls: wait, move, interrupt" {
	traced all guest "$(requests 100)"
	summary
	(($(calls preadv) >= 100 && $(calls preadv) <= 102))
	(($(calls write) <= 130))
	(($(calls epoll_pwait) <= 130))
	(($(calls) <= 350))
}

@test "lines on a console port cost nestor two system calls each at most" {
	traced all guest "$(writes 100)"
	summary
	(($(calls) <= 230))
}
