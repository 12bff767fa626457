#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016 # scripts for other shells
#
# What README.md and the manual say one can run, as it stands there, and typed at
# where somebody would. Only disks, networks and init are the tests' own. The file
# examples says which of them are run elsewhere.

load lib
load terminal

# The files that the examples name, and `nestor`, which adds an init that asks; it
# is quiet, as a PL011 is slow in an emulated host.
prepare()
{
	local kernel
	kernel=$(uname -r)
	mkdir -m 700 vms
	mkdir bin
	printf '%s\n' '#!/bin/bash' 'cmd=$1; shift' \
		'[[ $cmd != run ]] || set -- "$@" -p quiet -i "$GUEST/initrd.cpio" -i ask.cpio' \
		'exec "$NESTOR" "$cmd" --runtime-dir vms "$@"' >bin/nestor
	chmod 755 bin/nestor
	PATH=$PWD/bin:$PATH
	ln -s "$GUEST/Image" Image
	ln -s "$GUEST/Image" "vmlinuz-$kernel"
	initrd "$1" >ask.cpio
	: >"initrd.img-$kernel"
	: >initrd.gz
	: >initrd.cpio
	printf '\0' | tee initrd.gz initrd.cpio >"initrd.img-$kernel"
	truncate -s 1M root.img data.img
	"$NESTOR" caps --cpu >fleet.cpu
}

# typed_at PATTERN - of the examples that are typed at, with files of this directory
typed_at()
{
	sed -n "s|/tmp/vm.sock|vm.sock|; s|/boot/||g; s/^typed	//p" \
		"$BATS_TEST_DIRNAME/examples" | grep -e "$1"
}

# type_at COMMAND - as it stands in an example
type_at()
{
	echo "$1"
	on_terminal bash -c "$1"
	vm_says "ready? "
	types 'go\n'
	vm_says "heard: go"
	term_ends 0
}

# type_at_each N PATTERN - of the examples to be typed at, which are N
type_at_each()
{
	local command n=0
	prepare 'printf "ready? "; read -r x; echo "heard: $x"'
	while IFS= read -r command <&9; do
		type_at "$command"
		n=$((n + 1))
	done 9< <(typed_at "$2")
	((n == $1))
}

@test "each example of a Linux with its shell on a console is typed at" {
	type_at_each 6 'run -k'
}

@test "each example of a Linux that is a hypervisor is typed at" {
	type_at_each 2 'run --nested'
}

@test "the life in the background that README shows is as it shows it" {
	prepare 'while :; do printf "login: "; read -r x
		[ "$x" != root ] || printf "# "; done'
	sed -n 's/^    \$ \(nestor .*\)/\1/p' "$BATS_TEST_DIRNAME/../../README.md" |
		sed -n '/--name ci/,/rm ci/p' >life
	[[ $(wc -l <life) = 4 ]]
	# It would wait for half a minute: nobody serves the button here.
	sed -i 's/^nestor stop ci;/nestor stop --now ci;/' life
	run bash life
	says '{"name":"ci","state":"ended","cause":"stopped","status":7}'
}
