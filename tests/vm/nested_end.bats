#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# How a VM with an EL2 ends. To unmap one page of its memory, the host walks the
# whole shadow stage 2 of every vCPU, for seconds: so nestor leaves it alone. How
# long an end takes, tests/bench/end tells; tests do not time.

load lib

# traced STATUS ARG... - nestor run under strace, from begin to end: trace
traced()
{
	run "-$1" timeout 120 strace -f -o trace \
		-e trace=ioctl,munmap,madvise,mremap,mmap,clone,clone3,fork,vfork,exit_group \
		"$NESTOR" run "${@:2}" </dev/null
	echo "$output"
}

# Once a vCPU has run: nothing of guest memory is unmapped, given back or copied.
memory_is_left_alone()
{
	local base size line
	read -r base size < <(sed -nE '/memory_size=(0x)?(4000000|67108864)/{
		s/.*memory_size=([0-9a-fx]+), userspace_addr=(0x[0-9a-f]+).*/\2 \1/p;q}' trace)
	echo "RAM: ${base:?} ${size:?}"
	sed '1,/KVM_RUN/d' trace >after
	grep -q KVM_RUN after
	grep -q exit_group after
	run ! grep -E 'KVM_SET_USER_MEMORY_REGION|KVM_GET_DIRTY_LOG|fork\(' after
	run ! bash -c 'grep -E "clone3?\(" after | grep -v CLONE_VM'
	while IFS= read -r line; do
		[[ $line =~ (munmap|madvise|mremap)\((0x[0-9a-f]+) ]] || continue
		echo "$line"
		((BASH_REMATCH[2] + 0 < base || BASH_REMATCH[2] + 0 >= base + size))
	done <after
}

# With little said: each character is an exit, and traced.
@test "a nested VM's reset and power-off leave its memory alone, and its EL2 is new" {
	local kind
	for kind in vhe nvhe; do
		traced 0 --nested=$kind -m 64M -k "$(payload el2_reset)"
		says "PASS a hypervisor resets, and runs its L2 again"
		memory_is_left_alone
	done
}

@test "so does the end of one whose vCPUs all have had an L2" {
	traced 0 --nested=vhe -m 64M -c 2 -k "$(payload el2_smp)"
	says PASS
	memory_is_left_alone
}

@test "so does the end of one that nestor has to end while its L2 runs" {
	traced 124 --nested=vhe -m 64M -k "$(payload el2_wait)" --timeout 2
	memory_is_left_alone
}
