#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # a script for the guest; lib.bash sets vm_pid
#
# nestor run, where there is KVM: configuration, what cannot be had, and that
# nothing stays behind. What needs no KVM is in tests/cli/usage.bats.

load lib

@test "a configuration file starts a machine, and options add to it" {
	mkdir conf
	cp "$(payload smp)" conf/payload
	printf '%s\n' '# a machine' 'kernel = payload' 'cpus = 3' 'memory = 64M' \
		>conf/vm.conf
	run -0 nestor run --config conf/vm.conf
	says "PASS 3 vCPUs up"
	run -0 nestor run --config conf/vm.conf -c 1
	says "PASS 1 vCPUs up"
}

@test "a dumped configuration starts the same machine" {
	truncate -s 1M disk
	nestor run -k "$(payload smp)" -c 2 -m 96M -d disk,ro,serial=A -p "a=b c" \
		--no-rng --port log=file:log --dump-config >vm.conf
	nestor run --config vm.conf --dump-config >again
	cmp vm.conf again
	nestor run --config vm.conf --dump-dtb a
	nestor run -k "$(payload smp)" -c 2 -m 96M -d disk,ro,serial=A -p "a=b c" \
		--no-rng --port log=file:log --dump-dtb b
	diff <(dtc -qI dtb -O dts a | grep -v seed) <(dtc -qI dtb -O dts b | grep -v seed)
	run -0 nestor run --config vm.conf
	says "PASS 2 vCPUs up"
}

@test "an unknown option or key is refused, with the nearest" {
	refused "unknown option --memroy: did you mean --memory?" \
		-k "$(payload off)" --memroy 1G
	printf 'kernel = x\nmemroy = 1G\n' >vm.conf
	refused "vm.conf:2: unknown key 'memroy': did you mean 'memory'?" \
		--config vm.conf
}

@test "a disk that cannot be used is refused by name" {
	mkfifo fifo
	refused "--disk none: *" -k "$(payload off)" -d none
	refused "--disk */: *" -k "$(payload off)" -d /tmp/
	refused "--disk fifo: *" -k "$(payload off)" -d fifo
}

@test "a disk that another VM writes to is refused, and free after its end" {
	truncate -s 1M disk
	vm_start -k "$(payload button)" -d disk
	vm_says "waiting for the button"
	refused "--disk disk: another process has this image open; *" \
		-k "$(payload off)" -d disk
	kill -TERM "$vm_pid"
	vm_ends 143
	run -0 nestor run -k "$(payload off)" -d disk
}

@test "a network or a port that cannot be had is refused by name" {
	refused "--network fd=77: *" -k "$(payload off)" -n fd=77
	refused "*tap=lo*" -k "$(payload off)" -n tap=lo
	refused "*none/log*" -k "$(payload off)" --port log=file:none/log
	refused "*none/s*" -k "$(payload off)" --port s=unix:none/s
}

@test "without /dev/kvm one sentence says what to look at, with status 1" {
	run -1 unshare -m bash -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 &&
		exec "$@"' - "$NESTOR" run -k "$(payload off)"
	[[ ${#lines[@]} = 1 ]]
	says "nestor: /dev/kvm is not there" "nestor caps"
}

@test "another user is told how to get at /dev/kvm" {
	cp "$(payload off)" payload
	cp "$(command -v "$NESTOR")" nestor
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$BATS_FILE_TMPDIR" . .. || true
	chmod 644 payload
	mode=$(stat -c %a /dev/kvm)
	chmod 600 /dev/kvm
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$PWD/nestor" run -k "$PWD/payload"
	chmod "$mode" /dev/kvm
	says "nestor: /dev/kvm: permission denied; join the group"
	[[ $status = 1 && ${#lines[@]} = 1 ]]
}

@test "a device that does not exist does not stop the guest, whatever it does" {
	run -0 nestor run -k "$(payload hostile)" -c 2
	says "PASS still here"
}

@test "P2: nor does any access that a guest can make end nestor, without devices" {
	run -0 nestor run -k "$(payload hostile)" --no-rng --console serial
	says "PASS still here"
}

@test "--debug speaks on standard error alone" {
	run -0 --separate-stderr nestor run -k "$(payload smp)" --debug
	[[ $output = "PASS 1 vCPUs up"$'\r' || $output = "PASS 1 vCPUs up" ]]
}

@test "two VMs run side by side" {
	vm_start -k "$(payload button)"
	vm_says "waiting for the button"
	run -0 nestor run -k "$(payload smp)" -c 2
	says "PASS 2 vCPUs up"
	kill -PWR "$vm_pid"
	vm_says "PASS pressed and released"
	vm_ends 0
}

@test "a unix port's socket is gone after the end" {
	vm_start -k "$(payload button)" --port s=unix:s
	vm_says "waiting for the button"
	[[ -S s ]]
	kill -TERM "$vm_pid"
	vm_ends 143
	[[ ! -e s ]]
}

@test "no process is left" {
	run ! pgrep -x nestor
}

@test "what is switched off, and what eight processors get, a stock guest shows" {
	echo "ID_AA64ISAR0_EL1.AES = 0" >no-aes.cpu
	run -0 linux '
		echo "cpus $(grep -c ^processor /proc/cpuinfo)"
		grep -m1 ^Features /proc/cpuinfo
		dmesg | grep armv8_pmuv3; [ ! -e /proc/device-tree/pmu ] || echo a pmu node; echo end' \
		-c 8 --no-pmu --no-sve --no-pauth --no-rng --cpu no-aes.cpu
	says "cpus 8" " sha2 " end
	[[ $output != *" aes"* && $output != *" sve"* && $output != *" paca"* &&
		$output != *armv8_pmuv3* && $output != *"a pmu node"* ]]
}
