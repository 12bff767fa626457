#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What `make demo` shows a newcomer, on a terminal and without one.
#
# The demo runs twice from start to end, in setup_file, and the tests look at what
# it said; those that interrupt it or let it fail run their own.

bats_require_minimum_version 1.5.0

top=$BATS_TEST_DIRNAME/../..
demo=$BATS_TEST_DIRNAME/demo

# on_terminal CMD... - CMD on a pseudo-terminal of its own, as a coprocess: what
# it prints is read from ${tty[0]}, what is written to ${tty[1]} is typed
on_terminal()
{
	# script(1) has $SHELL read the command, and only bash knows all of %q.
	# Whoever runs these tests in the background has SIGINT ignored.
	coproc tty { SHELL=$BASH exec env --default-signal script -qefc "$(printf '%q ' "$@")" /dev/null 2>&1; }
	seen=
}

# see TEXT - wait until TEXT has been printed; all that was is in seen
see()
{
	local c
	while [[ $seen != *"$1"* ]]; do
		IFS= read -r -t 240 -d '' -n 1 -u "${tty[0]}" c || {
			echo "ended or stuck before '$1': $seen" >&2
			return 1
		}
		seen+=$c
	done
}

# The rest of what is printed, and the status of it all.
to_the_end()
{
	local rest pid=${tty_PID:?}
	rest=$(cat <&"${tty[0]}")
	seen+=$rest
	status=0
	wait "$pid" || status=$?
}

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	status=0
	make -C "$top" --no-print-directory demo >plain 2>&1 </dev/null || status=$?
	echo "$status" >plain.status
	sed '/ \$ nestor demo$/q' plain >guest
	sed '1,/ \$ nestor demo$/d' plain >nested

	on_terminal make -C "$top" --no-print-directory demo INTERACTIVE=1
	see '[L1: guest of nestor] # '
	# shellcheck disable=SC2016 # for the guest's shell
	echo 'echo "sum: $((6 * 7)) on $(uname -m)"' >&"${tty[1]}"
	see 'sum: 42'
	see '[L1: guest of nestor] # '
	echo 'poweroff -f' >&"${tty[1]}"
	to_the_end
	echo "$seen" >interactive
	echo "$status" >interactive.status
}

setup() { cd "$BATS_FILE_TMPDIR" || exit; }

# says LEVEL TEXT - a line of the plain run
says() { grep -Eq "^\[$1\] +$2" guest; }

@test "the demo tells which level each line comes from" {
	says 'this machine' 'nestor is built'
	says 'L0: [^]]*KVM' 'Linux '
	says 'L0: [^]]*KVM' '\$ nestor run '
	says 'L1: guest of nestor' 'uname: '
	run ! grep -Ev '^\[(this machine|L0: .*|L1: .*)\] |^nestor boots|^  \[|^$' guest
}

@test "the demo shows the guest's kernel, CPUs and memory" {
	says 'L1: guest of nestor' 'uname: +Linux .* aarch64'
	says 'L1: guest of nestor' 'CPUs: +2, started at EL1'
	says 'L1: guest of nestor' 'memory: +4[0-9][0-9] MiB'
}

@test "the demo ends with the guest's power-off and status 0" {
	[ "$(cat plain.status)" -eq 0 ]
	tail -n 2 guest | grep -q 'ended with status 0 .*powered off'
}

@test "without a terminal the demo prints few lines and no control characters" {
	run ! grep -P '[\x00-\x08\x0b-\x1f\x7f]' plain
	[ "$(wc -l <guest)" -lt 30 ]
}

@test "on a terminal the demo shows progress, and erases it" {
	grep -q $'\r[-|/\\\\] [0-9.]* s  .*\e\\[K' interactive
	# What is left once lines are erased has no trace of it.
	run ! grep -P '^[-|/\\] [0-9.]+ s' <(sed 's/.*\x1b\[K//' interactive)
}

@test "it ends with nested virtualization, step by step" {
	grep -q '^1\. .* el2_' nested
	grep -q 'exits to the host: [0-9]*; without FEAT_NV2: [0-9]' nested
	tail -n 2 nested | grep -Eq '^[0-9]+ steps, [0-9]+ checks hold'
}

@test "INTERACTIVE=1 leads to the guest's shell, says how to leave it, and ends with it" {
	grep -q 'poweroff -f, or Ctrl-a x' interactive
	grep -q 'sum: 42 on aarch64' interactive
	grep -q 'ended with status 0 .*powered off' interactive
	[ "$(cat interactive.status)" -eq 0 ]
}

@test "INTERACTIVE=1 without a terminal is refused" {
	run -2 "$demo" --interactive </dev/null
	[[ $output = *'needs a terminal'* ]]
}

