#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for guests; devices.bash' variables
#
# Network cards over taps, as a stock guest uses them. Needs root; addresses
# are of 198.18.0.0/15, which is for benchmarks only.

load lib
load devices

# For each card: how the tap comes to be; its MAC address.
named=nestor-net0 ready=nestor-net1 passed=nestor-net2
mac=(52:54:00:12:34:50 52:54:00:12:34:51 52:54:00:12:34:52)

# tun_open NAME FD COMMAND... - with a new tap interface open as FD
#
# socat makes the ioctl: TUNSETIFF, with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR.
tun_open()
{
	local ifreq fd=$2
	ifreq=$(printf '%-16s' "$1" | tr ' ' '\0' | od -An -v -tx1 | tr -d ' \n')
	ifreq+=0250$(printf '%044d' 0)
	shift 2
	printf '#!/bin/bash\nexec%s\n' "$(printf ' %q' "$@")" >run-with-tap
	chmod 755 run-with-tap
	# Two of them, as the standard streams are to stay the command's.
	exec socat "OPEN:/dev/net/tun,rdwr,ioctl-bin=1074025674:x$ifreq" \
		"EXEC:$PWD/run-with-tap,nofork,fdin=$fd,fdout=$fd"
}

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	ip tuntap add $ready mode tap
	export -f tun_open
	lab_wrapper=(bash -c "cd $PWD; tun_open $passed 9 \"\$0\"")
	lab_start -n "tap=$named,mac=${mac[0]}" -n "tap=$ready,mac=${mac[1]}" \
		-n "fd=9,mac=${mac[2]}" -n tap
	local i=0 name
	for name in $named $ready $passed; do
		ip addr add "198.18.$i.1/24" dev "$name"
		ip link set "$name" up
		guest "$(card $i); ifconfig \$card 198.18.$i.2 netmask 255.255.255.0 up"
		i=$((i + 1))
	done
}

teardown_file()
{
	local status=0
	lab_stop || status=1
	ip link del $ready
	return $status
}

# card N - sets card in the guest to the interface that has the N-th address
card() { echo "card=\$(grep -l ${mac[$1]} /sys/class/net/*/address); card=\${card%/*}; card=\${card##*/}"; }

mean() # of the packets that INTERFACE has received or sent
{
	local dir=/sys/class/net/$1/statistics
	echo $(($(<"$dir/$2_bytes") / $(<"$dir/$2_packets")))
}

@test "a card has the address that was asked for" {
	local i
	for i in 0 1 2; do
		run -0 guest "$(card $i); cat /sys/class/net/\$card/carrier"
		[[ $output = 1 ]]
	done
}

@test "a card without an address gets one that is locally administered" {
	run -0 guest 'cat /sys/class/net/eth*/address'
	[[ ${#lines[@]} = 4 ]]
	run -0 grep -v ^52:54:00: <<<"$output"
	[[ $output =~ ^.[26ae](:..){5}$ ]]
}

@test "nestor has the kernel name a tap" {
	run -0 grep -hE 'iff:.tap[0-9]+' -r "/proc/$(lab_pid)/fdinfo"
	ip link show "${output#*iff:?}"
}

@test "host and guest reach each other over a tap that nestor creates" {
	ping -c 1 -W 60 198.18.0.2
	guest 'ping -c 1 -W 60 198.18.0.1'
}

@test "host and guest reach each other over a tap that was there" {
	ping -c 1 -W 60 198.18.1.2
	guest 'ping -c 1 -W 60 198.18.1.1'
}

@test "host and guest reach each other over a tap that nestor inherits" {
	ping -c 1 -W 60 198.18.2.2
	guest 'ping -c 1 -W 60 198.18.2.1'
}

@test "the guest may leave checksums and segmentation to the host" {
	local bit
	run -0 guest "$(card 0); cat /sys/class/net/\$card/device/features"
	# CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF
	for bit in 0 1 7 8 11 12 15; do
		[[ ${output:bit:1} = 1 ]]
	done
}

@test "4 MiB by TCP from the guest arrive whole, in packets larger than the MTU" {
	listening -u TCP-LISTEN:5001,bind=198.18.0.1 CREATE:received
	run -0 guest 'head -c 4194304 /dev/urandom >/tmp/data; nc 198.18.0.1 5001 </tmp/data; md5sum </tmp/data'
	wait "$socat"
	[[ $output = "$(md5sum <received)" ]]
	[[ $(stat -c %s received) = 4194304 ]]
	(($(mean $named rx) > 2000))
}

@test "4 MiB by TCP to the guest arrive whole, in packets larger than the MTU" {
	head -c 4M /dev/urandom >data
	listening -U TCP-LISTEN:5002,bind=198.18.1.1 OPEN:data
	run -0 guest 'nc 198.18.1.1 5002 </dev/null | md5sum'
	wait "$socat"
	[[ $output = "$(md5sum <data)" ]]
	(($(mean $ready tx) > 2000))
}

@test "a link that was down works again" {
	ip link set $named down
	run ! guest 'ping -c 1 -W 1 198.18.0.1'
	ip link set $named up
	ping -c 1 -W 60 198.18.0.2
	guest 'ping -c 1 -W 60 198.18.0.1'
}

@test "a tap that nestor made is gone with it, one that was there stays" {
	ip tuntap add nestor-stays mode tap
	run -0 nestor run -k "$(payload off)" -n tap=nestor-goes -n tap=nestor-stays
	run ! ip link show nestor-goes
	ip link del nestor-stays
}

@test "a tap that cannot be had is refused, with the remedy" {
	refused_device "--network tap=$named: another process uses the interface; name another one" \
		-n tap=$named
	refused_device "--network tap=lo: an interface of that name exists and is no tap with one queue; name another one" \
		-n tap=lo
	refused_device "-n tap=sixteen-letters-: 'sixteen-letters-' is no interface name of at most 15 characters" \
		-n tap=sixteen-letters-
	refused_unprivileged "--network tap=nestor-new: not permitted to open the interface; run as root, or have root make it with: ip tuntap add NAME mode tap user \$USER" \
		-n tap=nestor-new
}

@test "a descriptor that is no tap is refused" {
	exec 8</dev/null
	refused_device "--network fd=8: this descriptor is no tap interface opened with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR" \
		-n fd=8
	exec 8<&-
	refused_device "--network fd=8: this descriptor is no tap interface *" -n fd=8
}
