# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# flood.bash - VMs whose guest asks for as much work as it can (guest/flood.c);
# to be loaded after lib and vms

# shellcheck disable=SC2034,SC2154 # used, and set, by who loads it

# The kinds of flood, by what makes the payload choose them.
FLOODS=("--transport mmio" "--transport pci" "--console serial" "-c 8" --balloon)

# flood STATUS ARG... - ${ending[@]} ends it, with STATUS; nobody reads what it says
flood()
{
	local status=$1 ended=0
	shift
	vm_start --runtime-dir vms --name a -m 256M -k "$(payload flood)" "$@"
	vm_says flooding
	cat <&7 >/dev/null 3>&- &
	"${ending[@]}"
	exec 7<&-
	wait "$vm_pid" || ended=$?
	vm_pid=
	((ended == status))
}