# Directories of demos, and processes of their hosts: QEMU stands in / by then.
remains()
{
	compgen -G "$top/build/demo.*"
	grep -lsz '^NESTOR_RIG_DIR=.*/build/demo\.' /proc/[0-9]*/environ
}

@test "Ctrl-C ends the demo: no host is left, and the terminal is as it was" {
	before=$(remains || true)
	# shellcheck disable=SC2016 # for the shell on the terminal
	on_terminal bash -c 'trap : INT; stty -g
		"$0"; echo "status $?"; stty -g' "$demo"
	see '$ nestor run'
	printf '\003' >&"${tty[1]}"
	to_the_end
	[[ $seen = *'status 130'* ]]
	mapfile -t modes < <(tr -d '\r' <<<"$seen" | grep -E '^[0-9a-f]+(:[0-9a-f]+){9,}$')
	[ "${#modes[@]}" -eq 2 ]
	[ "${modes[0]}" = "${modes[1]}" ]
	[ "$(remains || true)" = "$before" ]
}

@test "SIGTERM ends the demo and its host, though it is just booting" {
	local line='' pid
	before=$(remains || true)
	mkfifo out
	"$demo" >out 2>&1 3>&- &
	pid=$!
	exec 5<out
	while [[ $line != *'starting an emulated ARM64 host' ]]; do
		read -r -t 240 line <&5
	done
	kill "$pid"
	status=0
	wait "$pid" || status=$?
	echo "status $status"
	[ "$status" -eq 143 ]
	[ "$(remains || true)" = "$before" ]
}

# A nestor that tells whether there is KVM by what is in the file `caps`.
fake_nestor()
{
	cat >nestor <<-'END'
		#!/bin/sh
		[ "$1" != caps ] || exit "$(cat "${0%/*}/caps")"
		echo "guest: $*"
		exit "$(cat "${0%/*}/status")"
	END
	chmod +x nestor
	echo "$1" >caps
	echo "$2" >status
}

@test "with a KVM of this machine's own, no host is emulated" {
	fake_nestor 0 0
	NESTOR=$PWD/nestor run -0 "$demo"
	[[ $output = *'[L0: this machine, KVM]'*'[L1: guest of nestor]'*'guest: run -k'* ]]
	[[ $output != *emulated\ ARM64\ host\ is\ up* ]]
}

@test "a guest that fails is told in one sentence, with the status" {
	fake_nestor 0 5
	NESTOR=$PWD/nestor run -1 "$demo"
	[[ ${lines[-1]} = "demo: nestor ended with status 5 "*"'nestor help run' says"* ]]
}

@test "a step that fails shows what it said, and what to do next" {
	mkdir bin
	printf '#!/bin/sh\necho mips\n' >bin/uname
	chmod +x bin/uname
	PATH=$PWD/bin:$PATH run -1 "$demo"
	[[ ${lines[-2]} = 'setup: nestor is built on x86-64 and ARM64, not on mips' ]]
	[[ ${lines[-1]} = 'demo: could not go on (setting up)'*'make demo again' ]]
}

# An archive with one package, whose download is at 42 % for a while.
fake_archive()
{
	mkdir -p apt "cache/apt/arm64-testing"
	touch cache/apt/arm64-testing/fresh
	cat >apt/apt-get <<-'END'
		#!/bin/sh
		case "$*" in
		*' -s '*) echo 'Inst one (1.0 Debian [arm64])' ;;
		*--print-uris*) echo "'uri' one_1.0_arm64.deb 2500000 SHA256:0" ;;
		*download*)
			printf 'dlstatus:1:%s:Retrieving\n' 0 42.1 42.9 100 >&3
			: >one_1.0_arm64.deb
			;;
		esac
	END
	printf '#!/bin/sh\n' >apt/dpkg-deb
	chmod +x apt/*
}

@test "a download shows its size, and on a terminal how far it is, which is erased" {
	fake_archive
	export PATH=$PWD/apt:$PATH NESTOR_CACHE=$PWD/cache
	local debs=("$BATS_TEST_DIRNAME/debs" --arch arm64 --suites testing unpack "$PWD/unpacked" one)
	run -0 "${debs[@]}"
	[ "$output" = 'debs: fetching 1 packages for arm64 (one), 2 MB' ]
	NESTOR_PROGRESS=yes run -0 "${debs[@]}"
	[ "$(grep -c ' 42%' <<<"$output")" -eq 1 ]
	on_terminal "${debs[@]}"
	to_the_end
	[[ $seen = *$'\rdebs: '*' 42%'$'\e[K'* ]]
	[ -z "${seen##*$'\e[K'}" ]
}
