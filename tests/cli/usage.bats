#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Bad input on the command line: one sentence, status 2. Needs no /dev/kvm.

load ../vm/untraced
NESTOR=${NESTOR:-nestor}

# refused SENTENCE ARG... - status 2, SENTENCE on stderr, nothing on stdout
refused()
{
	local sentence=$1
	shift
	run --separate-stderr "$NESTOR" "$@"
	[ "$status" -eq 2 ] || return 1
	[ -z "$output" ] || return 1
	# shellcheck disable=SC2154 # set by run
	[ "$stderr" = "nestor: $sentence" ] || {
		echo "said: $stderr"
		return 1
	}
}

setup()
{
	bats_require_minimum_version 1.5.0
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "nestor alone prints its commands and ends with 2" {
	run --separate-stderr "$NESTOR"
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ $stderr = *"Usage: nestor COMMAND"* ]]
	[[ $stderr = *caps* ]]
}

@test "help is the same by command and by option" {
	for command in run caps version; do
		run -0 "$NESTOR" help $command
		[[ $output = "Usage: nestor $command"* ]]
		expected=$output
		run -0 "$NESTOR" $command --help
		[ "$output" = "$expected" ]
		run -0 "$NESTOR" $command -h
		[ "$output" = "$expected" ]
	done
	run -0 "$NESTOR" --help
	[[ $output = "Usage: nestor COMMAND"* ]]
}

@test "the version is the same by command and by option" {
	run -0 "$NESTOR" --version
	[[ $output =~ ^nestor\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	expected=$output
	run -0 "$NESTOR" version
	[ "${lines[0]}" = "$expected" ]
}

@test "an unknown command is refused with the nearest" {
	refused "unknown command 'rum': did you mean 'run'?" rum
	refused "unknown command 'launch': see 'nestor help'" launch
	refused "unknown command 'cap': did you mean 'caps'?" help cap
}

@test "options before the command are refused" {
	refused "option -k comes before any command: try 'nestor run -k'" -k x
}

@test "commands without such options refuse them" {
	refused "unknown option --jsn: did you mean --json?" \
		caps --jsn
	refused "version does not take 'x': see 'nestor help version'" \
		version x
	refused "help explains one command at a time, not 'caps'" \
		help run caps
}

@test "run without a kernel is refused" {
	refused "no kernel given: use --kernel FILE, or --firmware FILE" run
}

@test "unknown options are refused with the nearest" {
	refused "unknown option --kernal: did you mean --kernel?" \
		run --kernal x
	refused "unknown option --no-rgn: did you mean --no-rng?" \
		run -k x --no-rgn
	refused "unknown option -x: see 'nestor help run'" run -vx
}

@test "a missing value is refused" {
	refused "--kernel needs a value: --kernel FILE" run --kernel
	refused "--kernel '': empty; give FILE" run --kernel=
}

@test "stray arguments are refused" {
	refused "stray argument 'vmlinuz': if it is the kernel, use --kernel \
vmlinuz" run vmlinuz
}

@test "a disk with an unknown flag is refused" {
	refused "--disk disk.img,foo: unknown flag 'foo'; use ro, \
serial=TEXT, transport=KIND or slot=N" run -k x --disk disk.img,foo
	refused "--disk disk.img,transport=usb: transport=usb: not \
one of pci, mmio" run -k x --disk disk.img,transport=usb
}

@test "numbers out of range are refused" {
	refused "--cpus 0: not in the range 1 to 512" run -k x --cpus 0
	refused "-c -1: not a whole number" run -k x -c -1
	refused "-m 16M: less than the minimum of 32M" run -k x -m 16M
	refused "-m 1GB: unknown unit 'GB'; use K, M, G or T" run -k x -m 1GB
	refused "--timeout 1s: not a whole number" run -k x --timeout 1s
}

@test "a flag with a value but on and off is refused" {
	refused "--rng=no: a flag is on or off; use --rng or --no-rng" \
		run -k x --rng=no
}

@test "a mistake in a configuration file names the file and the line" {
	printf 'kernel = x\n\ncpuss = 2\n' >vm.conf
	refused "vm.conf:3: unknown key 'cpuss': did you mean 'cpus'?" \
		run --config vm.conf
	refused "--config none.conf: No such file or directory; check the path" \
		run --config none.conf
	refused "--config .: Is a directory; give a file" run --config .
}

@test "the dumped configuration reads back the same" {
	run -0 "$NESTOR" run -k Image -c 2 -m 2G -d a,ro -n tap=vm0 \
		-p 'root=/dev/vda quiet' --no-reboot --dump-config
	[[ $output = *"kernel = $PWD/Image"* ]]
	[[ $output = *"memory = 2048M"* ]]
	expected=$output
	mkdir sub
	echo "$output" >sub/vm.conf
	run -0 "$NESTOR" run --config sub/vm.conf --dump-config
	[ "$output" = "$expected" ]
}

@test "options win over a configuration file, and lists grow" {
	mkdir sub
	printf 'cpus = 8\ndisk = a\n' >sub/vm.conf
	run -0 "$NESTOR" run -c 2 -d b --config sub/vm.conf --dump-config
	[[ $output = *"cpus = 2"* ]]
	[[ $output = *"disk = $PWD/sub/a"*"disk = $PWD/b"* ]]
}

@test "output that cannot be written is a failure" {
	run bash -c '"$0" help run >/dev/full' "$NESTOR"
	[ "$status" -eq 1 ]
	[[ $output = *"cannot write to standard output"* ]]
}

@test "caps prints one JSON object, with or without KVM" {
	run "$NESTOR" caps --json
	[ "$status" -eq 0 ] || [ "$status" -eq 1 ]
	jq -e '.kernel and (.kvm | has("present"))' <<<"$output"
}

@test "what bash completes is each command that help lists, with its options" {
	"$NESTOR" completion bash >script
	run -0 bash -c '. ./script; _nestor_options ""'
	expected=$("$NESTOR" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | paste -sd ' ')
	[ "$output" = "$expected --help --version" ]
	run -0 bash -c '. ./script; _nestor_options ls'
	[[ $output = *--json*--help ]]
	refused "completion is for one shell: give bash or zsh" completion fish
}
