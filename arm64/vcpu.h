/* SPDX-License-Identifier: MIT */
/*
 * An arm64 vCPU: its features, its first registers, its exits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arm64/counter.h"
#include "core/arch.h"
#include "core/config.h"
#include "core/gmem.h"

struct vcpu;
struct vm;
struct err;

/* What every vCPU of a VM is like; the VM's arch begins with it. */
struct vcpu_model {
	uint32_t target; /* KVM_ARM_PREFERRED_TARGET's */
	bool aarch32;	 /* EL1 is a 32-bit one */
	bool pmu;
	bool sve;
	bool pauth;
	enum nested_kind nested; /* never NESTED_AUTO */
	struct guest_clock clock;
};

/* Turn off what this host's KVM lacks. */
void vcpu_model_probe(int kvm_fd, struct vcpu_model *);

/* One of KVM's registers of 64 bits. vCPU stopped, or its thread. 0 or -errno. */
int vcpu_get_reg(const struct vcpu *v, uint64_t id, uint64_t *val);
int vcpu_set_reg(const struct vcpu *v, uint64_t id, uint64_t val);

/*
 * vcpu_init() - KVM_ARM_VCPU_INIT, which also resets: boot CPU on, others off
 *
 * 0 or -errno, logged. vCPUs stopped.
 */
int vcpu_init(struct vcpu *v);

/*
 * What of its features can be chosen, made final: SVE lengths as they are.
 * Once, after the first vcpu_init().
 */
int vcpu_finalize(struct vcpu *v);

/* After the GIC: the PMU's interrupt. */
int vcpu_init_pmu(struct vcpu *v);

/* Stolen-time record of @v at @gpa (Arm DEN0057A). 0, or -errno if not offered. */
int vcpu_init_pvtime(struct vcpu *v, gpa_t gpa);

/* Where it goes on, and with what in x0. 0 or -errno, logged. */
int vcpu_set_pc_x0(struct vcpu *v, uint64_t pc, uint64_t x0);

/* The VM cannot go on; why has been logged. On the vCPU's thread. */
enum arch_next vcpu_fail(struct vcpu *v);

/*
 * MPIDR_EL1 affinity of vCPU @n, as KVM numbers them: 16 in a cluster, so that
 * an SGI's target list reaches each (KVM: reset_mpidr()).
 */
static inline uint64_t vcpu_mpidr(unsigned n)
{
	return (n & 15) | ((uint64_t)(n >> 4 & 0xff) << 8) |
	       ((uint64_t)(n >> 12 & 0xff) << 16);
}
