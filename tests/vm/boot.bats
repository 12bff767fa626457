#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # scripts for guests; lib.bash sets vm_pid
#
# The machine, as guests find it: processors, memory, time, power, on any
# generation of hardware.

load lib

# What one stock guest, that reboots itself once, has to say of its machine.
script='
mark=$(head -c 6 /dev/vda)
if [ "$mark" != second ]; then
	echo "== uname"; uname -srm; echo "=="
	echo "== cpus"; grep -c ^processor /proc/cpuinfo; echo "=="
	echo "== features"; grep -m1 ^Features /proc/cpuinfo; echo "=="
	echo "== now"; date +%s; echo "=="
	echo "== dmesg"; dmesg -r | grep -v "^<[56]>.*\(evm:\|HugeTLB\)"; echo "=="
	echo "== interrupts"; cat /proc/interrupts; echo "=="
	printf second >/dev/vda; sync
	reboot -f
fi
echo "== again"; grep -c ^processor /proc/cpuinfo; wc -c </dev/vda
dmesg -r | grep "^<[0-4]>" | grep -v "open an initial console"; echo "=="
'

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	truncate -s 1M disk
	date +%s >before
	echo 0 >stock.status
	linux "$script" -c 2 -m 512M -d disk >stock 2>stock.err ||
		echo $? >stock.status
	date +%s >after
}

stock() { section "$1" "$BATS_FILE_TMPDIR/stock"; }
stock_dmesg() { stock dmesg | grep -E "$1"; }

@test "a stock kernel boots to user space and powers off" {
	cat "$BATS_FILE_TMPDIR/stock" "$BATS_FILE_TMPDIR/stock.err"
	[[ $(<"$BATS_FILE_TMPDIR/stock.status") = 0 ]]
	[[ ! -s $BATS_FILE_TMPDIR/stock.err ]]
	[[ $(stock uname) = "Linux "*" aarch64" ]]
	seen "Linux, Debian's cloud flavour" "$(stock uname | cut -d' ' -f2)"
}

@test "the guest has the processors and the memory that were asked for" {
	[[ $(stock cpus) = 2 ]]
	stock_dmesg '/524288K available'
}

@test "a stock guest reboots in place, with its disk and without a complaint" {
	[[ $(stock again) = "2"$'\n'"1048576" ]]
}

@test "the kernel has no complaints about the machine" {
	# The one is about the initrd, which has no /dev/console.
	run -1 bash -c 'grep -E "^<[0-4]>" <<<"$1" | grep -v "open an initial console"' \
		- "$(stock dmesg)"
	run ! stock_dmesg 'OF: ERROR|Bad DT|irq: no irq domain|deferred probe|unknown parameter'
	stock_dmesg 'Kernel command line|psci: PSCIv1\.'
}

@test "the kernel finds UART, clock, GPIO controller, GIC and timer" {
	stock_dmesg '9000000\.pl011: ttyAMA0 '
	stock_dmesg 'rtc-pl031 9010000\.pl031: registered'
	stock_dmesg 'pl061_gpio 9030000\.pl061: .*registered'
	stock_dmesg 'arch_timer: cp15 timer'
	[[ $(stock interrupts) = *arch_timer*rtc-pl031* ]]
	if [[ $(cap .features.gicv3.present) = true ]]; then
		stock_dmesg 'GICv3: CPU1: found redistributor'
	else
		[[ $(stock interrupts) = *GIC-0*arch_timer* ]]
	fi
}

