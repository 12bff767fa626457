/* SPDX-License-Identifier: MIT */
/*
 * What core/ asks of the architecture.
 */
#pragma once

struct vcpu;

enum arch_next {
	ARCH_RUN,  /* enter the guest again */
	ARCH_PARK, /* an event has been posted: wait for the main thread */
};

/* Handle the exit in @v->run. On the vCPU's thread. */
enum arch_next arch_vcpu_exit(struct vcpu *v);

/* KVM_RUN itself failed with -@err: say why, post VM_FAILED or recover. */
enum arch_next arch_vcpu_error(struct vcpu *v, int err);
