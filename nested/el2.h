/* SPDX-License-Identifier: MIT */
/*
 * A guest with a virtual EL2: which kind, and what KVM is told for it.
 *
 * The order among these and the board's other steps is the board's business
 * (Documentation/virt/kvm/api.rst, KVM_ARM_VCPU_INIT; devices/arm-vgic-v3.rst,
 * KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ). The EL2 timers keep KVM's default PPIs,
 * which are those of arm64/map.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"

struct err;

/*
 * nested_choose() - what --nested comes to on this host
 *
 * NESTED_AUTO becomes NESTED_NVHE for a kernel that is told kvm-arm.mode=nvhe
 * or protected, and for a hypervisor with a module kernel, else NESTED_VHE.
 * Asks KVM only if there is something to ask. 0, or -ENOTSUP with a sentence in
 * @e if the host cannot do it.
 */
int nested_choose(const struct config *, int kvm_fd, enum nested_kind *,
		  struct err *e);

/* The bits of kvm_vcpu_init.features[0]; the same for all vCPUs of a VM. */
uint32_t nested_features(enum nested_kind);

/*
 * nested_set_maintenance_irq() - which PPI (INTID) the maintenance interrupt is
 *
 * Before the GIC's initialisation. 0 or -errno.
 */
int nested_set_maintenance_irq(int gic_fd, uint32_t intid);

/*
 * nested_stop_recursion() - hide FEAT_NV2 from the guest
 *
 * By ID_AA64MMFR4_EL1.NV_frac, which one vCPU sets for its VM; after
 * KVM_ARM_VCPU_INIT and before any vCPU has run. 0 or -errno.
 */
int nested_stop_recursion(int vcpu_fd);

/*
 * nested_explain_fault() - why KVM_RUN of a vCPU with an EL2 may end with EFAULT
 *
 * Which is how KVM answers a stage 2 of the guest's hypervisor that it cannot
 * walk. @mmfr0 is the vCPU's ID_AA64MMFR0_EL1; what is written follows "probably".
 */
void nested_explain_fault(uint64_t mmfr0, char *buf, size_t size);
