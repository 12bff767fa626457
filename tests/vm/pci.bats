#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# PCI Express on real KVM: what a stock kernel finds there and does with it, and
# interrupts by message, through an ITS or a GICv2m.

load lib

# What one stock guest, with a disk on PCI and one by MMIO, has to say; then it
# reads its disk while interrupts move from CPU to CPU, and takes a device apart
# and back.
script='
pci=/sys/bus/pci/devices
show() { for d in $pci/*; do echo "${d##*/0000:} x"; hexdump -v -C $d/config; done; }
irq_of() { sed -n "s/^ *\([0-9]*\):.*$1\$/\1/p" /proc/interrupts; }
count() { sed -n "s/^ *$1: *\([0-9]*\) *\([0-9]*\) .*/\1 \2/p" /proc/interrupts; }
echo "== complaints"; dmesg -r | grep "^<[0-4]>" | grep -v "initial console"; echo "=="
echo "== console"; dmesg | grep "console \[hvc0\] enabled"; ls /sys/module | grep -c virtio_console; echo "=="
echo "== hierarchy"; for d in $pci/*; do cat $d/resource; done | grep -v "^0x0000000000000000 "; echo "=="
echo "== config"; show; echo "=="
echo "== disks"; for d in vda vdb; do readlink -f /sys/block/$d; md5sum </dev/$d; done; echo "=="
insmod /nestor/virtio_rng.ko
rng=$(irq_of virtio2-input)
echo "== load"; echo "from $(count $rng)"
while [ ! -e /tmp/done ]; do
	echo 1 >/proc/irq/$rng/smp_affinity && echo 2 >/proc/irq/$rng/smp_affinity && echo moved
done >/tmp/moved &
dd if=/dev/hwrng of=/dev/null bs=64 count=500 2>&1 | grep out
>/tmp/done; wait; echo "moved $(wc -l </tmp/moved)"; echo "to $(count $rng)"; echo "=="
# The slots are the console, the disk and the entropy source.
echo "== again"; cat $pci/0000:00:03.0/reset_method
echo 0000:00:03.0 >/sys/bus/pci/drivers/virtio-pci/unbind
echo 1 >$pci/0000:00:03.0/reset && echo 1 >$pci/0000:00:03.0/remove && ls $pci | wc -l
echo 1 >/sys/bus/pci/rescan; head -c 16 /dev/hwrng | wc -c; echo "=="
'

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	head -c 262144 /dev/urandom >a
	head -c 262144 /dev/urandom >b
	mkdir -p extra/nestor && cp "$GUEST/virtio_rng.ko" extra/nestor
	(cd extra && find . | busybox cpio -o -H newc 2>/dev/null) >extra.cpio
	linux "$script" -c 2 -d a -d b,transport=mmio -i extra.cpio >said 2>err
	echo $? >status
}

said() { section "$1" "$BATS_FILE_TMPDIR/said"; }

# lspci_of SLOT - lspci -vv of the guest's configuration space
lspci_of()
{
	said config | sed -E 's/^00000?0?([0-9a-f]{2,3})  (.*)  \|.*/\1: \2/; s/  / /g' >dump
	lspci -F dump -vv -s "$1"
}

@test "the guest ends well, and nothing is complained of" {
	cat "$BATS_FILE_TMPDIR"/{said,err}
	[[ $(<"$BATS_FILE_TMPDIR/status") = 0 && ! -s $BATS_FILE_TMPDIR/err ]]
	[[ ! $(said complaints) ]]
}

@test "hvc0 is the console before there is user space, and its driver no module" {
	[[ $(said console) = *"console [hvc0] enabled"* ]]
	[[ $(said console) != *insmod* ]]
}

@test "32-bit BARs are in the window below RAM, 64-bit ones behind RAM" {
	run said hierarchy
	[[ $(grep -c '^0x000000001000' <<<"$output") = 3 ]]
	[[ $(grep -c '^0x000000010000' <<<"$output") = 3 ]]
	[[ $(wc -l <<<"$output") = 6 ]]
}

@test "lspci -vv reads well" {
	run -0 lspci_of 00.0
	says "Host bridge"
	run -0 lspci_of 02.0
	says "Virtio 1.0 block device (rev 01)" "Mem+ BusMaster+" \
		"MSI-X: Enable+ Count=2 Masked-" "Vector table: BAR=1 offset=00000000" \
		"PBA: BAR=1 offset=00000800" "VirtIO: CommonCfg" "VirtIO: ISR" \
		"VirtIO: DeviceCfg" "VirtIO: Notify" "multiplier=00000004" \
		"Express (v2) Root Complex Integrated Endpoint" "FLReset+" \
		"Region 1: Memory at 1000" "(32-bit, non-prefetchable)" \
		"Region 4: Memory at 1000" "(64-bit, prefetchable)"
	[[ $output != *"<?>"* && $output != *"Unknown header"* && $output != *"access denied"* ]]
}

@test "a disk on PCI and one by MMIO hold what they should" {
	run said disks
	says pci0000:00 a000000.virtio_mmio \
		"$(md5sum <"$BATS_FILE_TMPDIR/a")" "$(md5sum <"$BATS_FILE_TMPDIR/b")"
}

