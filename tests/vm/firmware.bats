#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts for guests; each test is a process; bats and lib.bash set them
#
# Flash and fw_cfg, as programs see them that begin in flash; the files that
# nestor keeps for them; and what a UEFI hands on.

load lib
load session

MIB64=67108864

# fill BYTE COUNT - so many bytes of that octal value
fill() { head -c "$2" /dev/zero | tr '\0' "\\$1"; }

size() { stat -c %s "$1"; }

@test "the flash holds the firmware and keeps what is programmed" {
	run -0 nestor run --firmware "$(payload flash)" --vars vars -m 64M -c 2
	says "PASS the first bank answers a CFI query, and holds this program" \
		"PASS the firmware cannot be overwritten" \
		"PASS the second bank is erased, programmed and verified" \
		"PASS another CPU reads the contents or the status, nothing else"
	[[ $(size vars) = "$MIB64" ]]
	# the last word of the block that the program has verified last
	[[ $(od -An -tx4 -j $((0x3fffc)) -N4 vars) = " 0003f3ff" ]]
}

@test "reads of flash cost no exit, and a program one a word and a few more" {
	run -0 nestor run --firmware "$(payload flash)" -m 64M --exit-counter
	says "exits: 256 reads 0, 32 words programmed 40, 1024 words 10" ", a block erased 6"
}

# The words in the order in which they were programmed, then erased ones.
check_rounds()
{
	od -An -v -w4 -tx4 -N 4096 "$1" | awk '
		$1 == "ffffffff" { erased++; next }
		erased { print "word", NR - 1, "before", NR - 2; bad = 1 }
		NR == 1 { round = substr($1, 1, 4) }
		$1 != sprintf("%s%04x", round, NR - 1) { print "word", NR - 1, "is", $1; bad = 1 }
		END { print "round", round, "words", NR - erased; exit bad || NR != 1024 }'
}

@test "killed in the middle of programming, the file is what a chip would hold" {
	local n
	for n in 1 2 3; do
		vm_start --firmware "$(payload flash_rounds)" --vars vars -m 64M
		vm_says "half of round $n"
		kill -9 "$vm_pid"
		wait "$vm_pid" || true
		vm_pid=
		exec 7<&-
		run -0 check_rounds vars
		[[ $output != *"words 0" ]]
	done
}

@test "variables that are not kept cost no memory and are gone afterwards" {
	run -0 nestor run --firmware "$(payload flash)" -m 64M -c 2
	says "PASS the second bank is erased"
	[[ $(ls) = "" ]]
}

@test "the file of variables is made from what lies beside the firmware" {
	cp "$(payload flash)" X_CODE.fd
	{ fill 252 1000 && fill 125 24; } >X_VARS.fd
	run -0 nestor run --firmware X_CODE.fd --vars vars -m 64M --dump-dtb tree
	[[ $(size vars) = "$MIB64" ]]
	cmp -n 1024 vars X_VARS.fd
	cmp -n 65536 <(tail -c +1025 vars) <(fill 377 65536)
	cmp <(tail -c 65536 vars) <(fill 377 65536)
	# and only once
	printf changed | dd of=vars conv=notrunc status=none
	nestor run --firmware X_CODE.fd --vars vars -m 64M --dump-dtb tree
	[[ $(head -c 7 vars) = changed ]]
	[[ $(stat -c %a vars) = "$(printf %o $((0666 & ~$(umask))))" ]]
	[[ $(echo *) = "X_CODE.fd X_VARS.fd tree vars" ]]
}

@test "a symbolic link to the variables is followed, also where nothing is yet" {
	mkdir there
	ln -s there/kept vars
	nestor run --firmware "$(payload flash)" --vars vars -m 64M --dump-dtb tree
	[[ -L vars && -f there/kept ]]
	ln -sf "$PWD/there/other" vars
	nestor run --firmware "$(payload flash)" --vars vars -m 64M --dump-dtb tree
	[[ -L vars && -f there/other ]]
}

@test "two machines do not have the same variables" {
	vm_start --firmware "$(payload flash_rounds)" --vars vars -m 64M
	vm_says "half of round 1"
	refused "--vars vars: another VM keeps its variables there; give each a file of its own" \
		--firmware "$(payload flash)" --vars vars
	kill -9 "$vm_pid"
	wait "$vm_pid" || true
	vm_pid=
}

@test "B1 a firmware that cannot be is refused" {
	mkdir dir
	: >empty
	truncate -s $((MIB64 + 1)) big
	refused "--firmware none: No such file or directory; check the path" --firmware none
	refused "--firmware dir: give a regular file" --firmware dir
	refused "--firmware empty: the file is empty; was it copied completely?" \
		--firmware empty
	refused "--firmware big: has 67108865 bytes, but a bank of flash only 64 MiB; give a smaller file" \
		--firmware big
	refused "--vars big: has 67108865 bytes, *" \
		--firmware "$(payload flash)" --vars big
	refused "--vars empty: the file is empty; remove it, and it is made anew" \
		--firmware "$(payload flash)" --vars empty
	refused "--vars dir/no/where: No such file or directory; the directory that it is to be in *" \
		--firmware "$(payload flash)" --vars dir/no/where
}

