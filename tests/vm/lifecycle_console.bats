#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The console of a VM for others than its terminal: nestor console, nestor logs.
#
# shellcheck disable=SC2154 # bats sets stderr; lib.bash vm_pid

load lib
load vms
load terminal

# typing ARG... - nestor console, with the input that the test gives it
typing() { timeout 60 "$NESTOR" console --runtime-dir vms "$@"; }

# talk ARG... - a part of a conversation with VM a
talk() { n console a "$@" --timeout 60; }

@test "a script converses over several calls, and misses and repeats nothing" {
	start a echo
	run -0 talk --expect '^listening$'
	[ "$output" = listening ]
	run -0 talk --send 'one\n' --expect 'o..<' --expect a
	[ "$output" = "one<a" ]
	# What comes between two calls is the next one's.
	talk --send 'two\nthree\n'
	run -0 talk --expect t.o --expect 't(h)ree'
	says two three
	run --separate-stderr -124 n console a --expect t.o --timeout 1
	[ "$stderr" = "nestor: --expect 't.o': not seen within 1 s; the last line was '<a>'" ]
	run -0 talk --json --send 'x\x03' --expect '<[0-9]>'
	jq -e '.result == "matched" and .text == "<3>" and .line == "x<3>"' <<<"$output"
	run --separate-stderr -1 talk --send q --expect never
	[ "$stderr" = "nestor: --expect 'never': the VM ended first; the last line was 'PASS heard a q'" ]
	run -1 talk --expect q
	[ "$output" = "nestor: a has ended (poweroff)" ]
}

@test "what cannot be expected or sent is refused before anything is done" {
	run -2 n console missing --expect '('
	says "nestor: --expect '(': "
	run -2 n console missing --send 'a\q'
	says "nestor: --send 'a\\q': "
	run -2 n console missing --timeout 1
	says "nestor: --timeout: is for --expect"
	run -2 n console a b
	says "nestor: console takes one VM, not 'b' too"
	run -2 n console missing --expect x
	[ "$output" = "nestor: no VM is called 'missing': see 'nestor ls'" ]
}

@test "any number read beside the VM's own terminal, and all type" {
	local i readers=()
	vm_start --runtime-dir vms --name a -m 32M -k "$(payload echo)"
	vm_says listening
	for i in 1 2; do
		n console --scrollback all a >"reader$i" &
		readers+=($!)
	done
	typing a <<<one >writer &
	readers+=($!)
	vm_says "one<a>"
	talk --send 'two\n' --expect 'two<a>'
	vm_says "two<a>"
	talk --send q
	# They end with the VM, each with all of it; so does one with input.
	vm_ends 0
	wait "${readers[@]}"
	for i in 1 2; do
		run cat "reader$i"
		says listening "one<a>" "two<a>" "PASS heard a q"
	done
	[[ $(<writer) = *"PASS heard a q"* ]]
}

@test "--no-follow sends its input, shows what is there, and detaches" {
	start a echo
	talk --expect listening
	typing --no-follow a <<<ab
	talk --expect 'ab<a>'
	[ "$(n console --scrollback 2 --no-follow a)" = $'listening\r\nab<a>\r' ]
	# Closed streams are no reason to take something else for them.
	[ "$(typing --scrollback 1 --no-follow a <&-)" = $'ab<a>\r' ]
}

# watch - nestor console a, on a terminal
watch()
{
	on_terminal "$NESTOR" console --runtime-dir vms a
	vm_says "Ctrl-a d detaches"
}

@test "on a terminal Ctrl-a d detaches, and it is restored however that ends" {
	start a echo
	talk --expect listening
	watch
	[[ $(stty -F "$(cat tty)" -a) = *" -icanon "*" -echo "* ]]
	printf 'hi\001a' >&8
	vm_says "hi<1>"
	printf '\001b' >&8
	vm_says "<break>"
	printf '\001h' >&8
	vm_says "Ctrl-a h"
	printf 'x\001dlost' >&8
	vm_says "detached]"
	term_ends 0
	talk --expect '<break>' --expect x
	# The VM goes on; the next time a signal ends it, then the VM's end.
	watch
	kill -TERM "$(<pid)"
	term_ends 143
	watch
	printf q >&8
	vm_says "the VM has ended]"
	term_ends 0
}

@test "logs show what a guest wrote, after kill -9 and after a panic too" {
	local time='^20..-..-..T..:..:..\....Z - '
	start a echo
	talk --expect listening --send 'a word\n' --expect 'word<a>'
	talk --send unfinished --expect unfinished
	# Which of an unfinished line is kept is a matter of time.
	until [[ $(n logs a) = *unfinished ]]; do :; done
	kill -KILL "$(n ls --json | jq '.[].pid')"
	run -137 n wait a
	run -0 n logs a
	[ "$output" = "listening"$'\n'"a<20>word<a>"$'\n'"unfinished" ] ||
		[ "$output" = "listening"$'\n'"a<20>"$'\n'"word<a>"$'\n'"unfinished" ]
	run -0 n logs --timestamps --tail 1 a
	[[ $output =~ ${time}unfinished$ ]]
	run -0 n logs --json a
	jq -se '.[0].text == "listening" and .[0].level == null' <<<"$output"
	n rm a
	start a panic
	run -4 n wait a
	run -0 n logs a
	[ "$output" = crashing ]
}

@test "logs --follow ends with the VM, and --log has the same in a file" {
	echo "from before" >file
	start a echo --log file
	n logs --follow a >followed &
	talk --expect listening --send q
	n wait a
	wait $!
	run -0 n logs a
	[ "$output" = "$(<followed)" ]
	# Each looks at the clock for itself.
	[ "$(head -n 1 file)" = "from before" ]
	[ "$(tail -n +2 file | cut -d' ' -f2-)" = "$(n logs -t a | cut -d' ' -f2-)" ]
	run -2 n run -k "$(payload off)" --log missing/file
	says "nestor: --log: cannot log the console to 'missing/file': No such"
}
