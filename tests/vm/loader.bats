#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for guests
#
# Kernels, initrds and trees in every format that there is, and broken in every
# way: row B1 of the hostile inputs.

load lib

# le NUMBER BYTES - little endian, on standard output
le()
{
	local i x s=
	for ((i = 0; i < $2; i++)); do
		printf -v x '\\x%02x' $(($1 >> 8 * i & 255))
		s+=$x
	done
	# shellcheck disable=SC2059 # made for it
	printf "$s"
}

zeros() { head -c "$1" /dev/zero; }

# image PAYLOAD [SIZE [OFFSET]] - a payload as an arm64 Image, which claims these
#
# Its header takes the page below the payload's address, and branches over it.
image()
{
	le 0x14000400 4
	le 0 4
	le "${3:-0x7f000}" 8
	le "${2:-0x200000}" 8
	le 0xa 8
	zeros 24
	printf 'ARM\x64'
	zeros 4036
	cat "$(payload "$1")"
}

# make_zboot TYPE FILE [CLAIMED] - an EFI zboot image around the compressed FILE
make_zboot()
{
	printf 'MZ\0\0zimg'
	le 64 4
	le "${3:-$(stat -c %s "$2")}" 4
	zeros 8
	{
		printf %s "$1"
		zeros 32
	} | head -c 32
	zeros 8
	cat "$2"
}

# A stock guest made of all that can be put together.
setup_file()
{
	cd "$BATS_FILE_TMPDIR" || return
	echo '/dts-v1/; /plugin/; &{/} { nestor-test { said = "applied"; }; };' |
		dtc -qO dtb -o overlay.dtbo
	zstd -q1 "$GUEST/Image" -o Image.zst
	make_zboot zstd Image.zst >zboot
	rm Image.zst
	initrd '
		grep -c ^processor /proc/cpuinfo
		cat /proc/device-tree/nestor-test/said; echo
		cat /proc/cmdline /third; echo end' >run.cpio
	mkdir third && echo concatenated >third/third
	(cd third && find . | busybox cpio -o -H newc 2>/dev/null | gzip) >third.cpio.gz
	nestor run -k zboot -c 2 -m 256M --dump-dtb dtb
	echo 0 >status
	nestor run -k zboot -i "$GUEST/initrd.cpio" -i run.cpio -i third.cpio.gz \
		--dtb dtb --dtb-overlay overlay.dtbo -c 2 -m 512M \
		-p "$QUIET" -p one -p two >guest 2>&1 || echo $? >status
	rm zboot
}

guest_says()
{
	local output
	output=$(<"$BATS_FILE_TMPDIR/guest")
	says "$@" end
	[[ $(<"$BATS_FILE_TMPDIR/status") = 0 ]]
}

@test "a stock kernel boots as an EFI zboot image, packed with zstd" {
	guest_says
}

@test "several initrds are one, whatever their lengths and compression" {
	guest_says concatenated
}

@test "parameters are joined in their order" {
	guest_says "$QUIET one two"
}

@test "a tree that was dumped boots the same machine, brought up to date" {
	guest_says 2
}

@test "an overlay's nodes reach the guest" {
	guest_says applied
}

# boots FILE - it is smp.bin in some disguise
boots()
{
	run -0 nestor run -k "$1" -c 2 -m 64M
	says "PASS 2 vCPUs up"
}

@test "an Image, and one packed by gzip or zstd, run" {
	image smp >Image
	boots Image
	gzip -k Image
	boots Image.gz
	zstd -q Image
	boots Image.zst
}

@test "EFI zboot images of gzip and zstd run" {
	image smp | gzip >gz
	make_zboot gzip gz >a
	boots a
	image smp | zstd -q >zst
	make_zboot zstd zst >b
	boots b
}

@test "a flat binary and an ELF executable run" {
	boots "$(payload smp)"
	boots "$PAYLOADS/smp.elf"
}

@test "an initrd may fill what kernel and tree leave" {
	truncate -s 50M big
	run -0 nestor run -k "$(payload smp)" -i big -m 64M
	image smp >Image
	run -0 nestor run -k Image -i big -m 64M
}

