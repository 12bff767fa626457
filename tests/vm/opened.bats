#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What a VM needs is opened before its guest runs: a running nestor names no path,
# and a reboot in place boots the same bytes, whatever has become of their names.
#
# shellcheck disable=SC2016,SC2154 # a script for socat; devices.bash' variables

load lib
load devices
load vms

speak() { { printf 'CONNECT %s\n' "$1"; cat; } | timeout 60 socat -t 50 - UNIX-CONNECT:v.sock; }

# Nothing after the first KVM_RUN but what lies beneath a directory that is open.
names_no_path()
{
	sed '1,/KVM_RUN/d' trace | grep -v 'ioctl(' >after
	cat after
	# Seen are the dial, the statistics and the end of the sockets.
	grep -q 'openat([0-9]*, "v.sock_5000", O_.*O_PATH' after
	grep -q 'renameat([0-9]*, "stats.json' after
	grep -q 'unlinkat([0-9]*, "v.sock", 0' after
	run ! grep -E 'AT_FDCWD|"/|sun_path=' <(
		sed -E 's|sun_path="/proc/self/fd/[0-9]+"||' after)
}

@test "from the guest's first instruction to its end nestor names no path" {
	local tell
	cp "$(payload vsock)" kernel
	echo initrd >initrd
	n run -k kernel --dump-dtb tree
	printf '#!/bin/sh\nexec strace -f -qq -o trace -e trace=%%file,connect,bind,sendto,ioctl %s "$@"\n' \
		"$NESTOR" >traced
	chmod +x traced
	socat -u UNIX-RECV:notify OPEN:told,creat,append 3>&- &
	tell=$!
	until [[ -S notify ]]; do :; done
	listening UNIX-LISTEN:v.sock_5000,fork,mode=600 \
		SYSTEM:'read -r line && [ "$line" = question ] && echo answer'
	NOTIFY_SOCKET=$PWD/notify NESTOR=$PWD/traced vm_start --name a \
		--runtime-dir vms -k kernel -i initrd --dtb tree -m 64M \
		--vsock v.sock --stats stats.json --log log \
		--port sink=file:sink --port "tty=unix:tty" --detect-halt
	vm_says 'the host has answered'
	vm_says listening
	rm kernel initrd tree
	kill -USR1 "$(field a pid)"
	until [[ -e stats.json ]]; do :; done
	n pause a
	n resume a
	n stat a
	run -0 speak 1234 <<<reset
	vm_says 'the host has answered'
	vm_says listening
	run -0 speak 1234 <<<quit
	vm_ends 0
	kill "$socat" "$tell"
	wait "$socat" "$tell" || true
	grep -q 'STATUS=The guest runs, after a restart' told
	names_no_path
}

# rebooting ARG... - a VM that waits before its second boot; its files are ours
rebooting()
{
	cp "$(payload reset)" kernel
	echo initrd >initrd
	n run --detach --name a -m 32M -k kernel -i initrd --on-reset pause "$@"
	n wait --for paused a
}

@test "a reboot in place boots the files that nestor has opened" {
	rebooting
	rm kernel initrd
	n resume a
	n wait --for paused a
	cp "$(payload off)" kernel
	n resume a
	n wait a
	n logs a | grep 'PASS reset twice'
	[[ ! -s vms/a/log ]]
}

@test "with --reload-on-reset it boots those that have their names then, or says what is missing" {
	rebooting --reload-on-reset
	cp "$(payload off)" new
	mv new kernel
	n resume a
	n wait a
	run ! grep 'boot 2' <(n logs a)
	rebooting --reload-on-reset
	rm initrd
	n resume a
	run -1 n wait a
	grep "cannot boot again: --initrd .*initrd: cannot be opened (No such file or directory)" vms/a/log
}

@test "what was written into, or cut, since it was opened is told" {
	rebooting
	echo more >>initrd
	n resume a
	n wait --for paused a
	grep -- "--initrd .*initrd: has been written to since it was opened" vms/a/log
	: >kernel
	n resume a
	run -1 n wait a
	grep -- "cannot boot again: --kernel .*kernel: has become shorter since it was opened" vms/a/log
}
