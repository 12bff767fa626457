#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2154 # bats sets stderr
#
# The emulated host keeps its promises: generations, exec, cache, errors.
#
# One host serves the tests about exec; a test that needs another one, or a host
# in trouble, starts its own. Never touches the hosts of the checkout: all
# state is bats' own.

bats_require_minimum_version 1.5.0

here=$BATS_TEST_DIRNAME
rig=$here/rig

setup_file()
{
	export NESTOR_RIG_DIR=$BATS_FILE_TMPDIR/rig NESTOR_RIG_NAME=main
	"$BATS_TEST_DIRNAME/rig" up
}

teardown_file() { "$BATS_TEST_DIRNAME/rig" down; }

setup() { cd "$BATS_TEST_TMPDIR" || exit; }

# What a test started beside the main host ends with it.
teardown()
{
	local d
	for d in "$NESTOR_RIG_DIR"/*/; do
		[[ $d = */main/ ]] || "$rig" down --name "$(basename "$d")"
	done
}

# on_host SCRIPT [ARG...] - in the main host's shell
on_host() { "$rig" exec sh -c "$@"; }

kvm_says() { "$rig" exec --name "$1" dmesg | grep -qF "$2"; }

offline() { if ((EUID)); then unshare -rn "$@"; else unshare -n "$@"; fi; }

@test "the default host has NV2" {
	kvm_says main 'VHE+NV2 mode initialized'
	"$rig" exec test -c /dev/kvm -a -c /dev/net/tun
}

@test "nvhe-gicv2 is a Cortex-A57: nVHE, and GICv2 guests" {
	"$rig" up --host nvhe-gicv2 --name old
	kvm_says old 'Hyp nVHE mode initialized'
	run ! kvm_says old 'disabling GICv2 emulation'
}

@test "nvhe is a Cortex-A72: nVHE, no GICv2 guests" {
	"$rig" up --host nvhe --name a72
	kvm_says a72 'Hyp nVHE mode initialized'
	kvm_says a72 'disabling GICv2 emulation'
}

@test "vhe is a Neoverse N1: VHE without NV2" {
	"$rig" up --host vhe --name n1
	kvm_says n1 'kvm [1]: VHE mode initialized'
}

@test "vhe-gicv2 is a Cortex-A76: VHE, and GICv2 guests" {
	"$rig" up --host vhe-gicv2 --name pi
	kvm_says pi 'kvm [1]: VHE mode initialized'
	run ! kvm_says pi 'disabling GICv2 emulation'
}

@test "nv2-16k has pages of 16 KiB, and the modules of its kernel" {
	"$rig" up --host nv2-16k --name large
	kvm_says large 'VHE+NV2 mode initialized'
	run -0 "$rig" exec --name large grep -m1 KernelPageSize /proc/self/smaps
	[[ $output = *" 16 kB" ]]
	"$rig" exec --name large test -c /dev/net/tun
}

@test "vhe-stable runs Debian stable's kernel and its modules, vhe the newest" {
	"$rig" up --host vhe-stable --name stable
	kvm_says stable 'kvm [1]: VHE mode initialized'
	run -0 "$rig" exec --name stable uname -r
	[[ $output = 6.12.* ]]
	"$rig" exec --name stable test -c /dev/net/tun
	run -0 "$rig" exec uname -r
	[[ $(printf '7.2\n%s\n' "$output" | sort -V | head -n1) = 7.2 ]]
}

@test "an unknown generation is refused by name" {
	run ! "$rig" up --host z80
	[[ $output = *"no host 'z80'"* ]]
}

@test "exec keeps the streams apart and returns the status" {
	run -7 --separate-stderr on_host 'echo out; echo err >&2; exit 7'
	[[ $output = out && $stderr = err ]]
}

@test "exec passes arguments as they are" {
	# shellcheck disable=SC2016 # as it is
	run -0 "$rig" exec printf '<%s>' 'a  b' '' '*' "it's" '$HOME'
	[[ $output = "<a  b><><*><it's><\$HOME>" ]]
}

