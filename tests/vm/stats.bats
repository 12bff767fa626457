#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2030,SC2031,SC2154 # lib.bash sets vm_pid, for a test
#
# What KVM counts of a VM, and nestor shows: the exit counter for guests,
# --stats and SIGUSR1 for people and programs.

load lib

nested() { [[ $(cap .features.el2.present) = true ]] || skip "no EL2 here"; }

# el2 REGISTER FIELD FILE - of vCPU 0
el2()
{
	jq -r --arg name "$1" '.vcpus[0].el2.registers[] | select(.name == $name) | .'"$2" \
		"$3"
}

# vm_shows START... - a line of the VM's begins so, then one so, and so on. By
# lines, as a table is long for vm_says.
vm_shows()
{
	local start line
	for start; do
		line=
		while [[ $line != "$start"* ]]; do
			IFS= read -r -t 120 -u 7 line || {
				echo "no line begins with '$start'"
				return 1
			}
			echo "$line" >>shown
		done
	done
}

@test "a guest reads how many exits its operations cost" {
	run -0 nestor run -k "$(payload exits)" --exit-counter
	says "PASS nothing 0, hypercall 1, UART read 1, three 3"
}

@test "so it does where there are vCPUs that are off" {
	run -0 nestor run -k "$(payload exits)" --exit-counter -c 8
	says "PASS nothing 0, hypercall 1, UART read 1, three 3"
}

@test "without --exit-counter there is none" {
	nestor run -k "$(payload off)" --dump-dtb without
	nestor run -k "$(payload off)" --exit-counter --dump-dtb with
	[[ $(fdtget without /exits@90e0000 compatible 2>&1) = *NOTFOUND* ]]
	[[ $(fdtget with /exits@90e0000 compatible) = nestor,exit-counter ]]
	[[ $(fdtget -t x with /exits@90e0000 reg) = "0 90e0000 0 1000" ]]
	run -4 nestor run -k "$(payload exits)"
	says "FAIL halves"
}

@test "at the end --stats has the exits of each vCPU, by kind" {
	nestor run -k "$(payload mmio)" -c 2 --stats stats.json
	jq -e '(.vcpus | length) == 2 and (.vm | length) > 0' stats.json
	# The payload reads the UART 1000 times, and makes 1000 hypercalls.
	jq -e '.vcpus[0].stats | .mmio_exit_user > 1000 and .hvc_exit_stat > 1000 and
		.exits > .mmio_exit_user + .hvc_exit_stat' stats.json
	jq -e '.vcpus[1].stats.exits == 0 and (.vcpus[1] | has("el2") | not)' stats.json
}

@test "the table has the same numbers" {
	run -0 nestor run -k "$(payload mmio)" -c 2 --stats -
	[[ $output =~ vCPU\ +all\ +0\ +1$'\n' ]]
	awk '$1 == "exits" { ok = $2 > 2000 && $2 == $3 && $4 == 0 } END { exit !ok }' \
		<<<"$output"
	[[ $(wc -L <<<"$output") -lt 80 ]]
}

@test "however the VM ends, its statistics are written, whole" {
	mkdir dir
	echo old >dir/stats.json
	ln dir/stats.json kept
	vm_start -k "$(payload button)" --stats dir/stats.json
	vm_says "waiting for the button"
	kill -TERM "$vm_pid"
	vm_ends 143
	jq -e '.vcpus[0].stats.exits > 0' dir/stats.json
	# The name has got another file; nobody has written into the old one.
	[[ $(<kept) = old && $(ls dir) = stats.json ]]
	run -124 nestor run -k "$(payload park)" --timeout 1 --stats late.json
	jq -e '.vcpus[0].stats.exits > 0' late.json
}

@test "on SIGUSR1 a running VM is looked at, and goes on" {
	vm_start -k "$(payload button)" --stats -
	vm_shows "waiting for the button"
	kill -USR1 "$vm_pid"
	vm_shows "exits " VM "remote_tlb_flush "
	kill -USR1 "$vm_pid"
	vm_shows "exits " VM "remote_tlb_flush "
	kill -PWR "$vm_pid"
	vm_shows "PASS pressed and released"
	vm_ends 0
	grep -q '^exits ' rest
}

