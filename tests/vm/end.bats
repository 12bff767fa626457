#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2154 # lib.bash sets vm_pid
#
# How a VM ends, and what it has of the host's memory until then; the same on any
# generation of hardware.

load lib

@test "a guest that reports a panic ends nestor with status 4" {
	run -4 nestor run -k "$(payload panic)"
	says "crashing"
}

@test "a panic of Linux is status 4, whether it would reboot or stay" {
	for p in "panic=-1 -c 1" "panic=0 -c 2" \
		"panic=0,console_msg_format=syslog,printk.caller=1 -c 1"; do
		# shellcheck disable=SC2086 # options
		run -4 nestor run -k "$GUEST/Image" --no-reboot --timeout 100 \
			-p "quiet console=ttyAMA0" -p "$(tr , ' ' <<<"${p%% *}")" ${p#* }
		says "Kernel panic - not syncing"
	done
}

# nestor looks on for five seconds after such words; the guest outlives that.
@test "the words of a panic that a program prints end nothing, and a reset is one" {
	run -3 linux 'echo "[    9.1] Kernel panic - not syncing: of another"
		echo "[    9.2] Memory Limit: none"
		echo "[    9.3] ---[ end Kernel panic - not syncing: of another ]---"
		sleep 6
		echo "still here"
		echo "[    9.1] Kernel panic - not syncing: of another"
		echo "[    9.2] Memory Limit: none"
		reboot -f' --no-reboot
	says "still here"
}

@test "a guest that hangs is reset by its watchdog, and finds out why" {
	run -0 --separate-stderr nestor run -k "$(payload watchdog)" --watchdog --timeout 60
	says "PASS a refresh gives a second" "PASS who is late is interrupted" \
		"PASS who hangs is reset"
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr = "nestor: the guest's watchdog has expired" ]]
	for n in 1 2; do
		run -4 nestor run -k "$(payload watchdog.break-$n)" --watchdog --timeout 60
		says FAIL
	done
}

@test "with --on-watchdog stop a guest that hangs ends nestor with status 6" {
	run -6 nestor run -k "$(payload watchdog)" --watchdog --on-watchdog stop --timeout 60
}

# What waits for the button goes on; it costs as long as the others take.
@test "--detect-halt ends who can never run again, and nobody else" {
	local pids=() status p name option value
	for p in "button --timeout 7" "park -c 1" "halt -c 5"; do
		read -r name option value <<<"$p"
		"$NESTOR" run -k "$(payload "$name")" "$option" "$value" --detect-halt \
			</dev/null >"$name.out" 2>&1 3>&- &
		pids+=($!)
	done
	run -4 --separate-stderr nestor run -k "$(payload halt)" -c 3 --detect-halt
	[[ $stderr = "nestor: the guest has halted for good" ]]
	for p in 124 4 4; do
		status=0
		wait "${pids[0]}" || status=$?
		((status == p))
		pids=("${pids[@]:1}")
	done
}

# Huge pages that nobody has taken or been promised.
huge_left()
{
	awk '/^HugePages_Free/ { n = $2 } /^HugePages_Rsvd/ { print n - $2 }' \
		/proc/meminfo
}

@test "--hugepages takes the guest's memory from the pool, and gives it back" {
	echo 40 >/proc/sys/vm/nr_hugepages
	before=$(huge_left)
	vm_start -k "$(payload button)" -m 64M --hugepages
	vm_says "waiting for the button"
	during=$(huge_left)
	kill -TERM "$vm_pid"
	vm_ends 143
	after=$(huge_left)
	echo 0 >/proc/sys/vm/nr_hugepages
	[[ "$before $during $after" = "40 8 40" ]]
}

@test "too few huge pages are refused with the way to more" {
	echo 4 >/proc/sys/vm/nr_hugepages
	refused "--hugepages*nr_hugepages*" -k "$(payload off)" -m 64M --hugepages
	echo 0 >/proc/sys/vm/nr_hugepages
}

@test "guest memory uses transparent huge pages where the host allows them" {
	local enabled=/sys/kernel/mm/transparent_hugepage/enabled was kb
	was=$(sed 's/.*\[\(.*\)\].*/\1/' $enabled)
	echo madvise >$enabled
	vm_start -k "$(payload button)" -m 256M
	vm_says "waiting for the button"
	kb=$(awk '/AnonHugePages/ { kb += $2 } END { print kb }' \
		"/proc/$vm_pid/smaps")
	echo "$was" >$enabled
	kill -TERM "$vm_pid"
	vm_ends 143
	((kb >= 2048))
}

@test "--timeout ends a guest that goes on, with status 124 and a sentence" {
	run -124 --separate-stderr nestor run -k "$(payload spin)" -c 2 --timeout 1
	# shellcheck disable=SC2154 # bats sets it
	[[ $stderr = "nestor: the guest still runs after 1 seconds; ending it" ]]
}

@test "a FIFO for a kernel is refused at once, and nothing is left" {
	mkfifo kernel
	mkdir -m 700 vms
	refused "*--kernel kernel: is a FIFO; give a regular file" \
		--runtime-dir "$PWD/vms" -k kernel -m 32M
	[ -z "$(ls -A vms)" ]
}

# signals TEXT ARG... - any ends nestor with 128 + n, once the guest says TEXT
signals()
{
	local sig
	for sig in TERM:143 INT:130 HUP:129 QUIT:131; do
		vm_start "${@:2}"
		vm_says "$1"
		kill "-${sig%:*}" "$vm_pid"
		vm_ends "${sig#*:}"
	done
}

@test "signals end nestor with 128 + n while all processors spin" {
	signals "4 spinning" -k "$(payload spin)" -c 4
}

@test "signals end nestor while all processors sleep" {
	signals "waiting for the button" -k "$(payload button)" -c 4
}

@test "signals end nestor while the system is suspended" {
	signals "parking" -k "$(payload park)" -c 2
}

@test "SIGTERM ends nestor while Linux boots" {
	vm_start -k "$GUEST/Image" -p "earlycon console=ttyAMA0" -c 2
	vm_says "Booting Linux"
	kill -TERM "$vm_pid"
	vm_ends 143
}

@test "with nobody reading its output a guest still ends, by itself and by signal" {
	mkfifo full
	exec 8<>full
	run ! dd if=/dev/zero of=full bs=4096 count=1000 oflag=nonblock
	run -0 timeout 60 "$NESTOR" run -k "$(payload smp)" -c 2 </dev/null >full
	run -4 timeout 60 "$NESTOR" run -k "$(payload panic)" </dev/null >full
	"$NESTOR" run -k "$(payload spin)" </dev/null >full 3>&- &
	vm_pid=$!
	kill -TERM $!
	status=0
	wait $! || status=$?
	vm_pid=
	exec 8>&-
	((status == 143))
}

@test "the memory of a VM that ends is free again, and no process is left" {
	run ! pgrep -x nestor
}
