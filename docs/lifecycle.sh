#!/bin/bash
# SPDX-License-Identifier: MIT
#
# lifecycle.sh KERNEL INITRD... - the life of a VM in a CI job
#
# An example to start from, which nestor's own tests run as it stands. The guest
# comes up with a root shell on its console, as an initramfs with busybox does.
# Ends with 0 if what is tested there has passed, and the guest ended in order.
set -euo pipefail

initrds=()
for file in "${@:2}"; do
	initrds+=(--initrd "$file")
done

# Returns when the guest runs, or with the reason why it does not. Each way to
# end is a cause: a reset and a watchdog end it here, as a panic does anyway.
vm=$(nestor run --detach --kernel "$1" "${initrds[@]}" --params 'quiet console=hvc0' \
	--on-reset stop --timeout 300)
# Whatever happens from here on, nothing of it is left.
trap 'nestor rm --force "$vm"' EXIT

# It boots to its prompt; the test is to say what the console must show then.
nestor console "$vm" --timeout 120 --expect '# '
nestor console "$vm" --timeout 60 --send 'uname -m\n' --expect aarch64

# Asks the guest to power off, and judges it by how it ends.
nestor console "$vm" --send 'poweroff -f\n'
cause=$(nestor wait --timeout 60 --json "$vm" | jq -r .cause)
if [[ $cause != poweroff ]]; then
	echo "$vm ended by $cause; what it said:" >&2
	nestor logs "$vm" >&2
	exit 1
fi
