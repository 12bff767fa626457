#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for other shells
#
# What is typed or piped in, as Linux's drivers and its shell see it.

load lib
load terminal

@test "a stock guest's console has the terminal's size, and follows it" {
	initrd 'echo "first $(stty size)"
		until [ "$(stty size)" = "50 120" ]; do :; done
		echo "then $(stty size)"
		until [ "$(stty size)" = "33 77" ]; do :; done
		read -r line
		echo "heard $line"' >run.cpio
	mkdir -m 700 vms
	term_start --runtime-dir vms --name size -k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio \
		--console virtio -p quiet -p console=hvc0
	vm_says "first 40 100"
	stty -F "$(cat tty)" rows 50 cols 120
	vm_says "then 50 120"
	# So it does when somebody else's terminal shows it.
	echo '{"command": "resize", "arguments": {"columns": 77, "rows": 33}}' |
		socat -t 60 - UNIX-CONNECT:vms/size/control.sock
	types 'hello\r'
	vm_says "heard hello"
	term_ends 0
}

@test "input that comes before the guest listens is not lost" {
	initrd 'read -r line; echo "heard $line"' >run.cpio
	run -0 timeout 200 bash -c 'echo hello | "$@"' - "$NESTOR" run \
		-k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio -p "$QUIET"
	says "heard hello"
}

# types_into ARG... - Linux on a terminal and behind a pipe, whose shell is asked
types_into()
{
	initrd 'echo "@@ ready"; read -r x; echo "heard: $x"' >run.cpio
	set -- -k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio -m 256M "$@"
	term_start "$@"
	vm_says "@@ ready"
	types 'go\n'
	vm_says "heard: go"
	term_ends 0
	# Long before anybody reads it.
	run -0 bash -c 'echo go | timeout 200 "$@"' - "$NESTOR" run "$@"
	says "heard: go"
}

@test "keys and piped input reach a stock Linux whose console is the serial port" {
	types_into -p quiet
}

@test "keys and piped input reach a stock Linux whose console is virtio's" {
	types_into -p console=hvc0
}

@test "a break and a key are SysRq on a stock Linux's serial console" {
	initrd 'echo 1 >/proc/sys/kernel/sysrq; echo "@@ ready"; read -r x
		echo "helped $(dmesg | grep -c "sysrq: HELP")"' >run.cpio
	term_start -k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio \
		-m 256M -p quiet
	vm_says "@@ ready"
	types '\001b'
	types h
	vm_says "sysrq: HELP"
	types '\n'
	vm_says "helped 1"
	term_ends 0
}