@test "performance counters are there if the host has them" {
	[[ $(cap .features.pmu.present) = "$(stock_dmesg 'armv8_pmuv3 PMU driver' >/dev/null &&
		echo true || echo false)" ]]
}

@test "SVE and pointer authentication are there if the host has them" {
	local features
	features=" $(stock features) "
	[[ $(cap .features.sve.present) = "$([[ $features = *' sve '* ]] && echo true || echo false)" ]]
	[[ $(cap .features.pauth.present) = "$([[ $features = *' paca '* ]] && echo true || echo false)" ]]
}

@test "the guest is told of stolen time" {
	[[ $(cap .features.pvtime.present) = true ]]
	stock_dmesg 'using stolen time PV'
}

@test "the guest's clock is right from the start" {
	stock_dmesg 'rtc-pl031 9010000\.pl031: setting system clock'
	(($(<"$BATS_FILE_TMPDIR/before") <= $(stock now) + 1))
	(($(stock now) <= $(<"$BATS_FILE_TMPDIR/after") + 1))
}

@test "the guest has randomness at once, and a random place" {
	stock_dmesg '^<[0-9]+>\[ +0\.0.*crng init done'
	stock_dmesg 'KASLR enabled'
}

@test "two boots have different seeds" {
	local i
	for i in 1 2; do
		nestor run -k "$(payload off)" --dump-dtb - | dtc -qI dtb -O dts |
			grep -E 'kaslr-seed|rng-seed' >seeds.$i
		[[ $(wc -l <seeds.$i) = 2 ]]
	done
	[[ ! $(comm -12 <(sort seeds.1) <(sort seeds.2)) ]]
}

@test "dtc has nothing to say about the tree of any machine" {
	local args
	truncate -s 1M disk a
	for args in "" "-c 8 -m 3G -d disk -d a,ro,serial=A --no-rng" \
		"--console none --no-pmu" "--console serial -p quiet" \
		"--port a=null --port b=null -m 32M"; do
		# shellcheck disable=SC2086 # a list of words
		nestor run -k "$(payload off)" $args --dump-dtb dtb
		run -0 dtc -I dtb -O dts -o dts dtb
		[[ ! $output ]] || { echo "$args: $output"; return 1; }
	done
}

@test "what programs for QEMU's board take for granted is here" {
	local size
	for size in 64M 1G; do
		run -0 nestor run -k "$(payload virt)" -c 2 -m $size
		says "PASS the tree is where QEMU's board has it, with 1 MiB" \
			"PASS half a MiB is added to the tree in place" \
			"PASS a CPU goes on and off by the tree's numbers" \
			"PASS the last of 256 SPIs arrives" \
			"PASS both banks of flash are erased, and can be programmed" \
			"PASS PL011, PL031 and PL061 are those of QEMU's board"
	done
}

@test "one processor and two power on and off" {
	for n in 1 2; do
		run -0 nestor run -k "$(payload smp)" -c $n
		says "PASS $n vCPUs up"
	done
}

@test "eight processors do, with any GIC" {
	run -0 nestor run -k "$(payload smp)" -c 8
	says "PASS 8 vCPUs up"
}

@test "a GICv3 has room for 130 processors, a GICv2 refuses the ninth" {
	if [[ $(cap .features.gicv3.present) = true ]]; then
		run -0 nestor run -k "$(payload smp)" -c 130
		says "PASS 130 vCPUs up"
	else
		refused "--cpus 9: *8*" -k "$(payload smp)" -c 9
	fi
}

@test "32 MiB are enough for a machine" {
	run -0 nestor run -k "$(payload smp)" -m 32M -c 2
	says "PASS 2 vCPUs up"
}

@test "a machine can have as much memory as addresses reach, and no more" {
	local bits max
	bits=$(cap .ipa_bits)
	# RAM starts at 1 GiB, and PCI has 2 GiB behind it. A quarter is enough to prove
	# the point: with pages of 16 KiB nestor itself has addresses of 47 bits.
	max=$(((1 << (bits - 20)) - 1024 - 2048))
	run -0 nestor run -k "$(payload off)" -m $((max / 4))M
	refused "--memory $((max + 1))M: *$bits bits*give at most --memory ${max}M" \
		-k "$(payload off)" -m $((max + 1))M
}

@test "a machine resets in place, as new, by both calls" {
	run -0 nestor run -k "$(payload reset)" -c 2
	says "boot 1" "boot 2" "boot 3" "PASS reset twice"
}

@test "with --no-reboot a reset ends nestor with status 3" {
	run -3 nestor run -k "$(payload reset)" --no-reboot
	says "boot 1"
	[[ $output != *"boot 2"* ]]
}

@test "a system is suspended by its last CPU only, and wakes up at the alarm" {
	run -0 nestor run -k "$(payload suspend)" -c 2
	says "PASS denied while another CPU is on" "PASS suspended until the alarm"
}

@test "SIGPWR presses the power button" {
	vm_start -k "$(payload button)"
	vm_says "waiting for the button"
	kill -PWR "$vm_pid"
	vm_says "PASS pressed and released"
	vm_ends 0
}
