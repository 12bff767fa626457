#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Sockets between a guest and the host's processes, as UNIX sockets. The guest is
# a payload that asks port 5000 of the host a question and then echoes.
#
# shellcheck disable=SC2016,SC2154 # a script for socat; devices.bash' variables

load lib
load devices

# speak PORT - sends standard input, and says what comes, `OK NUMBER` first
speak() { { printf 'CONNECT %s\n' "$1"; cat; } | timeout 60 socat -t 50 - UNIX-CONNECT:v.sock; }

guest_up() { vm_start -k "$(payload vsock)" -m 64M --vsock v.sock "$@"; }

@test "CONNECT leads to a port of the guest's, and all that is sent comes back" {
	guest_up --transport mmio
	vm_says 'nobody listens on port 5000'
	vm_says listening
	[[ $(stat -c %a:%F v.sock) = 600:socket ]]
	head -c 20000 /dev/urandom >data
	speak 1234 <data >got
	read -r line <got
	[[ $line =~ ^OK\ [0-9]+$ ]]
	tail -c 20000 got | cmp - data
	run ! speak 1235 <<<hello
	[[ $output != *OK* ]]
	run -0 speak 1234 <<<quit
	vm_ends 0
	[[ ! -e v.sock ]]
}

@test "the guest reaches who listens at PATH_PORT, also after a reset" {
	listening UNIX-LISTEN:v.sock_5000,fork,mode=600 \
		SYSTEM:'read -r line && [ "$line" = question ] && echo answer'
	guest_up --transport pci
	vm_says 'the host has answered'
	vm_says listening
	run -0 speak 1234 <<<reset
	vm_says 'the host has answered'
	vm_says listening
	run -0 speak 1234 <<<quit
	vm_ends 0
	kill "$socat"
	wait "$socat" || true
}

@test "without --vsock there is no such device, and a path in use is refused" {
	run nestor run -k "$(payload vsock)" -m 64M
	says "FAIL there is no socket device"
	listening UNIX-LISTEN:v.sock,fork STDIO
	refused "--vsock v.sock: the path is in use; choose another or end the process that listens there" \
		-k "$(payload vsock)" -m 64M --vsock v.sock
	kill "$socat"
	wait "$socat" || true
}
