/* SPDX-License-Identifier: MIT */
/*
 * A protected VM under pKVM, by a Linux program without a libc: its memory is the
 * guest's alone, and no other than its type differs from any VM (Linux's
 * Documentation/virt/kvm/arm/pkvm.rst). The guest powers itself off. Says in a
 * line how that went, and ends with 0, or with the number of the step that failed.
 */
#include <linux/kvm.h>
#include <linux/mman.h>

#include "guest/command/sys.h"

#ifndef KVM_VM_TYPE_ARM_PROTECTED
#define KVM_VM_TYPE_ARM_PROTECTED (1ul << 31)
#endif
#define IPA_BITS 40ul
#define RAM	 0x40000000ul
#define RAM_SIZE 0x200000ul
#define REG_PC	 0x6030000000100040ull /* KVM_REG_ARM_CORE_REG(regs.pc) */

/* PSCI SYSTEM_OFF, by HVC. */
static const uint32_t code[] = { 0x52800100, 0x72b08000, 0xd4000002,
				 0x14000000 };

static void say(const char *s)
{
	SYS(write, 1, s, strlen(s));
}

__attribute__((noreturn)) static void leave(int status)
{
	for (;;)
		SYS(exit_group, status);
}

/* @r, unless it is an error; then the end. */
static long step(int n, long r)
{
	if (r < 0)
		leave(n);
	return r;
}

static void *map(long fd, size_t size)
{
	return (void *)step(
		1,
		SYS(mmap, 0, size, PROT_READ | PROT_WRITE,
		    fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0));
}

int main(void)
{
	const long kvm =
		step(2, SYS(openat, AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC));
	const long vm = step(3, SYS(ioctl, kvm, KVM_CREATE_VM,
				    KVM_VM_TYPE_ARM_PROTECTED | IPA_BITS));
	uint32_t *ram = map(-1, RAM_SIZE);
	const struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = RAM,
		.memory_size = RAM_SIZE,
		.userspace_addr = (uintptr_t)ram,
	};
	uint64_t pc = RAM;
	const struct kvm_one_reg reg = { .id = REG_PC, .addr = (uintptr_t)&pc };
	struct kvm_vcpu_init init = { 0 };
	struct kvm_run *run;
	long vcpu;

	memcpy(ram, code, sizeof(code));
	step(4, SYS(ioctl, vm, KVM_SET_USER_MEMORY_REGION, &slot));
	vcpu = step(5, SYS(ioctl, vm, KVM_CREATE_VCPU, 0));
	step(6, SYS(ioctl, vm, KVM_ARM_PREFERRED_TARGET, &init));
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	step(7, SYS(ioctl, vcpu, KVM_ARM_VCPU_INIT, &init));
	step(8, SYS(ioctl, vcpu, KVM_SET_ONE_REG, &reg));
	run = map(vcpu, step(9, SYS(ioctl, kvm, KVM_GET_VCPU_MMAP_SIZE, 0)));
	step(10, SYS(ioctl, vcpu, KVM_RUN, 0));
	if (run->exit_reason != KVM_EXIT_SYSTEM_EVENT ||
	    run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN)
		leave(11);
	say("a protected VM has run, and powered itself off\n");
	leave(0);
}

asm(".globl _start\n"
    "_start: mov x29, #0\n"
    "	bl main\n");
