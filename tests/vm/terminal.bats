#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for other shells
#
# nestor on a terminal, on pipes, and on nothing.

load lib
load terminal

@test "the terminal is raw while a guest runs, and restored when it powers off" {
	term_start -k "$(payload echo)"
	vm_says "listening"
	mode -icanon -echo -isig -ixon -opost
	types q
	vm_says "PASS heard a q"
	term_ends 0
}

@test "the terminal is restored after any signal, also after a crash" {
	local sig
	for sig in TERM:143 INT:130 HUP:129 QUIT:131 SEGV:139 ABRT:134; do
		term_start -k "$(payload button)"
		vm_says "waiting for the button"
		mode -icanon
		kill "-${sig%:*}" "$(<pid)"
		term_ends "${sig#*:}"
	done
}

@test "the terminal is restored when the guest panics or time is up" {
	term_start -k "$(payload panic)"
	vm_says "crashing"
	term_ends 4
	term_start -k "$(payload spin)" --timeout 1
	term_ends 124
}

@test "a mistake leaves the terminal alone" {
	: >empty
	term_start -k empty
	term_ends 2
	[[ $(<err) = "nestor: --kernel empty: is empty"* ]]
}

@test "Ctrl-a x ends nestor with status 0" {
	term_start -k "$(payload spin)" -c 2
	vm_says "2 spinning"
	types '\001x'
	term_ends 0
}

@test "Ctrl-a h shows the keys" {
	term_start -k "$(payload echo)"
	vm_says "listening"
	types '\001h'
	vm_says "Ctrl-a x  end this VM"
	vm_says "Ctrl-a h"
	types q
	term_ends 0
}

@test "every other key goes to the guest, Ctrl-C too" {
	term_start -k "$(payload echo)"
	vm_says "listening"
	types '\003'
	vm_says "<3>"
	types '\032\034\021\023'
	vm_says "<1a>"
	vm_says "<1c>"
	vm_says "<11>"
	vm_says "<13>"
	types '\001a'
	vm_says "<1>"
	types '\001b'
	vm_says "<break>"
	types '\001z'
	vm_says "<1>"
	vm_says "z"
	types q
	term_ends 0
}

@test "piped input reaches the guest, and its end does not end the guest" {
	run -0 timeout 60 "$NESTOR" run -k "$(payload echo)" < <(printf '\001hab\003q')
	says "<1>" "hab" "<3>" "PASS heard a q"
	mkfifo in
	exec 8<>in
	vm_start -k "$(payload button)"
	exec 8>&-
	vm_says "waiting for the button"
	kill -PWR "${vm_pid:?}"
	vm_says "PASS pressed"
	vm_ends 0
}

@test "closed standard streams are no reason to fail" {
	local status=0
	run -0 bash -c '"$@" <&-' - "$NESTOR" run -k "$(payload smp)"
	says "PASS 1 vCPUs up"
	"$NESTOR" run -k "$(payload panic)" <&- >&- 2>&- || status=$?
	((status == 4))
	run -0 bash -c '"$@" >&-' - "$NESTOR" run -k "$(payload smp)"
	[[ ! $output ]]
}

@test "output that nobody reads any more does not end the guest" {
	run -4 bash -c '"$@" </dev/null | :; exit ${PIPESTATUS[0]}' - \
		"$NESTOR" run -k "$(payload panic)"
	run -4 bash -c '"$@" </dev/null >/dev/full' - \
		"$NESTOR" run -k "$(payload panic)"
}

# KiB of a process's own memory
anonymous() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }

@test "S1: a flood of input and output that nobody reads do not stop a guest" {
	mkfifo full
	exec 8<>full
	run ! dd if=/dev/zero of=full bs=4096 count=1000 oflag=nonblock
	run -0 timeout 60 "$NESTOR" run -k "$(payload smp)" -c 2 </dev/zero >full
	exec 8>&-
	vm_start -k "$(payload button)" --console serial
	vm_says "waiting for the button"
	kill -PWR "$vm_pid"
	vm_ends 0
}

@test "S1: what nestor keeps of a flood of input is bounded" {
	local before after
	mkfifo in
	exec 8<>in
	vm_start -k "$(payload button)"
	vm_says "waiting for the button"
	before=$(anonymous "$vm_pid")
	run ! dd if=/dev/zero of=in bs=4096 count=10000 oflag=nonblock
	after=$(anonymous "$vm_pid")
	kill -TERM "$vm_pid"
	vm_ends 143
	exec 8>&-
	echo "$before, then $after KiB"
	((after < before + 256))
}
