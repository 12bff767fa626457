#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# VMs in the background: how they are started, seen, driven and judged.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # run sets output, lib.bash reads vm_pid

load lib
load vms

@test "run --detach returns when the guest runs, and what it prints names it" {
	run -0 n run --detach -m 32M -k "$(payload button)"
	[[ $output =~ ^[0-9a-f]{8}$ ]]
	[ "$(field "$output" state)" = running ]
	n rm -f "$output"
	run -0 n run --detach --json --name a -m 32M -k "$(payload button)"
	pid=$(jq .pid <<<"$output")
	[ "$(jq -r .name <<<"$output")" = a ]
	[ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$NESTOR")" ]
	# Nothing of ours is held, or a pipe of ours would never end.
	[[ $(readlink /proc/"$pid"/fd/[012]) = "/dev/null
/dev/null
$PWD/vms/a/log" ]]
	[ "$(ps -o sid= -p "$pid")" -eq "$pid" ]
	n rm -f a
}

@test "a VM that is paused for longer than its watchdog has is not bitten, nor sees that time" {
	sees_no_pause
}

@test "with --clock=host a guest sees in its counters that it was paused" {
	start a watchdog_pause --clock=host --watchdog --on-watchdog ignore
	n console a --timeout 60 --expect serving
	n pause a
	run -124 n wait --timeout 6 a
	n resume a
	run -4 n wait a
	[[ $(n logs a) = *"FAIL in a pause of "*" seconds the virtual counter moved by "* ]]
}

@test "run --detach that fails says why, with its status, and leaves nothing" {
	run --separate-stderr n run --detach --name a -k missing
	[ "$status" -eq 2 ]
	[[ ! $output && $stderr = "nestor: "*missing* ]]
	[ -z "$(ls -A vms)" ]
}

@test "run --detach that cannot have its threads says so, and leaves nothing" {
	local group=/sys/fs/cgroup/few
	echo +pids >/sys/fs/cgroup/cgroup.subtree_control
	mkdir $group
	echo 8 >$group/pids.max
	run -2 bash -c "echo \$\$ >$group/cgroup.procs && exec \"\$@\"" - "$NESTOR" run \
		--runtime-dir vms --detach --name a -m 32M -c 16 -k "$(payload button)"
	says "starting the vCPUs: Resource temporarily unavailable; raise the limit on processes (ulimit -u, a cgroup's pids.max)"
	[[ ! $(ls -A vms) ]]
	until rmdir $group; do :; done
}

@test "a VM is seen, paused, resumed, watched and stopped by its name" {
	start a button
	n pause a
	[ "$(field a state)" = paused ]
	run -0 timeout 20 "$NESTOR" wait --runtime-dir vms --for paused a
	run -124 n wait a --timeout 1
	[ "$output" = "nestor: a is not ended after 1 seconds" ]
	n resume a
	n wait --for running a
	run -0 n stat a
	says "a: running, up " "exits"
	run -0 n stat --json a
	jq -e '.process.rss > 0 and .stats == null and (.vcpus | length) == 1' <<<"$output"
	run -0 n inspect a
	says "memory = 32M" "name = a"
	run -0 n inspect --json a
	[ "$(jq -r .config.memory <<<"$output")" = 32M ]
	n stop a
	run -0 n wait --json a
	jq -e '.cause == "poweroff" and .status == 0 and .name == "a"' <<<"$output"
	[ "$(field a cause)" = poweroff ]
	# What it was is known as long as it is listed.
	n inspect a >conf
	run -1 n pause a
	[ "$output" = "nestor: a has ended (poweroff)" ]
	run -1 n events a
	n rm a
	run -2 n rm a
	[ "$output" = "nestor: no VM is called 'a': see 'nestor ls'" ]
	# ... and can be run again like that.
	n run --detach --config conf
	n rm -f a
}

# ends STATUS CAUSE - VM a did, and its status is wait's and ls's
ends()
{
	run "-$1" n wait --json a
	[ "$(jq -r .cause <<<"$output")" = "$2" ]
	[ "$(jq -r .status <<<"$output")" = "$1" ]
	[ "$(field a cause)" = "$2" ]
}

@test "each way to end has its name and status" {
	start a panic
	ends 4 panic
	start a reset --on-reset stop
	ends 3 reset
	start a button --timeout 1
	ends 124 timeout
	start a button
	n stop --now a
	ends 7 stopped
	start a park
	n stop --timeout 1 a
	ends 7 stopped
	jq -e '.detail | contains("power off")' <<<"$output"
	start a button
	kill -TERM "$(field a pid)"
	ends 143 signal
	jq -e '.detail == "SIGTERM"' <<<"$output"
	start a button
	kill -KILL "$(field a pid)"
	ends 137 killed
}

@test "a VM that is started paused is built, and runs no instruction until it is resumed" {
	run -0 n run --detach --paused --name a -m 32M -k "$(payload smp)"
	[ "$output" = a ]
	[ "$(field a state)" = ready ]
	n wait --for ready a
	[ "$(n stat --json a | jq '.vcpus[0].stats.exits')" -eq 0 ]
	# A pause changes nothing, nor does a second one.
	n pause a
	n pause a
	[ "$(field a state)" = ready ]
	n resume a
	n wait a
	n logs a | grep -q .
	n rm a
	n run --detach --paused --name a -m 32M -k "$(payload smp)"
	n stop --now a
	ends 7 stopped
}

# newest IMAGE - of the requests that guest/laps.c has written, if it holds the
# last sixteen, each as a whole
newest()
{
	od -An -v -t u8 -w512 -N 1M "$1" | awk '{ print $1 }' | sort -n | uniq -c |
		awk '{ if ($1 != 128 || NR > 1 && $2 != last + 1) exit 1; last = $2 }
			END { if (NR != 16) exit 1; print last }'
}

@test "a copy of a paused guest's disk is consistent, and the disk stands still" {
	local i now last=0
	truncate -s 1M disk
	start a laps -d disk
	until n logs a | grep -q "written once"; do :; done
	for i in {1..3}; do
		n pause a
		cp disk copy
		n stat a >/dev/null
		cmp disk copy
		now=$(newest copy)
		((now > last))
		last=$now
		n resume a
	done
	n rm -f a
}

@test "an error of a disk is an event with its name, and is counted" {
	truncate -s 1M img
	n run --detach --paused --name a -m 64M -k "$(payload requests)" -d img --no-rng --timeout 60
	# Cut off under the guest's feet.
	truncate -s 0 img
	n events --json a >told &
	n resume a
	ends 4 panic
	wait $!
	jq -e 'select(.event == "device-error") | .device == "disk0" and .error == "EIO"' told
	[ "$(grep -c device-error told)" = 1 ]
	truncate -s 1M img
	n run --detach --name a -m 64M -k "$(payload button)" -d img
	n stat --json a | jq -e '.devices | map(.name) | contains(["disk0", "rng", "pl011"])'
	run -0 n stat a
	says "device" "disk0"
}

@test "policies: a guest is paused, restarted or left alone, and that is told" {
	start a panic --on-panic pause
	n wait --for paused a
	[ "$(field a reason)" = panic ]
	n stop a
	ends 4 panic
	start a panic --on-panic ignore
	grep -m 1 panic < <(n events a)
	[ "$(field a state)" = running ]
	n stop --now a
	ends 7 stopped
	start a reset --on-reset pause
	# Twice it asks; each time it waits for us.
	for i in 1 2; do
		n wait --for paused a
		[ "$(field a reason)" = reset ]
		n resume a
	done
	n wait a
	refused "*--on-reset ignore: a guest that resets cannot go on; give restart, stop or pause" \
		-k "$(payload reset)" --on-reset ignore
}

@test "a reboot in place keeps name, process, socket and listeners" {
	start a reset --on-reset pause
	before=$(field a pid)
	n events --json a >told &
	n wait --for paused a
	n resume a
	n wait --for paused a
	[ "$(field a pid)" = "$before" ]
	n resume a
	n wait a
	wait $!
	[ "$(jq -r .event told | grep -c restarted)" = 2 ]
	[ "$(tail -n 1 told | jq -r .cause)" = poweroff ]
}

@test "a killed VM is shown as such, and its name is free" {
	pid=$(start a button --json | jq .pid)
	kill -9 "$pid"
	run -137 n wait a
	[ "$(field a state)" = ended ]
	[ "$(field a cause)" = killed ]
	# Another process has its id now: this very shell.
	sed -i "s/\"pid\":$pid/\"pid\":$$/" vms/a/vm.json
	[ "$(field a state)" = ended ]
	n stop a
	start a button
	[ "$(field a state)" = running ]
	n rm -f a
	run -0 n rm --dead
}

@test "of eight that start at once under a name, one runs" {
	for i in 1 2 3 4 5 6 7 8; do
		start a button >out.$i 2>err.$i &
		pids[i]=$!
	done
	won=0
	for i in 1 2 3 4 5 6 7 8; do
		if wait "${pids[i]}"; then
			won=$((won + 1))
		else
			grep -q "a VM of this name runs already" err.$i
		fi
	done
	[ $won = 1 ]
	[ "$(n ls --json | jq length)" = 1 ]
	n rm -f a
}

@test "a foreground VM is listed too, and gone when it ends" {
	vm_start --runtime-dir vms --name fg -m 32M -k "$(payload button)"
	vm_says "waiting for the button"
	n wait --for running fg
	n stop --now fg
	vm_ends 7
	[ -z "$(ls -A vms)" ]
	vm_pid=
}

@test "names that are none, and directories that cannot be, are refused" {
	refused "*--name a/b: use letters, digits, '.', '_' and '-' in the name" \
		--name a/b -k "$(payload button)"
	refused "*use 1 to 64 characters in the name" --name "$(printf 'a%.0s' {1..300})" \
		-k "$(payload button)"
	run -2 n stop ../etc
	mkdir -m 755 open
	refused "--runtime-dir open: is open to others (mode 755); close it by 'chmod 700 open'" \
		--runtime-dir open -k "$(payload button)"
	ln -s vms link
	refused "--runtime-dir link: is no directory; a symbolic link is not followed" \
		--runtime-dir link -k "$(payload button)"
	refused "--runtime-dir no/where: cannot be made: No such file or directory; the directory that it is to be in *" \
		--runtime-dir no/where -k "$(payload button)"
	refused "--rm: is for a VM in the background; add --detach" \
		--rm -k "$(payload button)"
}

@test "a runtime directory that is full, read-only or gone harms no VM" {
	mkdir -m 700 full
	mount -t tmpfs -o size=64k,mode=700 none full
	nestor run --detach --runtime-dir full --name a -m 32M -k "$(payload button)"
	head -c 64k /dev/zero >full/a/fill || true
	refused "full: cannot register the VM there: No space left on device; make room *" \
		--runtime-dir full -k "$(payload button)"
	# How it ends has its room, full or not.
	nestor stop --now --runtime-dir full a
	run -7 nestor wait --json --runtime-dir full a
	[ "$(jq -r .cause <<<"$output")" = stopped ]
	nestor rm --runtime-dir full a
	umount full
	# The same directory, as one sees it who may not write.
	start a button
	mkdir ro
	mount --bind vms ro
	mount -o remount,bind,ro ro
	refused "ro: cannot register the VM there: Read-only file system; give a place *" \
		--runtime-dir ro -k "$(payload button)"
	run -0 nestor ls --runtime-dir ro
	says "a " running
	nestor stop --now --runtime-dir ro a
	run -7 nestor wait --runtime-dir ro a
	umount ro
	n rm a
	start a button
	pid=$(field a pid)
	rm -r vms/a
	run -0 n ls --json
	[ "$output" = "[]" ]
	[ -d "/proc/$pid" ]
	kill "$pid"
}

@test "a VM that is stuck holds up neither ls nor its end" {
	start a button
	start b button
	kill -STOP "$(field a pid)"
	[ "$(field a state)" = unresponsive ]
	[ "$(field b state)" = running ]
	run -0 n stop --now a
	run -137 n wait a
	n rm a
	n rm -f b
}

@test "nestor-ctl(7)'s examples are what the socket says" {
	start ci button
	sed -n 's/^> //p' "$BATS_TEST_DIRNAME/../../man/nestor-ctl.7" >ask
	sed -n 's/^< //p' "$BATS_TEST_DIRNAME/../../man/nestor-ctl.7" | jq -cS . >answers
	[ "$(wc -l <ask)" -gt 4 ]
	# Each when the one before is answered, as the manual shows it.
	coproc socat - UNIX-CONNECT:vms/ci/control.sock
	while IFS= read -r line; do
		echo "$line" >&"${COPROC[1]}"
		IFS= read -r -t 60 -u "${COPROC[0]}" answer
		jq -cS . <<<"$answer"
	done <ask >said
	diff answers said
	run -7 n wait ci
	n rm ci
}
