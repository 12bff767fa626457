#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; bats and lib.bash set stderr and vm_pid
#
# nestor run -- COMMAND: a program in a guest that behaves as it does here. Three
# boots, side by side; the tests look at what they have left.

load lib

# What the program in the first guest does, as the host's shell would.
script='
echo "== out"; echo to stdout; echo "=="
echo to stderr >&2
echo "== env"; echo "$GIVEN $TAKEN ${KEPT-unset} $HOME"; echo "=="
echo "== pwd"; pwd; echo "=="
echo "== input"; sha256sum; echo "=="
echo "== orphan"; (sleep 1000 &) ; echo "=="
cd /sys/fs/cgroup && echo +memory >cgroup.subtree_control && mkdir small
echo 3M >small/memory.max
echo "== memory"; (echo 0 >small/cgroup.procs; tail /dev/zero); echo $?; echo "=="
echo "== root"; echo mine >/etc/passwd; head -n1 /etc/passwd; cat "$HERE/added" | wc -c
awk "\$2 == \"/\" { print \$3 }" /proc/mounts; echo "=="
echo "== shares"; mount -t virtiofs work /mnt && echo "from the guest" >/mnt/new
mount -t virtiofs kept /run && (echo "from the guest" >/run/new) 2>/dev/null || ls /run; echo "=="
exit 42'

# In the background, as VM $1, which is told to end on its own.
start()
{
	local name=$1 status=0
	shift
	timeout 380 "$NESTOR" run -k "$GUEST/Image" -c 1 -m 256M "$@" \
		>"$name.out" 2>"$name.err" || status=$?
	echo $status >"$name.status"
}

setup_file()
{
	local text pid
	cd "$BATS_FILE_TMPDIR" || return
	head -c 300007 /dev/urandom >random
	seq 1000 >added
	mkdir work kept
	: >kept/old
	TAKEN="from the host" KEPT=no start main --env GIVEN="a = b" --env TAKEN \
		--env HERE="$PWD" --share work=work --share kept=kept,ro \
		-- sh -c "$script" <random &
	start panic --root initramfs -- busybox sh -c \
		'echo before; echo c >/proc/sysrq-trigger' </dev/null &
	mkfifo says silent
	exec 8<>silent # input that does not end
	"$NESTOR" run -k "$GUEST/Image" -c 1 -m 256M --add added -- busybox sh -c \
		'trap "wc -c <added; kill -SEGV \$\$" TERM; echo ready; while :; do read -r; done' \
		>says 2>term.err <&8 &
	pid=$!
	{
		read -r text
		[[ $text = ready ]] && kill -TERM "$pid"
		cat >term.out
	} <says
	exec 8<&-
	wait "$pid" && echo 0 >term.status || echo $? >term.status
	wait
}

main() { section "$1" "$BATS_FILE_TMPDIR/main.out"; }
of() { cat "$BATS_FILE_TMPDIR/$1"; }

@test "a command's status is nestor's" {
	of main.err
	[[ $(of main.status) = 42 ]]
}

@test "output and error output are kept apart, and hold nothing else" {
	[[ $(main out) = "to stdout" ]]
	[[ $(grep -v 'ut of memory' "$BATS_FILE_TMPDIR/main.err" |
		grep -v '^Killed$') = "to stderr" ]]
}

@test "input arrives unchanged, and ends" {
	[[ $(main input) = "$(sha256sum <"$BATS_FILE_TMPDIR/random")" ]]
}

@test "the environment is what is passed on, and what is given" {
	[[ $(main env) = "a = b from the host unset $HOME" ]]
}

@test "it starts in the current directory" {
	[[ $(main pwd) = "$BATS_FILE_TMPDIR" ]]
}

@test "its root is the host's, and what it changes is its own" {
	[[ $(main root) = $'mine\n3893\noverlay' ]]
	[[ $(</etc/passwd) != *mine* ]]
}

@test "a share is written to, and one with ro is not" {
	[[ $(main shares) = old && $(of work/new) = "from the guest" ]]
	[[ ! -e $BATS_FILE_TMPDIR/kept/new ]]
}

@test "an initramfs has the files that were added" {
	[[ $(of term.out) = 3893 ]]
}

@test "nothing is left when nestor is killed" {
	local line fs before job
	before=$(ls /tmp /run)
	mkfifo says
	nestor run -v -k "$GUEST/Image" -- true 2>says &
	job=$!
	while read -r line; do
		[[ $line != *"virtiofsd for / is process "* ]] || break
	done <says
	fs=${line##* }
	[[ $(readlink "/proc/$fs/exe") = */virtiofsd ]]
	kill -9 "$(sed -n 's/^PPid:\t//p' "/proc/$fs/status")"
	timeout 60 tail --pid="$fs" -f /dev/null
	[[ $(ls /tmp /run) = "$before" ]]
	wait "$job" || true
}

@test "memory that virtiofsd maps too has huge pages where a kernel begins" {
	local huge
	vm_start -k "$(payload spin)" -m 256M --share a=.
	vm_says spinning
	huge=$(awk '$1 == "ShmemHugePages:" { print $2 }' /proc/meminfo)
	kill -TERM "$vm_pid"
	vm_ends 143
	# 64 MiB where images lie, and as much at the end.
	[[ $huge = $((128 << 10)) ]]
}

@test "a share that cannot be is refused, with the reason" {
	refused "--share a=missing: *No such file or directory*" \
		-k "$GUEST/Image" --share a=missing
	run -2 unshare -m bash -c 'mount -t tmpfs none /usr/libexec && exec "$@"' \
		- "$NESTOR" run -k "$GUEST/Image" --share a=.
	says "nestor: --share a=.: it takes virtiofsd, which is not here; install the package virtiofsd"
}

@test "what it leaves behind does not keep the guest" {
	[[ $(main orphan) = "" && $(of main.status) = 42 ]]
}

@test "memory that runs out kills the program, and is told" {
	[[ $(main memory) = 137 ]]
	[[ $(of main.err) = *"nestor: in the guest: Memory cgroup out of memory: Killed process "*"(tail)"* ]]
}

@test "a signal to nestor reaches the command, and one that kills it is its status" {
	of term.err
	[[ $(of term.status) = 139 ]]
}

@test "a kernel that panics is told of on standard error, with status 125" {
	[[ $(of panic.status) = 125 && $(of panic.out) = before ]]
	[[ $(of panic.err) = *"Kernel panic - not syncing: sysrq"*"nestor: busybox: the guest's kernel panicked" ]]
}

@test "a command that is not there is 127, one that is no program 126" {
	: >empty
	run -127 --separate-stderr nestor run -k "$GUEST/Image" --root initramfs -- no-such-program
	[[ $stderr = "nestor: no-such-program: not found" ]]
	run -126 --separate-stderr nestor run -k "$GUEST/Image" --root initramfs -- ./empty
	[[ $stderr = "nestor: ./empty: Permission denied" ]]
}

@test "a machine that cannot begin is 125" {
	run -125 nestor run -k missing -- true
	says "nestor: --kernel missing: cannot be opened"
}
