#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# Other hypervisors as L1, as their makers ship them: Xen with a Linux dom0, and
# pKVM with nestor and a VM in it. Each boots once, in setup_file, on one vCPU.
#
# What costs time at L2 is exits of L2 to L1, each some exits to L0. So the
# scripts start no process that they can do without, and Xen is told to say
# little and to leave the one runnable vCPU alone: by default credit2 looks
# again every few milliseconds, which is 56,000 trapped register accesses
# until dom0 is off, against 7,500.

load lib
load session

# Output and status of an L1 called NAME into NAME.out and NAME.status. When it asks
# to, somebody types.
l1()
{
	local name=$1 line
	shift
	mkfifo keys
	exec 8<>keys
	timeout 390 "$NESTOR" run "$@" <keys 2>&1 | while IFS= read -r line || [[ $line ]]; do
		echo "$line"
		[[ $line != "type now"* ]] || echo go >&8
	done >"$name.out"
	echo "${PIPESTATUS[0]}" >"$name.status"
	exec 8>&-
	rm keys
}

# The header of an arm64 kernel, a page long, which a payload follows where it is linked
# to (Documentation/arch/arm64/booting.rst): one that jumps over itself.
header()
{
	printf '\0\4\0\x14\0\0\0\0\0\xf0\7\0\0\0\0\0\0\0\x10\0\0\0\0\0'
	head -c 32 /dev/zero
	printf 'ARM\x64'
	head -c 4036 /dev/zero
}

xen()
{
	{ header && cat "$(payload off)"; } >one
	{
		cat "$GUEST/initrd.cpio" "$XEN/xl.cpio"
		echo one | busybox cpio -o -H newc 2>/dev/null
		initrd '
			echo "== dom0"
			for f in /sys/hypervisor/type /sys/hypervisor/uuid \
				/sys/hypervisor/version/* /proc/cmdline /dev/vda; do
				read -r line <$f
				echo "${f##*/}: $line"
			done
			echo "type now"
			read -r line
			echo "heard: $line"
			echo "=="
			echo "== domU"
			mount -t xenfs xenfs /proc/xen
			mkdir /dev/pts
			mount -t devpts devpts /dev/pts
			/xen/xenstored && /xen/xen-init-dom0 && /xen/xenconsoled
			printf "name=\"%s\"\nkernel=\"%s\"\nmemory=16\n" one /one >cfg
			/xen/xl create -F cfg
			echo "status $?"
			echo "=="'
	} >dom0.cpio
	echo "a disk of the machine" >disk
	truncate -s 1M disk
	l1 xen --nested=nvhe -m 1G -k "$GUEST/xen" --console serial -d disk \
		-p 'console=dtuart console_timestamps=none loglvl=error' \
		-p 'guest_loglvl=none bootscrub=0 dom0_mem=256M' \
		-p 'sched=credit sched_credit_tslice_ms=1000 vwfi=native' \
		--module "kernel=$GUEST/Image,$QUIET nosoftlockup said=a,,b" \
		--module ramdisk=dom0.cpio
}

pkvm()
{
	mkdir nestor
	cp "$NESTOR" "$PAYLOADS/smp.bin" "$PAYLOADS/pvm" nestor
	cat >nestor/run <<-'END'
		#!/bin/sh
		echo "== mode"; echo "release: $(uname -r)"; dmesg | grep "kvm.*initialized"; echo "=="
		echo "== caps"; nestor caps; echo "=="
		echo "== vm"
		nestor run -k /nestor/smp.bin -c 2 --console serial </dev/null
		echo "status $?"
		echo "=="
		echo "== protected"; /nestor/pvm; echo "status $?"; echo "=="
		echo "== nested"
		nestor run -k /nestor/smp.bin --nested </dev/null 2>&1
		echo "status $?"
		echo "=="
	END
	chmod 755 nestor/run
	find nestor | busybox cpio -o -H newc 2>/dev/null >l1.cpio
	l1 pkvm --nested=nvhe -m 512M -k "$GUEST/Image" --console virtio \
		-i "$GUEST/initrd.cpio" -i l1.cpio \
		-p "$QUIET nosoftlockup kvm-arm.mode=protected"
}

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	xen
	pkvm
}

# look FILE SECTION - what it said there, into $output
look()
{
	output=$(section "$2" "$BATS_FILE_TMPDIR/$1.out")
	echo "$1 said:"
	cat "$BATS_FILE_TMPDIR/$1.out"
}

@test "unmodified Xen boots a stock kernel as dom0, to its user space" {
	look xen dom0
	says "type: xen" "uuid: 00000000-0000-0000-0000-000000000000"
}

@test "what is typed to Xen reaches dom0" {
	look xen dom0
	says "heard: go"
}

@test "dom0 has the arguments of its module, and Xen its own" {
	look xen dom0
	says "cmdline: $QUIET nosoftlockup said=a,b"
	[[ $output != *dom0_mem* ]]
}

@test "dom0 reads a disk of the machine, by interrupts that Xen hands on" {
	look xen dom0
	says "vda: a disk of the machine"
}

@test "dom0 makes a domU by xl, and hears of its power-off" {
	local version
	look xen dom0
	version=$(sed -nE 's/^(major|minor): //p' <<<"$output" | paste -sd.)
	look xen domU
	says "Domain 1 has shut down, reason code 0 " "status 0"
	seen Xen "$version" "at EL2 without VHE; Linux as its dom0, a payload as a domU"
}

@test "dom0's power-off is the VM's" {
	look xen dom0
	[[ $(<"$BATS_FILE_TMPDIR/xen.status") = 0 ]]
}

# Its console is slow: that it runs, Xen tells by what it says of its GIC.
@test "without a dom0, Xen starts a kernel of its own from --domain" {
	vm_start --nested -m 512M -k "$GUEST/xen" --console serial \
		-p 'console=dtuart console_timestamps=none bootscrub=0' \
		-p 'sched=credit sched_credit_tslice_ms=1000' \
		--domain "one=$GUEST/Image,ramdisk=$GUEST/initrd.cpio,params=console=ttyAMA0 quiet,memory=192M"
	vm_says "LOADING DOMU cpus=1 memory=0x30000KB"
	vm_says "Loading d1 kernel from boot module"
	vm_says "Loading d1 initrd from"
	vm_says "d1v0: "
	session_over
}

@test "pKVM takes the EL2 of a guest, and powers off" {
	look pkvm mode
	says "Protected nVHE mode initialized successfully"
	seen "Linux as pKVM" "$(sed -n 's/^release: //p' <<<"$output")" "at EL2; its guest a payload"
	[[ $(<"$BATS_FILE_TMPDIR/pkvm.status") = 0 ]]
}

@test "under pKVM, nestor runs a VM of two vCPUs" {
	look pkvm vm
	says "PASS 2 vCPUs up" "status 0"
}

@test "under pKVM, a protected VM runs" {
	look pkvm protected
	says "a protected VM has run, and powered itself off" "status 0"
}

@test "under pKVM there is no EL2 for guests, and nestor says why" {
	look pkvm caps
	says "no: the host is booted with kvm-arm.mode=protected"
	look pkvm nested
	says "nestor: --nested: the host is booted with kvm-arm.mode=protected: boot it with kvm-arm.mode=nested" \
		"status 2"
}