@test "exec says 127 for no such command and 128+n for a signal" {
	run -127 "$rig" exec no-such-command
	# shellcheck disable=SC2016 # the remote shell's pid
	run -137 on_host 'kill -9 $$'
}

@test "exec passes all bytes both ways, and the end of the input" {
	head -c 3000000 /dev/urandom >bytes
	"$rig" exec cat <bytes >back
	cmp back bytes
}

@test "a hundred execs in a row all answer, and leave no input lying" {
	local i
	for ((i = 0; i < 50; i++)); do
		[[ $(echo "$i" | timeout 30 "$rig" exec cat) = "$i" ]]
		[[ ! $(timeout 30 "$rig" exec -n cat) ]]
	done
}

@test "exec ends when its command does, though the input is open" {
	mkfifo never
	exec 5<>never
	run -0 timeout 60 "$rig" exec echo over <&5
	[[ $output = over ]]
}

@test "exec survives a command that does not read its input" {
	head -c 3000000 /dev/zero | run -0 timeout 60 "$rig" exec true
}

@test "twenty execs at once do not mix" {
	local i
	for ((i = 0; i < 20; i++)); do
		on_host "seq $i 100 20000" >"got.$i" 3>&- &
	done
	wait
	for ((i = 0; i < 20; i++)); do
		seq "$i" 100 20000 | cmp - "got.$i"
	done
}

# start_sleeper - a command that goes on; sets client and remote, its pids
start_sleeper()
{
	mkfifo out
	# shellcheck disable=SC2016 # the remote shell's pid
	on_host 'sleep 1000 & echo $$; wait' >out 3>&- &
	client=$!
	read -r remote <out
}

# Not by run: its subshell cannot wait for our children.
ends_with()
{
	local status=0
	wait "$2" || status=$?
	((status == $1))
}

gone() { timeout 30 "$rig" exec tail -s 0.1 --pid="$1" -f /dev/null; }

@test "a client that is killed takes its command along" {
	start_sleeper
	kill -9 "$(pgrep -P "$client" || echo "$client")"
	gone "$remote"
	run ! "$rig" exec pgrep -x sleep
}

@test "a signal to the client is one to the command" {
	start_sleeper
	kill -TERM "$(pgrep -P "$client" || echo "$client")"
	ends_with 143 "$client"
	gone "$remote"
}

@test "a command's background jobs outlive it" {
	# shellcheck disable=SC2016 # the remote shell's
	run -0 timeout 30 "$rig" exec sh -c 'sleep 999 & echo $!'
	"$rig" exec kill "$output"
}

