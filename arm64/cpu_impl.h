/* SPDX-License-Identifier: MIT */
/* What cpu_*.c share. */
#pragma once

#include "arm64/cpu.h"

/* What KVM lets user space write, of each register in the range. */
struct cpu_masks {
	uint64_t writable[IDREGS];
};

/*
 * cpu_masks_read() - ask KVM; 0, or -ENOTSUP with the reason in @e
 *
 * KVM_ARM_GET_REG_WRITABLE_MASKS, since Linux 6.7.
 */
int cpu_masks_read(struct cpu_masks *, const struct vm *, struct err *e);

/* KVM_GET_ONE_REG. 0 or -errno; -ENOENT: guests have no such register. */
int cpu_reg_get(int vcpu_fd, unsigned reg, uint64_t *val);

/* What a field is to nestor, beside what it is to KVM. */
enum cpu_field_kind {
	CPU_PLAIN,
	CPU_FEATURE,  /* a feature of vCPUs, which 0 turns off */
	CPU_MACHINE,  /* says which GIC the machine has */
	CPU_IDENTITY, /* says whose CPU this is: MIDR_EL1 and the like */
};
enum cpu_field_kind cpu_field_kind(const struct idfield *);