@test "an interrupt that moves between CPUs under load is not lost" {
	local a b c d
	run said load
	echo "$output"
	says "500+0 records out"
	(($(sed -n 's/^moved //p' <<<"$output") > 2))
	read -r _ a b <<<"$(grep ^from <<<"$output")"
	read -r _ c d <<<"$(grep ^to <<<"$output")"
	((c > a && d > b && c + d - a - b >= 500))
}

@test "a device is reset, removed, found again, and works" {
	[[ $(said again) = *flr*$'\n'3$'\n'16 ]]
}

@test "without messages the devices interrupt by pin" {
	run -0 linux 'cat /proc/interrupts; dd if=/dev/vda bs=4k count=8 | wc -c' \
		-d "$BATS_FILE_TMPDIR/a" -p pci=nomsi
	says virtio1 32768
	[[ $output != *MSI* ]]
}

@test "each message arrives: in a storm, masked, changed, with BARs on the move" {
	for n in 1 2; do
		run -0 nestor run -k "$(payload msi)" -m 64M -c $n --timeout 120
		says "PASS each request interrupts once" \
			"PASS what a mask holds back comes when it goes" \
			"PASS a changed vector is used at once" \
			"PASS a moved BAR works where it is" \
			"PASS a function that was reset starts again"
	done
	says "PASS a vector that changes all the time loses nothing"
}

@test "the PCI test device counts writes, and KVM's eventfds do" {
	run -0 nestor run -k "$(payload pci_testdev)" -m 64M --pci-testdev
	says "slot 0.0: 81b36" mmio-no-eventfd mmio-wildcard-eventfd \
		mmio-datamatch-eventfd "PASS 6 tests of the PCI test device" \
		"PASS no BAR answers while memory is off"
	# Also where nothing else is on PCI.
	run -0 nestor run -k "$(payload pci_testdev)" -m 64M --pci-testdev \
		--transport mmio
	says "PASS 6 tests of the PCI test device"
	run -4 nestor run -k "$(payload pci_testdev)" -m 64M
	says "FAIL there is no PCI test device"
}

@test "--transport mmio makes a machine without PCI" {
	truncate -s 1M disk
	run -0 nestor run -k "$(payload off)" -d disk --transport mmio --dump-dtb tree
	run -0 dtc -qI dtb -O dts tree
	[[ $output != *pcie@* && $output != *its@* && $output = *virtio_mmio@a000400* ]]
	nestor run -k "$(payload off)" -d disk --dump-dtb tree
	run -0 dtc -qI dtb -O dts tree
	[[ $output = *pcie@10000000* && $output != *virtio_mmio@* ]]
	run -4 nestor run -k "$(payload msi)" -m 64M --transport mmio
	says "FAIL there is no entropy source on PCI"
}

@test "--its=off makes a machine without an ITS, over MMIO or by pin" {
	truncate -s 1M disk
	nestor run -k "$(payload off)" -d disk --its=off --dump-dtb tree
	run -0 dtc -qI dtb -O dts tree
	# A GICv2 has none: its messages go by GICv2m.
	if [[ $(cap .features.gicv3.present) = false ]]; then
		[[ $output = *v2m@* && $output = *pcie@* ]]
		return
	fi
	[[ $output != *its@* && $output != *pcie@* && $output = *virtio_mmio@* ]]
	nestor run -k "$(payload off)" -d disk --its=off --transport pci --dump-dtb tree
	run -0 dtc -qI dtb -O dts tree
	[[ $output != *its@* && $output != *msi-map* && $output = *pcie@* ]]
	run -0 nestor run -k "$(payload requests)" -m 64M -d disk --its=off
	run -0 linux 'cat /proc/interrupts; dd if=/dev/vda bs=4k count=8 | wc -c' \
		-d "$BATS_FILE_TMPDIR/a" --its=off --transport pci
	says virtio1 32768
	[[ $output != *MSI* ]]
}

@test "configuration space of 256 buses is where QEMU's board has it" {
	head -c 65536 /dev/urandom >disk
	run -0 linux 'dmesg | grep -o "ECAM at.*"; md5sum </dev/vda' -d disk --ecam high
	says "ECAM at [mem 0x4010000000-0x401fffffff] for [bus 00-ff]" \
		"$(md5sum <disk | cut -d" " -f1)"
}

@test "more devices than there are slots are refused with a way out" {
	local args=()
	truncate -s 1M disk
	for ((n = 0; n < 30; n++)); do
		args+=(-d "disk,ro")
	done
	refused "30 disks and 0 networks: *31 virtio devices on PCI*transport=mmio" \
		-k "$(payload off)" "${args[@]}"
	refused "32 disks*32 others*transport=pci" -k "$(payload off)" "${args[@]}" \
		-d disk,ro --transport mmio -d disk,ro
	run -0 nestor run -k "$(payload off)" "${args[@]}" -d disk,ro,transport=mmio \
		--no-rng --console none
}