@test "exec -t gives a terminal" {
	run -0 "$rig" exec -t sh -c 'tty; stty size' </dev/null
	[[ $output = /dev/pts/*24\ 80* ]]
}

@test "push and pull keep bytes, modes and trees" {
	mkdir -p tree/sub
	head -c 100000 /dev/urandom >tree/sub/file
	chmod 755 tree/sub/file
	"$rig" push tree /tmp/tree
	"$rig" push tree/sub/file /tmp/one
	on_host 'test -x /tmp/one && cmp /tmp/one /tmp/tree/sub/file'
	"$rig" pull /tmp/tree back
	"$rig" pull /tmp/one one
	diff -r tree back
	cmp one tree/sub/file
	on_host 'rm -r /tmp/tree /tmp/one'
}

@test "a sandbox can pivot away from the host's root" {
	on_host 'mkdir -p /tmp/r && unshare -m sh -ec "
		mount -t tmpfs r /tmp/r; mkdir /tmp/r/old; busybox pivot_root /tmp/r /tmp/r/old"'
}

@test "guests' kernel and initrd are in the host" {
	on_host 'head -c 60 /guest/Image | tail -c 4 | grep -q ARM'
	on_host 'head -c 6 /guest/initrd.cpio | grep -q 070701'
}

@test "a guest boots, runs its script and powers off" {
	local guest qemu
	guest=$("$here/guest")
	qemu=$("$here/qemu")
	printf '#!/bin/sh\nuname -m\n' >script
	"$here/overlay" script >overlay.cpio
	cat "$guest/initrd.cpio" overlay.cpio >initrd
	run -0 timeout 120 "$qemu" -M virt -cpu cortex-a72 -m 256 -nodefaults \
		-nographic -net none -serial stdio -kernel "$guest/Image" \
		-initrd initrd -append 'quiet console=ttyAMA0' </dev/null
	[[ $output = *aarch64* && $output = *'Power down'* ]]
}

@test "with --icount two boots count the same" {
	local i now=()
	for i in 1 2; do
		"$rig" up --host nvhe --name icount --icount
		now[i]=$("$rig" exec --name icount sh -c \
			'dmesg | grep "Hyp nVHE mode initialized"')
		"$rig" down --name icount
	done
	[[ ${now[1]} && ${now[1]} = "${now[2]}" ]]
}

@test "a filled cache needs no network" {
	offline "$rig" up --name offline
	"$rig" exec --name offline true
}

@test "an empty cache without a network says so in one sentence" {
	NESTOR_CACHE=$PWD/empty run ! offline "$here/kernel"
	[[ ${lines[-1]} = *'no network'* ]]
	[[ ! $(find empty -name '.tmp*') ]]
}

@test "a full disk says so before anything is fetched" {
	mkdir bin
	printf '#!/bin/sh\necho\necho d 1 1 1 1 /\n' >bin/df
	chmod +x bin/df
	NESTOR_CACHE=$PWD/empty PATH=$PWD/bin:$PATH run ! "$here/kernel"
	[[ $output = *'no space for kernel'* ]]
}

@test "two checkouts have a host each, of the same name" {
	mkdir -p other/tests
	cp -r "$here" other/tests/rig
	cp -r "$here/../../guest" other/guest
	env -u NESTOR_RIG_DIR other/tests/rig/rig up --name main
	env -u NESTOR_RIG_DIR other/tests/rig/rig exec --name main touch /tmp/mine
	run ! "$rig" exec test -e /tmp/mine
	env -u NESTOR_RIG_DIR other/tests/rig/rig down --name main
	"$rig" exec true
	[[ ! -e other/build/rig ]]
}

@test "a host that dies says so, with the end of its console" {
	local pid
	"$rig" up --host nvhe --name dead
	"$rig" exec --name dead sh -c 'echo last words >/dev/console'
	read -r pid _ <"$NESTOR_RIG_DIR/dead/pid"
	start=$(date +%s)
	"$rig" exec --name dead sleep 100 >out 2>&1 3>&- &
	kill -9 "$pid"
	ends_with 255 $!
	tail -s 0.1 --pid="$pid" -f /dev/null
	run -255 "$rig" exec --name dead true
	[[ $output = *died*'last words'* ]]
	(($(date +%s) - start < 60))
}

@test "a host powers off at the end of its lifetime" {
	local pid
	"$rig" up --host nvhe --name brief --lifetime 2
	read -r pid _ <"$NESTOR_RIG_DIR/brief/pid"
	timeout 60 tail -s 0.1 --pid="$pid" -f /dev/null
}

@test "a host that is not up is not taken for one" {
	run -255 "$rig" exec --name nobody true
	[[ $output = *"not up"* ]]
	run -1 "$rig" status --name nobody
}

@test "up twice is up once, and down leaves nothing" {
	local pid
	"$rig" up --host nvhe --name twice
	read -r pid _ <"$NESTOR_RIG_DIR/twice/pid"
	"$rig" up --host nvhe --name twice
	[[ $(<"$NESTOR_RIG_DIR/twice/pid") = "$pid "* ]]
	"$rig" down --name twice
	[[ ! -e $NESTOR_RIG_DIR/twice && ! -e /proc/$pid ]]
	"$rig" down --name twice
}

@test "a pid that is somebody else's by now is left alone" {
	mkdir -p "$NESTOR_RIG_DIR/stale"
	# Nobody waits for it: it is the process that must not be ended.
	sleep 1000 3>&- &
	echo "$! 12345" >"$NESTOR_RIG_DIR/stale/pid"
	"$rig" down --name stale
	kill -0 $!
	kill $!
}

@test "setup with nothing missing is silent about installing" {
	run -0 offline "$here/setup"
	[[ $output != *installing* ]]
}
