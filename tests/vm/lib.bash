# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# lib.bash - what the tests on real KVM share; `load lib` at the top of each file
#
# A test runs in its own empty directory. A payload answers within a second; a
# Linux guest takes ten in the emulated host, so a file boots few, in
# setup_file, and its tests look at what they have said. Nothing here waits for
# time to pass: whatever a test waits for is a line, an end, or the bound
# of some minutes after which it fails: so many times longer as tests/check has
# found the host slower than on an idle machine.
bats_require_minimum_version 1.5.0
load untraced

# The program and not the function below, which has its name.
NESTOR=$(type -P "${NESTOR:-nestor}")
GUEST=${NESTOR_GUEST:-/guest}
# Only for files that tests/check's table says need it: see tests/rig/.
FIRMWARE=${NESTOR_FIRMWARE:-/firmware}
IMAGE=${NESTOR_IMAGE:-/image}
STOCK=${NESTOR_STOCK:-/stock}
EFI=${NESTOR_EFI:-/efi}
XEN=${NESTOR_XEN:-/xen}
INSTALLER=${NESTOR_INSTALLER:-/installer}
vm_pid=
PAYLOADS=$BATS_TEST_DIRNAME/../../build/guest
QUIET="quiet console=hvc0"
export NESTOR GUEST FIRMWARE IMAGE STOCK EFI XEN INSTALLER PAYLOADS QUIET
SLOW=${NESTOR_SLOW:-1}
export SLOW BATS_TEST_TIMEOUT=$((400 * SLOW))

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# bats 1.13 forgets what ends a test after $BATS_TEST_TIMEOUT when that test fails,
# and then waits for it.
forget_timeout()
{
	[[ ! ${BATS_TEST_COMPLETED:-} ]] || return 0
	disown -a
	pkill -ABRT -P $$ -f bats-exec-test || true
}

# A VM that a failed test has left behind ends; one that a test forgot is a failure.
teardown()
{
	local pid left=0
	forget_timeout
	for pid in ${vm_pid:-}; do
		! kill -9 "$pid" 2>/dev/null || left=1
	done
	[[ $left = 0 || ! ${BATS_TEST_COMPLETED:-} ]] || {
		echo "a VM was left behind"
		return 1
	}
}

payload() { echo "$PAYLOADS/$1.bin"; }

# nestor ARG... - bounded, without input of its own
nestor() { timeout $((200 * SLOW)) "$NESTOR" "$@" </dev/null; }

# seen SYSTEM VERSION [HOW] - this test has seen it run: a row of docs/systems.md
seen()
{
	echo "# seen: $1 | $2 | ${3:-} | $(basename "$BATS_TEST_FILENAME" .bats)" |
		tr -d '\r' >&3
}

# says TEXT... - each stands in $output
says()
{
	local text
	for text; do
		[[ $output = *"$text"* ]] || {
			echo "missing: $text"
			echo "in: $output"
			return 1
		}
	done
}

# refused SENTENCE ARG... - by nestor run: one line, status 2, nothing else
#
# SENTENCE is a pattern, without the leading nestor:. The bound is short, as what
# cannot be used must not be waited for.
refused()
{
	local sentence=$1
	shift
	run --separate-stderr timeout $((60 * SLOW)) "$NESTOR" run "$@" </dev/null
	# shellcheck disable=SC2154 # bats sets stderr
	echo "said ($status): $output$stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status = 2 && ! $output && $stderr != *$'\n'* &&
		$stderr = "nestor: "$sentence ]]
}

# initrd SCRIPT >CPIO - on standard output, what makes guest/init run SCRIPT
initrd()
{
	local dir
	dir=$(mktemp -d) && mkdir "$dir/nestor" || return
	printf '#!/bin/sh\n%s\n' "$1" >"$dir/nestor/run"
	chmod 755 "$dir" "$dir/nestor" "$dir/nestor/run"
	(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null)
	rm -r "$dir"
}

# linux SCRIPT ARG... - a stock kernel, whose first process runs SCRIPT
linux()
{
	local script=$1
	shift
	initrd "$script" >run.cpio &&
		nestor run -k "$GUEST/Image" -i "$GUEST/initrd.cpio" -i run.cpio \
			-p "$QUIET" "$@"
}

# section NAME FILE - between the lines `== NAME` and `==` of a guest's output
section() { tr -d '\r' <"$2" | sed -n "/^== $1\$/,/^==\$/{/^==/!p}"; }

# linux_has MAJOR.MINOR - the host runs that version of Linux, or a newer one
linux_has() { printf '%s\n' "$1" "$(uname -r)" | sort -VC; }

# cap FILTER - of what nestor caps knows
cap() { "$NESTOR" caps --json | jq -r "$1"; }

# vm_start ARG... - nestor run in the background: $vm_pid; its output, fd 7
vm_start()
{
	local in=/dev/null
	[[ ! -p in ]] || in=in
	mkfifo out
	# A shell ignores SIGINT and SIGQUIT for what it has in the background.
	env --default-signal "$NESTOR" run "$@" >out 2>err <$in 3>&- 7>&- &
	vm_pid=$!
	exec 7<out
	rm out
}

# vm_says TEXT - reads on to the line, or the part of one, that ends with TEXT
#
# In pieces that end as TEXT does, for a screen of a menu has 20,000 characters.
vm_says()
{
	local piece
	vm_said=
	while [[ $vm_said != *"$1" ]]; do
		IFS= read -r -t $((120 * SLOW)) -d "${1: -1}" -u 7 piece || {
			echo "never said '$1' but: $vm_said$piece"
			return 1
		}
		((${#vm_said} < 8192)) || vm_said=${vm_said: -4096}
		vm_said+=$piece${1: -1}
	done
}

# sees_no_pause ARG... - a guest is paused for longer than its watchdog has: it
# is not bitten, and its counters have stood still
#
# But for the physical one of an emulated CPU with FEAT_ECV: QEMU 10 heeds
# CNTPOFF_EL2 only if SCR_EL3.ECVEn is set, also where there is no EL3 to set it.
sees_no_pause()
{
	mkdir -p -m 700 vms
	vm_start --runtime-dir vms --name a -k "$(payload watchdog_pause)" \
		--watchdog --on-watchdog stop "$@"
	vm_says serving
	nestor pause --runtime-dir vms a
	run -124 nestor wait --runtime-dir vms --timeout 8 a
	nestor resume --runtime-dir vms a
	vm_ends 0
	cat rest
	grep "PASS paused" rest
	if ! grep -qw ecv /proc/cpuinfo ||
		! grep -q linux,dummy-virt /proc/device-tree/compatible; then
		grep "physical counter stood still" rest
	fi
}

# vm_ends STATUS - the VM ends, with that, and without a word on standard error
vm_ends()
{
	local status=0
	cat <&7 >rest
	exec 7<&-
	wait "$vm_pid" || status=$?
	vm_pid=
	cat err
	((status == $1)) && [[ ! -s err ]] && return
	echo "ended with status $status; the last it said:"
	tail rest
	return 1
}