@test "SIGUSR1 without --stats shows the table on standard error" {
	vm_start -k "$(payload button)"
	vm_says "waiting for the button"
	kill -USR1 "$vm_pid"
	# Signals are taken in order of their numbers, this one last.
	kill -PWR "$vm_pid"
	vm_says "PASS pressed and released"
	wait "$vm_pid"
	vm_pid=
	grep -q '^exits ' err
}

@test "at the end of a guest with an EL2, its registers are there" {
	nested
	nestor run -k "$(payload el2_trap)" --nested=vhe --stats vhe.json
	jq -e '.vcpus[0].el2.current_el == 2' vhe.json
	# The payload's last step: SMC is trapped, L2 came back by HVC #0xffff.
	[[ $(el2 PSTATE meaning vhe.json) = EL2h ]]
	[[ $(el2 HCR_EL2 meaning vhe.json) = "FMO|IMO|TSC|RW|E2H" ]]
	[[ $(el2 ESR_EL2 meaning vhe.json) = "EC 0x16 HVC, ISS 0xffff" ]]
	[[ $(el2 VNCR_EL2 value vhe.json) = 0x0 ]]
	nestor run -k "$(payload el2_trap)" --nested=nvhe --stats nvhe.json
	[[ $(el2 HCR_EL2 meaning nvhe.json) = "FMO|IMO|TSC|RW" ]]
	[[ ! $(el2 VNCR_EL2 value nvhe.json) ]]
}

@test "SIGUSR1 shows what a hypervisor has set up for the L2 that runs" {
	local kind
	nested
	mkfifo in
	exec 8<>in
	for kind in vhe nvhe; do
		vm_start -k "$(payload el2_wait)" --nested=$kind --stats - --console serial
		vm_shows "L2 waits"
		kill -USR1 "$vm_pid"
		vm_shows "EL2 of vCPU 0, which is at EL1" HPFAR_EL2
		printf x >&8
		vm_shows "PASS L2 has read its character"
		vm_ends 0
		grep -Eq '^PSTATE .* EL1h' shown
		grep -Eq '^HCR_EL2 .* VM\|.*RW' shown
		grep -Eq '^VTTBR_EL2 +0x7[0-9a-f]+ +VMID 7, tables at 0x4' shown
	done
}

@test "a file that cannot be written is refused before anything runs" {
	mkdir dir
	mkfifo fifo
	refused "--stats: cannot write none/x: No such file or directory; the directory that it is to be in *" \
		-k "$(payload off)" --stats none/x
	refused "--stats: cannot write dir: Is a directory; give a file" -k "$(payload off)" --stats dir
	refused "--stats: fifo: is a FIFO; give a regular file, or - *" \
		-k "$(payload off)" --stats fifo
	[[ ! $(ls dir) ]]
}

@test "statistics that cannot be written at the end are a failure" {
	local status=0
	mkdir dir
	vm_start -k "$(payload button)" --stats dir/stats
	vm_says "waiting for the button"
	rm -r dir
	kill -PWR "$vm_pid"
	vm_says "PASS pressed and released"
	wait "$vm_pid" || status=$?
	vm_pid=
	[[ $status = 1 ]]
	grep -q '^nestor: --stats: cannot write .*dir/stats: ' err
}

# limited HOW LIMIT ARG... - nestor run, under a limit of open files
limited() { (ulimit "$1" "$2" && nestor run -m 64M -k "$(payload off)" "${@:3}"); }

@test "a soft limit of open files hides no vCPU, and a hard one is told before the guest runs" {
	run -0 limited -Sn 116 -c 64 --stats s.json
	[[ $(jq '[.vcpus[].stats.exits] | length' s.json) = 64 ]]
	run ! jq -e '.vcpus[] | select(.stats.exits == null)' s.json
	run -2 limited -n 116 -c 64 --stats t.json
	says "--stats: KVM's statistics of 64 vCPUs take as many open files again, and nestor may have 116"
	[[ ! -e t.json ]]
}
