# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # shared with lib and tests
# SPDX-License-Identifier: MIT
#
# devices.bash - a Linux guest that does what a test tells it; after `load lib`
#
# lab_start boots it once for a file of tests. It takes commands from its first
# virtio console, which is nestor's standard input, one a line, and answers on
# nestor's standard output with what the command said and its status: whoever
# has read the answer knows that the guest is done, and nothing here sleeps.
#
# A newline within a command goes as character 2.
#
# State: $BATS_FILE_TMPDIR/lab, whose files in, out and ended are FIFOs.

lab=$BATS_FILE_TMPDIR/lab
# For emulation on a busy machine: it only ends what would hang.
patience=150
# For lab_start: PATH=FILE for the guest to find, and a command around nestor.
lab_files=() lab_wrapper=()

# What the guest runs. Raw, so that a command can be longer than a terminal's line.
obey='#!/bin/sh
stty raw -echo
echo "~0"
while read -r line && [ "$line" != quit ]; do
	line=$(printf %s "$line" | tr "\002" "\n")
	(eval "$line") </dev/null 2>&1
	echo "~$?"
done'

# lab_initrd - with obey, and each PATH=FILE of lab_files
lab_initrd()
{
	local pair
	mkdir -p "$lab/root/nestor"
	echo "$obey" >"$lab/root/nestor/run"
	chmod 755 "$lab"/root{,/nestor,/nestor/run}
	for pair in "${lab_files[@]}"; do
		install -Dm644 "${pair#*=}" "$lab/root/${pair%%=*}"
	done
	(cd "$lab/root" && find . | busybox cpio -o -H newc 2>/dev/null)
}

# lab_start ARG... - returns when the guest obeys
lab_start()
{
	mkdir -p "$lab"
	mkfifo "$lab/in" "$lab/out" "$lab/ended"
	lab_initrd >"$lab/run.cpio"
	printf '#!/bin/bash\necho $$ >%q\nexec %s 2>%q\n' "$lab/pid" \
		"$(printf '%q ' "$NESTOR" run -k "$GUEST/Image" \
			-i "$GUEST/initrd.cpio" -i "$lab/run.cpio" -m 256M \
			-p "quiet console=hvc0" --timeout 1200 "$@")" "$lab/log" >"$lab/start"
	chmod 755 "$lab/start"
	(
		status=0
		"${lab_wrapper[@]}" "$lab/start" 0<>"$lab/in" 1<>"$lab/out" ||
			status=$?
		echo $status >"$lab/ended"
	) &>/dev/null 3>&- &
	lab_answer >"$lab/boot" || {
		cat "$lab/boot"
		return 1
	}
}

# lab_answer - what the guest says up to a status, which it returns
lab_answer()
{
	local line from until=$((SECONDS + patience))
	exec {from}<>"$lab/out"
	while read -t $((until - SECONDS)) -r -u "$from" line; do
		line=${line%$'\r'}
		if [[ $line =~ ^(.*)~([0-9]+)$ ]]; then
			exec {from}>&-
			[[ ! ${BASH_REMATCH[1]} ]] || echo "${BASH_REMATCH[1]}"
			return "${BASH_REMATCH[2]}"
		fi
		echo "$line"
	done
	echo "the guest does not answer"
	cat "$lab/log"
	return 125
}

# guest COMMAND - in the guest's shell: its output and status
guest()
{
	guest_begin "$1"
	lab_answer
}

# guest_begin COMMAND - the host does something meanwhile, and then lab_answer
guest_begin()
{
	local to
	exec {to}<>"$lab/in"
	printf '%s\n' "${1//$'\n'/$'\2'}" >&"$to"
	exec {to}>&-
}

# lab_stop - the guest powers off, and nestor ends well
lab_stop()
{
	local status=none
	[[ -p $lab/in ]] || return 0
	guest_begin quit
	read -t "$patience" -r status <>"$lab/ended" || true
	[[ $status = 0 ]] || {
		echo "nestor ended with $status"
		cat "$lab/log"
		return 1
	}
}

lab_pid() { cat "$lab/pid"; }

# exits COUNTER - one of KVM's counters of this VM
exits() { cat /sys/kernel/debug/kvm/"$(lab_pid)"-*/"$1"; }

# exits_during COMMAND... - how many exits to user space its accesses cost
exits_during()
{
	local before
	before=$(exits mmio_exit_user)
	"$@" >/dev/null || return
	echo $(($(exits mmio_exit_user) - before))
}

# traced EXPRESSION COMMAND... - what strace -e sees of nestor meanwhile: $lab/trace
traced()
{
	local what=$1 line='' tracer said status=0
	shift
	rm -f "$lab/said"
	mkfifo "$lab/said"
	strace -f -e "$what" -o "$lab/trace" -p "$(lab_pid)" 2>"$lab/said" 3>&- &
	tracer=$!
	exec {said}<"$lab/said"
	# It says so when all threads are attached.
	read -t "$patience" -r -u "$said" line || true
	"$@" || status=$?
	kill -INT "$tracer"
	wait "$tracer" || true
	exec {said}<&-
	[[ $line = *attached* ]] && return $status
}

# listening FILE ADDRESS... - socat in the background, once it listens: $socat
listening()
{
	local line log
	rm -f socat.log
	mkfifo socat.log
	socat -d -d "$@" 2>socat.log 3>&- &
	socat=$!
	exec {log}<socat.log
	while read -t "$patience" -r -u "$log" line; do
		[[ $line != *listening* ]] || break
	done
	# The log is left open: socat goes on logging.
	[[ $line = *listening* ]]
}

# One sentence, status 2, from a nestor that had all but one thing right.
refused_device()
{
	local sentence=$1
	shift
	refused "$sentence" -k "$(payload off)" -m 64M "$@"
}

# unprivileged ARG... - nestor by root without root's powers
unprivileged()
{
	timeout 60 setpriv --bounding-set=-all --inh-caps=-all \
		"$(type -P "$NESTOR")" "$@" </dev/null
}

refused_unprivileged()
{
	local sentence=$1
	shift
	run --separate-stderr unprivileged run -k "$(payload off)" -m 64M "$@"
	echo "said ($status): $output$stderr"
	# shellcheck disable=SC2053 # a pattern
	[[ $status = 2 && ! $output && $stderr = "nestor: "$sentence ]]
}