# each_refused OPTION ARG... - for files that cannot be any such thing
each_refused()
{
	local opt=$1
	shift
	mkdir -p dir
	mkfifo fifo
	: >empty
	refused "$opt none: cannot be opened (No such file or directory); *" \
		"$@" "$opt" none
	refused "$opt dir: is a directory; give a regular file" "$@" "$opt" dir
	refused "$opt fifo: is a FIFO; give a regular file" "$@" "$opt" fifo
	refused "$opt empty: is empty; *" "$@" "$opt" empty
	refused "$opt /dev/zero: is a character device; give a regular file" \
		"$@" "$opt" /dev/zero
}

@test "B1: a kernel that is missing, a directory, a FIFO, empty or a device is refused" {
	each_refused --kernel
}

@test "B1: an initrd that is missing, a directory, a FIFO, empty or a device is refused" {
	each_refused --initrd -k "$(payload off)"
}

@test "B1: a tree that is missing, a directory, a FIFO, empty or a device is refused" {
	each_refused --dtb -k "$(payload off)"
}

@test "B1: an overlay that is missing, a directory, a FIFO, empty or a device is refused" {
	each_refused --dtb-overlay -k "$(payload off)"
}

@test "B1: a truncated kernel is refused, in any format" {
	head -c 100 "$PAYLOADS/smp.elf" >elf
	refused "--kernel elf: is truncated*" -k elf
	image smp | gzip | head -c 300 >gz
	refused "--kernel gz: is truncated: its gzip data end early*" -k gz
	image smp | zstd -q | head -c 300 >zst
	refused "--kernel zst: is *" -k zst
	make_zboot gzip gz 100000 >zboot
	refused "--kernel zboot: is truncated or damaged*" -k zboot
	make_zboot gzip gz | head -c 40 >zboot
	refused "--kernel zboot: *" -k zboot
}

@test "B1: an Image that claims more than there is memory is refused" {
	image off $((1 << 40)) >Image
	refused "--kernel Image: does not fit into 512 MiB*give --memory *M" -k Image
	image off 0x200000 $((1 << 40)) >Image
	refused "--kernel Image: does not fit*" -k Image
	refused "--kernel */Image: does not fit into 32 MiB*" \
		-k "$GUEST/Image" -m 32M
}

@test "B1: an Image whose sizes wrap around is refused" {
	image off -1 >Image
	refused "--kernel Image: is damaged: its header asks for*" -k Image
	image off 0x200000 -4096 >Image
	refused "--kernel Image: is damaged: its header asks for*" -k Image
	image off $((1 << 62)) $((3 << 62)) >Image
	refused "--kernel Image: is damaged*" -k Image
}

@test "B1: an ELF file that lies about its segments is refused" {
	# e_phoff, e_phnum and e_entry; p_filesz and p_paddr of the first.
	local at value
	while read -r at value; do
		cp "$PAYLOADS/smp.elf" elf
		le "$value" 8 | dd of=elf bs=1 seek="$at" conv=notrunc status=none
		refused "--kernel elf: *" -k elf
	done <<-'END'
		32 -1
		32 0x7fffffffffffffff
		24 0
		96 -1
		88 0xffffffffffff0000
	END
}

@test "B1: a gzip or zstd bomb ends with a sentence, not with the host's memory" {
	{
		image off
		zeros 40M
	} >flat
	gzip -1 <flat >member
	cat member member member member >gz
	refused "--kernel gz: unpacks to more than *" -k gz -m 32M
	zstd -q1 <flat >zst
	refused "--kernel zst: unpacks to more than *" -k zst -m 32M
	make_zboot gzip gz >zboot
	refused "--kernel zboot: unpacks to more than *" -k zboot -m 32M
}

@test "B1: packed data that are damaged, or hold no kernel, are refused" {
	image smp | gzip >gz
	zeros 40 | dd of=gz bs=1 seek=200 conv=notrunc status=none
	refused "--kernel gz: is *" -k gz
	echo hello | gzip >gz
	refused "--kernel gz: holds what is text, not a kernel; *" -k gz
}

@test "B1: an initrd larger than memory is refused before it is read" {
	truncate -s 1T big
	refused "--initrd big: does not fit into 64 MiB*give --memory *M" \
		-k "$(payload off)" -i big -m 64M
	truncate -s 40M part
	refused "--initrd part: does not fit into 64 MiB beside the kernel and the other files*" \
		-k "$(payload off)" -i part -i part -m 64M
}

