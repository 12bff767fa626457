/* SPDX-License-Identifier: MIT */
/*
 * An arm64 vCPU: its features, its first registers, its exits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/gmem.h"

struct vcpu;
struct vm;
struct err;

/* What every vCPU of the VM is given. */
struct vcpu_features {
	bool pmu;
	bool sve;
	bool pauth;
};

/* Turn off in @f what this host's KVM lacks. */
void vcpu_features_probe(int kvm_fd, struct vcpu_features *f);

/* Create vCPU @v->index in KVM and map its page. 0 or -errno, logged. */
int vcpu_create(struct vcpu *v);

/*
 * vcpu_init() - KVM_ARM_VCPU_INIT, which also resets: boot CPU on, others off
 *
 * 0 or -errno, logged. vCPUs stopped.
 */
int vcpu_init(struct vcpu *v, const struct vcpu_features *f);

/* SVE lengths as they are, made final; once, after the first vcpu_init(). */
int vcpu_finalize(struct vcpu *v, const struct vcpu_features *f);

/* After the GIC: the PMU's interrupt. */
int vcpu_init_pmu(struct vcpu *v);

/* Stolen-time record of @v at @gpa (Arm DEN0057A). 0, or -errno if not offered. */
int vcpu_init_pvtime(struct vcpu *v, gpa_t gpa);

/* Where the vCPU starts, and the address of the FDT for x0. */
int vcpu_set_entry(struct vcpu *v, gpa_t pc, uint64_t x0);
