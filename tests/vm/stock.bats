#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# shellcheck disable=SC2016,SC2154 # keys for guests; bats and lib.bash set status and vm_pid
#
# What distributions ship boots as it is: kernels and firmware. Keys are typed and
# screens read as a person would; each boot takes the emulated host ten seconds
# or more, so one shows as much as it can. What takes minutes is in installed.bats.

load lib
load session

# UEFI's shell waits five seconds for a key before it runs the disk's script.
efi_disk()
{
	aavmf -d "$EFI/efi.img" "$@"
	vm_says "to continue."
	types ' '
}

@test "stock kernels of both flavours and suites have hvc0 without an initrd" {
	local kernel
	# The guests of other tests are of the cloud flavour, of backports.
	for kernel in "$STOCK"/{stable-cloud,backports-full}; do
		run -4 nestor run -k "$kernel" -p console=hvc0 -m 256M \
			--console virtio
		says "Unable to mount root fs"
		seen "Linux, Debian's ${kernel##*/}" \
			"$(grep -om1 '[0-9][0-9.]*+[^ ]*-arm64' <<<"$output")"
	done
}

@test "a UEFI program of a FAT disk sets a variable, which the next machine has" {
	efi_disk
	vm_says "the variable is set"
	vm_ends 0
	# And there the disk's script starts a kernel, by its EFI stub. What is typed
	# goes from the firmware's console to the kernel's, to the other, and back.
	cat >./more <<-'END'
		printf "here? "; read -r x; echo "here: $x"
		sh -c 'printf "there? "; read -r x; echo "there: $x"' \
			</dev/ttyAMA0 >/dev/ttyAMA0 2>&1
		printf "back? "; read -r x; echo "back: $x"
	END
	tar -cf more.tar more
	efi_disk -d more.tar
	vm_says "quiet console=hvc0"
	vm_says "firmware: 64 bits"
	vm_says "here? "
	types 'one\n'
	vm_says "here: one"
	vm_says "there? "
	types 'two\n'
	vm_says "there: two"
	vm_says "back? "
	types 'three\n'
	vm_says "back: three"
	vm_ends 0
}
