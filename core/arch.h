/* SPDX-License-Identifier: MIT */
/*
 * What those who know no architecture ask of the one that there is: core/, the
 * models, and whoever only asks KVM something. arm64/ answers. What a board asks
 * is in machine/arch.h.
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
 * Where it has the page as a device's, its reads may go past the caches, and
 * ours is the only one that knows. Any thread.
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
