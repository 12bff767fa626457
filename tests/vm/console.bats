#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for guests; devices.bash' variables
#
# Console ports of a stock guest, whose first console is on a pseudo-terminal.

load lib
load devices

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	mkfifo stalled
	exec 6<>stalled
	# shellcheck disable=SC2094 # a FIFO
	exec 9>stalled
	printf '#!/bin/bash\nexec socat - "EXEC:%s,pty,setsid,ctty,raw,echo=0"\n' \
		"$lab/start" >on-terminal
	chmod 755 on-terminal
	lab_wrapper=(bash -c "exec $PWD/on-terminal")
	lab_start -c 2 --port "socket=unix:$PWD/socket" --port "log=file:$PWD/log" \
		--port terminal=pty --port stalled=fd:9 --port nothing=null
	exec 9>&-
}

teardown_file()
{
	exec 6>&-
	lab_stop
}

# port NAME - sets port in the guest to its device
port()
{
	echo 'for p in /sys/class/virtio-ports/*; do
		[ "$(cat $p/name 2>/dev/null)" != '"$1"' ] || port=/dev/${p##*/}
	done'
}

file() { echo "$BATS_FILE_TMPDIR/$1"; }

# The name of the pseudo-terminal, which nestor logs.
pty() { sed -n 's/^nestor: console on //p' "$lab/log"; }

@test "each port has its name" {
	run -0 guest 'cat /sys/class/virtio-ports/*/name'
	[[ $(sort <<<"$output") = "$(printf '%s\n' log nothing socket stalled terminal)" ]]
}

@test "what the guest writes to a port is in the file" {
	guest "$(port log); seq 1000 >\$port"
	[[ $(<"$(file log)") = "$(seq 1000)" ]]
}

@test "data goes both ways through a socket, for one client after the other" {
	local i client line
	for i in 1 2 3; do
		guest_begin "$(port socket); exec 5<>\$port; read -r x <&5; echo reply to \$x >&5"
		coproc socat - "UNIX-CONNECT:$(file socket)"
		client=$COPROC_PID
		echo "client $i" >&"${COPROC[1]}"
		read -t 60 -r -u "${COPROC[0]}" line
		[[ $line = "reply to client $i" ]]
		lab_answer
		eval "exec ${COPROC[1]}>&-"
		wait "$client"
	done
}

@test "a second client of a socket waits for the first to go" {
	local first line
	guest_begin "$(port socket); exec 5<>\$port; read -r a <&5; echo got \$a >&5; read -r b <&5; read -r c <&5; echo \$a; echo \$b; echo \$c"
	coproc socat - "UNIX-CONNECT:$(file socket)"
	first=$COPROC_PID
	echo one >&"${COPROC[1]}"
	# Only now is it the first for sure.
	read -t 60 -r -u "${COPROC[0]}" line
	[[ $line = "got one" ]]
	socat -u - "UNIX-CONNECT:$(file socket)" <<<three
	echo two >&"${COPROC[1]}"
	eval "exec ${COPROC[1]}>&-"
	wait "$first"
	run -0 lab_answer
	[[ $output = "one
two
three" ]]
}

@test "only the owner may connect to a socket" {
	[[ $(stat -c %a "$(file socket)") = 600 ]]
}

@test "data goes both ways through a pseudo-terminal" {
	local line
	exec {tty}<>"$(pty)"
	echo question >&$tty
	run -0 guest "$(port terminal); exec 5<>\$port; read -r x <&5; echo answer to \$x >&5"
	read -t 60 -r -u "$tty" line
	exec {tty}>&-
	[[ $line = "answer to question" ]]
}

@test "S1 a port that nobody reads blocks its writer, and no other port" {
	guest "$(port stalled); (seq 100000 >\$port; echo done >/tmp/done) >/dev/null 2>&1 &"
	guest "$(port log); seq 20000 30000 >\$port"
	[[ $(tail -n1 "$(file log)") = 30000 ]]
	run ! guest '[ -e /tmp/done ]'
	# All of it arrives when somebody does read.
	[[ $(head -n 100000 "$(file stalled)" | md5sum) = "$(seq 100000 | md5sum)" ]]
}

@test "a port that leads nowhere takes what it gets" {
	guest "$(port nothing); seq 10000 >\$port"
}

@test "the guest's console is as large as the terminal, also when that changes" {
	local tty
	tty=$(readlink "/proc/$(lab_pid)/fd/0")
	stty -F "$tty" rows 43 cols 132
	# Its bound is the test's.
	guest 'until [ "$(stty size </dev/hvc0)" = "43 132" ]; do :; done'
	stty -F "$tty" rows 24 cols 80
	guest 'until [ "$(stty size </dev/hvc0)" = "24 80" ]; do :; done'
}

@test "a port that cannot be had is refused" {
	refused_device "*missing/socket*No such file or directory*" \
		--port x=unix:missing/socket
	refused_device "*missing/file*No such file or directory*" \
		--port x=file:missing/file
	refused_device "*fd:77: give the number of a descriptor that nestor inherits open*" \
		--port x=fd:77
	refused_device "*$(file socket): the path is in use; choose another or end the process that listens there" \
		--port "x=unix:$(file socket)"
}
