#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for other shells
#
# nestor on a terminal, on pipes, and on nothing.

load lib

# term_start ARG... - nestor run on a pseudo-terminal of 40 rows and 100 columns
#
# What is typed goes to fd 8, what is shown comes from fd 7. The files tty, pid,
# before, after and status say what they are named after.
term_start()
{
	cat >session <<-'END'
		tty >tty
		stty rows 40 cols 100
		stty -g >before
		bash -c 'echo $$ >pid; exec "$@"' - "$@" 2>err
		echo $? >status
		stty -g >after
	END
	mkfifo in out
	socat - "EXEC:bash session $NESTOR run $*,pty,setsid,ctty,stderr" \
		<in >out 3>&- &
	vm_pid=$!
	exec 8>in 7<out
}

# term_ends STATUS - and the terminal is what it was before
term_ends()
{
	cat <&7 >rest
	exec 7<&- 8>&-
	wait "$vm_pid" || true
	vm_pid=
	echo "status $(<status), $(cat err)"
	[[ $(<status) = "$1" && $(<before) = "$(<after)" ]]
}

# types FORMAT - as printf takes it
types()
{
	# shellcheck disable=SC2059 # made for it
	printf "$1" >&8
}

# mode WORD... - of the terminal, as stty calls it
mode()
{
	local word modes
	modes=" $(stty -F "$(cat tty)" -a | tr ';\n' '  ')"
	for word; do
		[[ $modes = *" $word "* ]] || { echo "not $word: $modes"; return 1; }
	done
}

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
		rm in out
	done
}

@test "the terminal is restored when the guest panics or time is up" {
	term_start -k "$(payload panic)"
	vm_says "crashing"
	term_ends 4
	rm in out
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

@test "piped input reaches the guest, and its end does not end the guest" {
	run -0 timeout 60 "$NESTOR" run -k "$(payload echo)" < <(printf '\001hab\003q')
	says "<1>" "hab" "<3>" "PASS heard a q"
	mkfifo in
	exec 8<>in
	vm_start -k "$(payload button)"
	exec 8>&-
	vm_says "waiting for the button"
	kill -PWR "$vm_pid"
	vm_says "PASS pressed"
	vm_ends 0
}

@test "input that comes before the guest listens is not lost" {
	initrd 'read -r line; echo "heard $line"' >run.cpio
	run -0 timeout 200 bash -c 'echo hello | "$@"' - "$NESTOR" run \
		-k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio -p "$QUIET"
	says "heard hello"
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
	rm in out
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
