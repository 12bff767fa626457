#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; devices.bash' variables
#
# What is behind a device vanishes and comes back while a stock guest runs: an
# event of the host's, a link or a share in the guest, and never a device that is
# broken for good. Needs root; addresses are of 198.18.0.0/15, for benchmarks.

load lib
load devices

tap=nestor-back

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -m 700 vms shared
	echo "from the host" >shared/file
	truncate -s 1M disk
	mkfifo events
	lab_start --name a --runtime-dir vms -n "tap=$tap" -d disk --share s=shared
	"$NESTOR" events --json --runtime-dir vms a 1<>events 3>&- &
	tap_up
	guest 'ifconfig eth0 198.18.3.2 netmask 255.255.255.0 up'
}

teardown_file()
{
	lab_stop
}

tap_up()
{
	ip addr add 198.18.3.1/24 dev $tap
	ip link set $tap up
}

# told EVENT DEVICE [ERROR] - waits for it, skipping others
told()
{
	local events line
	exec {events}<>"$BATS_FILE_TMPDIR/events"
	while IFS= read -t "$patience" -r -u "$events" line; do
		# A tap that is not up yet refuses packets, which is an error too.
		if jq -e --arg event "$1" --arg device "$2" --arg error "${3:-}" \
			'contains({$event, $device}) and ($error == "" or .error == $error)' \
			<<<"$line" >/dev/null; then
			exec {events}>&-
			return
		fi
	done
	echo "never told of $*"
	return 1
}

pings() { ping -c 1 -W 60 198.18.3.2; }

@test "a tap that is deleted is a link that is down, and one made again is up, twice" {
	local _
	pings
	for _ in 1 2; do
		ip link del $tap
		run -0 guest 'ping -c 1 -W 1 198.18.3.1 >/dev/null; cat /sys/class/net/eth0/carrier'
		[[ $output = 0 ]]
		told device-error net0 EBADFD
		ip tuntap add $tap mode tap
		tap_up
		told device-recovered net0
		pings
		run -0 guest 'cat /sys/class/net/eth0/carrier'
		[[ $output = 1 ]]
	done
}

@test "a disk whose file is cut off gives errors, and works when that is mended" {
	cd "$BATS_FILE_TMPDIR"
	guest 'dd if=/dev/vda iflag=direct bs=4k count=1 of=/dev/null'
	truncate -s 0 disk
	run -1 guest 'dd if=/dev/vda iflag=direct bs=4k count=1 of=/dev/null'
	told device-error disk0 EIO
	truncate -s 1M disk
	echo back | dd of=disk conv=notrunc
	run -0 guest 'dd if=/dev/vda iflag=direct bs=4k count=1 2>/dev/null | head -n1'
	[[ $output = back ]]
}

@test "a share whose virtiofsd is killed is there again for the next driver" {
	local share="cd /sys/bus/virtio/drivers/virtiofs && device=\$(echo virtio*)"
	run -0 guest 'mkdir -p /s && mount -t virtiofs s /s && cat /s/file && umount /s'
	[[ $output = "from the host" ]]
	# Of its two processes the one that confines the other, which ends with it.
	pkill -KILL -P "$(lab_pid)" -x virtiofsd
	told device-error share0 ECONNRESET
	echo "after that" >"$BATS_FILE_TMPDIR/shared/file"
	run -0 guest "$share"' && echo $device >unbind && echo $device >bind &&
		mount -t virtiofs s /s && cat /s/file && umount /s'
	[[ $output = "after that" ]]
	told device-recovered share0
}

@test "a share of a directory that was replaced is not there again" {
	cd "$BATS_FILE_TMPDIR"
	mv shared gone
	mkdir shared
	pkill -KILL -P "$(lab_pid)" -x virtiofsd
	told device-error share0 ECONNRESET
	guest 'cd /sys/bus/virtio/drivers/virtiofs && device=$(echo virtio*) &&
		echo $device >unbind && echo $device >bind'
	told device-error share0 ESTALE
	grep "share0: virtiofsd cannot be started again: another directory is in its place" \
		"$lab/log"
}
