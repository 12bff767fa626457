#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for other shells
#
# What is typed or piped in, as Linux's drivers and its shell see it.

load lib
load terminal
load session

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

# asks TTY ARG... - what is to run in VM a, which is then in vm[]: Linux, whose
# init asks on its console, on TTY, and on its console again
asks()
{
	initrd 'echo "@@ ready"; read -r x; echo "heard: $x"
		sh -c '\''printf "there? "; read -r x; echo "there: $x"'\'' \
			<'"$1 >$1 2>&1"'
		printf "back? "; read -r x; echo "back: $x"' >run.cpio
	mkdir -m 700 vms
	vm=(-k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio -m 256M
		--runtime-dir vms --name a "${@:2}")
}

# Also for one who types elsewhere.
follows_keys()
{
	term_start "${vm[@]}"
	vm_says "@@ ready"
	types 'go\n'
	vm_says "heard: go"
	vm_says "there? "
	types 'to\n'
	vm_says "there: to"
	nestor console --runtime-dir vms a --timeout 60 --expect 'back\? ' \
		--send 'fro\n'
	vm_says "back: fro"
	term_ends 0
}

# The first of it is there long before anybody reads it.
follows_pipe()
{
	session "${vm[@]}"
	types 'go\n'
	vm_says "heard: go"
	vm_says "there? "
	types 'to\n'
	vm_says "there: to"
	vm_says "back? "
	types 'fro\n'
	vm_says "back: fro"
	vm_ends 0
}

@test "keys and piped input follow a stock Linux from the serial port to virtio's console, and back" {
	asks /dev/hvc0 -p quiet
	follows_keys
	follows_pipe
}

@test "keys and piped input follow a stock Linux from virtio's console to the serial port, and back" {
	asks /dev/ttyAMA0 -p console=hvc0
	follows_keys
	follows_pipe
}

@test "piped input finds the shell of a stock Linux whose kernel talks on both consoles" {
	asks /dev/hvc0 -p quiet -p "console=hvc0 console=ttyAMA0"
	follows_pipe
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
