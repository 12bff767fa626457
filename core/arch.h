/* SPDX-License-Identifier: MIT */
/*
 * The architecture, for code that knows none: core/, the device models, and
 * whoever only asks KVM something. arm64/ implements it. What a board needs of
 * it is in machine/arch.h.
 */
#pragma once

struct vcpu;
struct vm;

enum arch_next {
	ARCH_RUN,  /* enter the guest again */
	ARCH_PARK, /* an event has been posted: wait for the main thread */
};

/* Handle the exit in @v->run. On the vCPU's thread. */
enum arch_next arch_vcpu_exit(struct vcpu *v);

/* KVM_RUN itself failed with -@err: say why, post VM_FAILED or recover. */
enum arch_next arch_vcpu_error(struct vcpu *v, int err);

/*
 * arch_clean_to_memory() - let the guest see the word at @p, which we stored
 *
 * A guest that maps the page as Device memory reads past the caches, where our
 * store may still be. Any thread.
 */
void arch_clean_to_memory(const void *p);

/*
 * arch_scratch_vm() - a VM to ask something of, not to run: its descriptor
 *
 * The smallest there is, as the end of a VM takes time by its size. Or -errno.
 */
int arch_scratch_vm(int kvm_fd);

/*
 * arch_vm_stopped(), arch_vm_going_on() - all vCPUs are parked, and have just
 * stopped or are about to go on
 *
 * The time that a guest sees stands still between them. Either may come twice.
 * Main thread; the devices work on.
 */
void arch_vm_stopped(struct vm *vm);
void arch_vm_going_on(struct vm *vm);
