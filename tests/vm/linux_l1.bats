#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# Linux as guest hypervisor: a stock kernel at EL2, with nestor in it, and what
# runs there. Needs root, for a loop device, and a host that has NV2.
#
# Of three kernels each has a tick, and each of L2's is dozens of traps to L0. An
# emulated host that is busy otherwise spends all its time on them, and L2 gets
# none: so tests/check gives this file a host whose clock counts instructions.

load lib

# What runs in L2: it changes its disk, reboots, finds the change, and goes on when
# it is told.
l2='
md5sum </dev/vda
if [ "$(head -c 6 /dev/vda)" != second ]; then
	dmesg | grep -o "CPU: All.*"
	dmesg | grep -o "console \[hvc0\] enabled"
	grep -c "ITS-PCI-MSIX.*virtio1-req" /proc/interrupts
	grep -c ^processor /proc/cpuinfo
	head -c 1048576 /dev/urandom >/dev/vda
	printf second >/dev/vda
	sync
	md5sum </dev/vda
	reboot -f
fi
echo ready
read -r word
echo "told $word"
md5sum </dev/vda
'

# What L1 scripts share. Everything L1 needs is on its read-only disk.
l1='
mkdir /mnt /tmp/work
mount -t ext4 -o ro /dev/vda /mnt
PATH=/mnt:$PATH
cd /tmp/work
part() { echo "== $1"; shift; "$@" 2>&1; echo "=="; }
payload() { f=$1; shift; nestor run -k "/mnt/guest/$f.bin" "$@"; echo "status $?"; }
linux() {
	nestor run -k /mnt/Image -i /mnt/initrd.cpio -i /mnt/l2.cpio -m 192M \
		-p "quiet console=hvc0" --timeout 60 "$@"
	echo "status $?"
}
kernel() { dmesg | grep -E "kvm \[1\]|CPU: All"; grep ITS-PCI-MSIX /proc/interrupts; }
# But for two that are no news: about the initrd, which has no /dev/console, and
# about kvm-arm.mode=nvhe, which takes VHE away where there is none.
warnings() {
	dmesg -r | grep "^<[0-4]>" |
		grep -vE "open an initial console|SYS_ID_AA64MMFR1_EL1\[11:8\]: already"
}
ready() {
	while read -r line; do
		echo "$line"
		[ "${line#ready}" = "$line" ] || break
	done
}
part kernel kernel
part caps nestor caps --json
'

# Linux in L2, twice one after the other, then one beside it. Fewer L2s boot at a
# time than L1 has vCPUs for: else they mostly spin for one another.
work='
linuxes() {
	head -c 1048576 /dev/urandom >a
	md5sum <a
	mkfifo in.a out.a in.b out.b
	linux -c 2 -d a <in.a >out.a 2>&1 &
	exec 5>in.a 7<out.a
	ready <&7
	cp a b
	linux -d b <in.b >out.b 2>&1 &
	exec 6>in.b 8<out.b
	ready <&8
	echo A >&5
	echo B >&6
	cat <&7
	cat <&8
	md5sum <a
}
part linuxes linuxes
part warnings warnings
'

# One L2, whose disk says that it need not reboot.
single='
one() {
	head -c 1048576 /dev/urandom >a
	printf second | dd of=a conv=notrunc 2>/dev/null
	md5sum <a
	mkfifo in out
	linux -c 2 -d a <in >out 2>&1 &
	exec 5>in 7<out
	ready <&7
	echo on >&5
	cat <&7
}
part linuxes one
part warnings warnings
'

# VM after VM, each with an end of its own.
ends='
statuses() {
	for p in off panic "reset --no-reboot" "smp -c 2" "park --timeout 1"; do
		payload $p
	done
	mkfifo out
	nestor run -k /mnt/guest/spin.bin >out & pid=$!
	read -r line <out
	kill -TERM $pid
	wait $pid
	echo "status $?"
}
part statuses statuses
'

recursion='
part l3 payload el2_trap --nested=vhe
part l3_nv payload el2_nv --nested=vhe
'

