/* SPDX-License-Identifier: MIT */
/* KVM's numbers for a vCPU's registers, beside <linux/kvm.h>'s own. */
#pragma once

#include <linux/kvm.h>
#include <stddef.h>

/* A field of 64 bits of struct kvm_regs: CORE_REG(regs.pc). */
#define CORE_REG(field)                                        \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (offsetof(struct kvm_regs, field) / sizeof(uint32_t)))
