#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A guest that asks for as much work as it can does not make its VMM deaf. In a
# host whose clock counts instructions: 100 ms of CPU are 100 million of them.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # variables of flood.bash and lib.bash

load lib
load vms
load flood

# cpu - nanoseconds of CPU that the main loop has had
cpu()
{
	local ns rest
	read -r ns rest <"/proc/$vm_pid/task/$vm_pid/schedstat"
	echo "$ns"
}

# What it costs the loop until it has answered: all that the guest makes of work
# meanwhile is in it. Who asks comes first on the one CPU that there is, so that
# its own time is not.
answers() (
	local answer before used n
	coproc socat - UNIX-CONNECT:vms/a/control.sock 3>&-
	chrt -f -p 1 "$BASHPID"
	# shellcheck disable=SC2154 # of coproc
	chrt -f -p 1 "$COPROC_PID"
	for n in 0 1 2 3; do
		before=$(cpu)
		echo '{"command":"status"}' >&"${COPROC[1]}"
		IFS= read -r -t 60 -u "${COPROC[0]}" answer
		used=$(($(cpu) - before))
		[ "$(jq -r .result.state <<<"$answer")" = running ]
		echo "answered after $((used / 1000)) us of CPU"
		# The first is also socat's start.
		((n == 0 || used < 100000000))
	done
	kill -TERM "$vm_pid"
)

@test "Q15: under any flood, status is answered within 100 ms of CPU, and SIGTERM ends it" {
	ending=(answers)
	for kind in "${FLOODS[@]}"; do
		echo "$kind"
		# shellcheck disable=SC2086 # words
		flood 143 $kind
	done
}
