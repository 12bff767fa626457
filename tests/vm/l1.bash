# shellcheck shell=bash disable=SC2016
# SPDX-License-Identifier: MIT
#
# l1.bash - a stock kernel as guest hypervisor: its disk, what it runs, what it
# says; to be loaded after lib

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
kernel() { uname -r; dmesg | grep -E "kvm \[1\]|CPU: All"; grep ITS-PCI-MSIX /proc/interrupts; }
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
