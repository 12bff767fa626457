# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# session.bash - a VM at whose console keys are typed, also those of a firmware;
# to be loaded after lib

# session ARG... - nestor run, whose console takes what is written to fd 8
session()
{
	[[ -p in ]] || mkfifo in
	exec 8<>in
	vm_start -m 512M "$@"
}

# types FORMAT - as printf takes it
types()
{
	# shellcheck disable=SC2059 # made for it
	printf "$1" >&8
}

# A guest that will not end by itself.
session_over()
{
	kill -TERM "$vm_pid"
	vm_ends 143
}

aavmf() { session --firmware "$FIRMWARE/AAVMF/AAVMF_CODE.fd" --vars vars "$@"; }

# How often EDK2 has started with these variables: it counts, in one named MTC.
starts()
{
	head -c 786432 "$1" | LC_ALL=C grep -aoP 'M\0T\0C\0\0\0[\s\S]{4}' |
		tail -c 5 | od -An -tu4 -N4 | tr -d ' '
}