@test "B1: a module that is none, empty or too large, or that there is one of, is refused" {
	local off
	off=$(payload off)
	: >empty
	truncate -s 1T big
	refused "--module kernel none: cannot be opened (No such file or directory); *" \
		-k "$off" --module kernel=none
	refused "--module ramdisk empty: is empty; *" -k "$off" --module ramdisk=empty
	refused "--module kernel big: does not fit into 512 MiB*give --memory *M" \
		-k "$off" --module kernel=big
	refused "--module microcode=big: not of the form kernel=FILE or ramdisk=FILE*" \
		-k "$off" --module microcode=big
	refused "--module kernel=b: there is a kernel already, 'a'; *" \
		-k "$off" --module kernel=a --module kernel=b
	refused "--module kernel=a,b,c: 'c' follows the arguments after a comma; two commas stand for one*" \
		-k "$off" --module kernel=a,b,c
	refused "--initrd and --module ramdisk= are both given; *" \
		-k "$off" --module ramdisk=a -i b
}

@test "guests that a hypervisor starts by itself are in memory, and in the tree" {
	local file
	for file in kernel-1 disk-1 kernel-2 tree-2 kernel-0; do
		echo "$file" >"$file"
	done
	run -0 nestor run -k "$(payload domains)" -m 64M --console serial \
		--module kernel=kernel-0,quiet \
		--domain one=kernel-1,ramdisk=disk-1,params=a,,b,memory=64M,cpus=2 \
		--domain two=kernel-2,dtb=tree-2
	says "one: xen,domain, 65536 KiB, 2 CPUs" \
		"two: xen,domain, 131072 KiB, 1 CPUs" \
		"multiboot,kernel, 'quiet': kernel-0" \
		"multiboot,kernel, 'a,b': kernel-1" \
		"multiboot,ramdisk, '': disk-1" \
		"multiboot,kernel, '': kernel-2" \
		"multiboot,device-tree, '': tree-2"
}

@test "B1: a domain that cannot be is refused" {
	local off
	off=$(payload off)
	refused "--domain none: cannot be opened (No such file or directory); *" \
		-k "$off" --domain a=none
	refused "--domain ramdisk none: cannot be opened *" \
		-k "$off" --domain "a=$off,ramdisk=none"
	refused "--domain*a=b,cpus=0*" -k "$off" --domain a=b,cpus=0
	refused "*two domains named 'a'*" -k "$off" --domain a=b --domain a=c
	refused "--domain a: a firmware hands no domains over; leave --firmware out" \
		-k x --firmware x --domain a=b
}

@test "B1: a kernel that leaves no room for the tree is refused" {
	image off $((63 << 20)) 0 >Image
	refused "*64M*device tree*give --memory *M" -k Image -m 64M
}

@test "B1: a damaged, truncated or huge tree is refused" {
	nestor run -k "$(payload off)" --dump-dtb good
	head -c 1000 good >dtb
	refused "--dtb dtb: is truncated*" -k "$(payload off)" --dtb dtb
	cp good dtb
	printf '\xff\xff\xff\xff' | dd of=dtb bs=1 seek=8 conv=notrunc status=none
	refused "--dtb dtb: is *" -k "$(payload off)" --dtb dtb
	truncate -s 1G dtb
	refused "--dtb dtb: has 1073741824 bytes, and a device tree has no more than 2 MiB*" \
		-k "$(payload off)" --dtb dtb
	dtc -qI dtb -O dts -o dtb good
	refused "--dtb dtb: is device tree source; *" -k "$(payload off)" --dtb dtb
}

@test "B1: an overlay that is none, or fits nowhere, is refused" {
	nestor run -k "$(payload off)" --dump-dtb good
	refused "--dtb-overlay good: is no overlay*" \
		-k "$(payload off)" --dtb-overlay good
	echo '/dts-v1/; /plugin/; &nowhere { a; };' | dtc -qO dtb -o lost
	refused "--dtb-overlay lost: *" -k "$(payload off)" --dtb-overlay lost
}

@test "B1: no bad input leaves a process or a file behind" {
	: >empty
	refused "*" -k empty --dump-dtb out
	[[ ! -e out ]]
	run ! pgrep -x nestor
}