# Its disk: made by the kernel's ext4, which is faster than mke2fs -d.
l1_disk()
{
	mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 \
		-E lazy_itable_init=1,nodiscard l1.img 56M
	mkdir mnt
	mount -o loop l1.img mnt
	initrd "$l2" >mnt/l2.cpio
	cp "$GUEST/Image" "$GUEST/initrd.cpio" "$NESTOR" mnt
	mkdir mnt/guest
	cp "$PAYLOADS"/*.bin mnt/guest
	rm mnt/guest/*.break-*
	umount mnt
}

# boot NAME SCRIPT MODE ARG... - an L1: its output NAME, NAME.err, NAME.status
boot()
{
	local name=$1 script=$2 mode=$3 status=0
	shift 3
	initrd "$l1$script" >run.cpio
	timeout 600 "$NESTOR" run -k "$GUEST/Image" -i "$GUEST/initrd.cpio" \
		-i run.cpio -p "$QUIET kvm-arm.mode=$mode" -m 1G -d l1.img,ro \
		"$@" </dev/null >"$name" 2>"$name.err" || status=$?
	echo $status >"$name.status"
}

setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	l1_disk
	dmesg -C
	boot vhe "$ends$recursion$work" nested --nested=vhe -c 2
	boot nvhe "$single" nvhe --nested=nvhe -c 2
	boot depth 'part l3 payload el2_trap --nested=vhe' nested \
		--nested=vhe --nested-depth=1
	dmesg >l0.dmesg
}

l1_says() { section "$2" "$BATS_FILE_TMPDIR/$1"; }

# ended L1 - with status 0, by its power-off, and without a complaint
ended()
{
	cat "$BATS_FILE_TMPDIR/$1" "$BATS_FILE_TMPDIR/$1.err"
	[[ $(<"$BATS_FILE_TMPDIR/$1.status") = 0 && ! -s $BATS_FILE_TMPDIR/$1.err ]]
	[[ ! $(l1_says "$1" warnings) ]]
}

# linuxes_in L1 - what its L2s and it say, and what the disk is then and then
linuxes_in()
{
	l1_says "$1" linuxes | sed -E 's/^[0-9a-f]{32}  -$/sum/' | paste -sd' '
	l1_says "$1" linuxes | grep -E '^[0-9a-f]{32}  -$' >sums
}

# changed_in L1 - the first L2 read L1's disk, wrote it, rebooted, read it again
changed_in()
{
	run -0 linuxes_in "$1"
	[[ $output = "sum sum CPU: All CPU(s) started at EL1 console [hvc0] enabled 1 2 sum sum ready "* ]] || return
	mapfile -t sum <sums
	[[ ${sum[0]} = "${sum[1]}" && ${sum[1]} != "${sum[2]}" &&
		${sum[2]} = "${sum[3]}" && ${sum[2]} = "${sum[-1]}" ]]
}

# both_in L1 - while one is up, another one boots; they see the same, and power off
both_in()
{
	run -0 linuxes_in "$1"
	[[ $output = *" ready sum ready "*"told A sum status 0 "*"told B sum status 0 sum" ]] ||
		return
	[[ $(tail -n +3 sums | sort -u | wc -l) = 1 ]]
}

@test "a stock kernel runs as guest hypervisor with VHE, and can nest itself" {
	ended vhe
	run -0 l1_says vhe kernel
	says "started at EL2" "VHE+NV2 mode initialized" virtio1-req.0
	[[ $(l1_says vhe caps | jq .features.el2.present) = true ]]
}

@test "under a VHE kernel a stock L2 changes its disk and reboots in place" {
	changed_in vhe
}

@test "under a VHE kernel, VM after VM, nestor's statuses are right" {
	l1_says vhe statuses | tee said
	# Powered off, panicked, reset, powered off, expired, SIGTERM.
	[[ $(grep '^status' said | paste -sd' ') = \
		"status 0 status 4 status 3 status 0 status 124 status 143" ]]
	grep 'PASS 2 vCPUs up' said
}

@test "under a VHE kernel two stock kernels run at once, and power off" {
	both_in vhe
}

@test "three levels: a guest hypervisor in L2 of Linux runs its guest as L3" {
	local part
	for part in l3 l3_nv; do
		run -0 l1_says vhe $part
		says PASS "status 0"
		[[ $output != *FAIL* ]]
	done
}

@test "a stock kernel runs as guest hypervisor without VHE, and cannot nest itself" {
	ended nvhe
	run -0 l1_says nvhe kernel
	says "started at EL2" "Hyp nVHE mode initialized" virtio1-req.0
	[[ $(l1_says nvhe caps | jq .features.el2.present) = false ]]
}

@test "under an nVHE kernel a stock L2 runs with its disk, and powers off" {
	run -0 linuxes_in nvhe
	[[ $output = "sum sum ready "*"told on sum status 0" ]]
	[[ $(wc -l <sums) = 3 && $(sort -u sums | wc -l) = 1 ]]
}

@test "--nested-depth=1 keeps a guest hypervisor from nesting, and caps in it says why" {
	ended depth
	run -0 l1_says depth kernel
	says "started at EL2" "VHE mode initialized"
	[[ $output != *NV2* ]]
	run -0 bash -c 'jq -r "[.features.el2.present, .features.el2.reason] | @tsv" <<<"$1"' - \
		"$(l1_says depth caps)"
	says "false" "FEAT_NV2"
	[[ $(l1_says depth l3) = "nestor: --nested"*"FEAT_NV2"*"status 2" ]]
}

@test "the host's kernel has no complaint about any of it" {
	run ! grep -E 'WARNING|BUG|Call trace|rcu:|soft lockup' \
		"$BATS_FILE_TMPDIR/l0.dmesg"
}