# auto COMMAND... - where nothing of the distribution's is installed but AAVMF
auto()
{
	unshare -m sh -c 'mount -t tmpfs none /usr/share && mkdir /usr/share/AAVMF &&
		[ ! -e code ] || cp code /usr/share/AAVMF/AAVMF_CODE.fd
		exec "$@"' - timeout 60 "$NESTOR" run --firmware auto "$@"
}

@test "auto is what the distribution has installed, or says what to install" {
	run -2 auto
	says "nestor: --firmware auto: no firmware is installed; install qemu-efi-aarch64 (Debian, Ubuntu)"
	cp "$(payload flash)" code
	run -0 auto -m 64M
	says "PASS the firmware cannot be overwritten"
}

@test "variables on what cannot be written are refused" {
	mkdir ro
	truncate -s 1M ro/vars
	mount -t tmpfs -o size=1M none ro
	truncate -s 64K ro/vars
	mount -o remount,ro ro
	run refused "--vars ro/vars: Read-only file system; the firmware must be able to write its variables" \
		--firmware "$(payload flash)" --vars ro/vars
	umount ro
	[[ $status = 0 ]]
}

@test "a full disk is an error of the program, which the guest sees" {
	mkdir small
	mount -t tmpfs -o size=65M small small
	nestor run --firmware "$(payload flash)" --vars small/vars -m 64M --dump-dtb tree
	fallocate -p -o 0 -l 1M small/vars
	fill 0 2097152 >small/rest || true
	run -4 nestor run --firmware "$(payload flash)" --vars small/vars -m 64M
	umount small
	says "FAIL"
}

@test "what is for a kernel is refused where there is none" {
	refused "--params is for a kernel, and the firmware finds its own; add --kernel, or leave it out" \
		--firmware "$(payload flash)" -p quiet
	refused "--initrd is for a kernel, *" --firmware "$(payload flash)" -i x
	refused "--vars x: there is no firmware whose variables it could keep; add --firmware" \
		-k x --vars x
	refused "--acpi on: without a firmware nothing hands the tables on; add --firmware, or leave it out" \
		-k x --acpi on
	refused "--module: a firmware hands no modules over; leave --firmware out" \
		-k x --firmware x --module ramdisk=x
	echo "no program" >flat
	refused "--kernel flat: is no EFI program, which a firmware wants; *" \
		--firmware "$(payload flash)" -k flat
}

@test "F1: fw_cfg has what it should, in order, and bounds what is asked for" {
	printf 'of the user' >file
	truncate -s 1M disk
	cp disk disk2
	run -0 nestor run -k "$(payload fw_cfg)" -m 64M -d disk -d disk2 \
		--fw-cfg opt/org.test/file=file --smbios serial=S3R1AL
	says "PASS signature and DMA" "PASS the directory is in order" \
		"PASS F1: selectors and lengths are bounded" \
		"bootorder (60): /pci@3f000000/scsi@2/disk@0,0./pci@3f000000/scsi@3/disk@0,0." \
		"etc/smbios/smbios-anchor (24): _SM3_" \
		"opt/org.test/file (11): of the user"
	run -0 nestor run -k "$(payload fw_cfg)" -m 64M -d disk --transport mmio
	says "bootorder (39): /virtio-mmio@000000000a000200/disk@0,0."
}

@test "a kernel is handed over by DMA, in an exit or two" {
	run -0 nestor run --firmware "$(payload fw_cfg)" -k "$GUEST/Image" -m 256M \
		--exit-counter
	says "kernel: $(size "$GUEST/Image") bytes, begins fa405a4d, in "
	[[ $output =~ "in "([0-9]+)" exits" ]]
	((BASH_REMATCH[1] <= 4))
}

@test "Debian's UEFI tries the disk, by PCI and without, and waits in its menu" {
	local t from=([1]="PciRoot(0x0)/Pci(0x1,0x0): Not Found" [2]="VenHw(837DCA9E-")
	truncate -s 1M disk
	for t in 1 2; do
		vm_start --firmware "$FIRMWARE/AAVMF/AAVMF_CODE.fd" --vars vars -d disk \
			--transport "$( ((t == 1)) && echo pci || echo mmio)" \
			--console serial -m 256M
		vm_says "UEFI firmware (version "
		vm_says " built at "
		seen "UEFI, Debian's AAVMF" "${vm_said% built at }"
		vm_says "${from[t]}"
		vm_says "Press any key to enter the Boot Manager Menu."
		kill -9 "$vm_pid"
		wait "$vm_pid" || true
		vm_pid=
		exec 7<&-
		[[ $(starts vars) = "$t" ]]
	done
}

@test "a firmware is handed no tables where the tree is the user's, or they are off" {
	files() { nestor run --firmware "$(payload fw_cfg)" -m 64M "$@"; }
	run -0 files
	says "etc/acpi/rsdp (36): RSD PTR " "etc/acpi/tables (" \
		"etc/table-loader ("
	run -0 files --acpi off
	[[ $output != *acpi* && $output != *table-loader* ]]
	nestor run --firmware "$(payload fw_cfg)" -m 64M --dump-dtb tree
	run -0 files --dtb tree
	[[ $output != *acpi* && $output != *table-loader* ]]
	run -0 files --dtb tree --acpi on
	says "etc/acpi/rsdp (36)"
}
