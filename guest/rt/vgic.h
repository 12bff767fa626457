/* SPDX-License-Identifier: MIT */
/*
 * The virtual interrupt controller as a hypervisor programs it: the registers
 * of the GICv3's virtual CPU interface (Arm IHI 0069, AArch64 virtualization
 * control system registers).
 *
 * With HCR_EL2.IMO and FMO, L2's ICC_ registers are those of the virtual
 * interface, and interrupts of the real one come to EL2. KVM supports both set
 * or none: it warns of one without the other.
 */
#pragma once

#include "guest/rt/el2.h"

#define ICH_AP1R0_EL2 S3_4_C12_C9_0
#define ICC_SRE_EL2   S3_4_C12_C9_5
#define ICH_HCR_EL2   S3_4_C12_C11_0
#define ICH_VTR_EL2   S3_4_C12_C11_1
#define ICH_MISR_EL2  S3_4_C12_C11_2
#define ICH_EISR_EL2  S3_4_C12_C11_3
#define ICH_ELRSR_EL2 S3_4_C12_C11_5
#define ICH_VMCR_EL2  S3_4_C12_C11_7
#define ICH_LR0_EL2   S3_4_C12_C12_0
#define ICH_LR1_EL2   S3_4_C12_C12_1
#define ICC_CTLR_EL1  S3_0_C12_C12_4
#define ICC_SGI1R_EL1 S3_0_C12_C11_5
#define ICC_IAR1_EL1  S3_0_C12_C12_0
#define ICC_EOIR1_EL1 S3_0_C12_C12_1

/* What is ended stays active until its owner by LR_HW deactivates it. */
#define ICC_CTLR_EOIMODE (1ull << 1)

#define ICH_HCR_EN  (1ull << 0)
#define ICH_HCR_UIE (1ull << 1) /* maintenance interrupt: underflow */

#define ICH_VMCR_ENG1 (1ull << 1)
#define ICH_VMCR_PMR  (0xffull << 24) /* all priorities pass */

#define ICH_MISR_EOI (1ull << 0)
#define ICH_MISR_U   (1ull << 1)

/* A list register. */
#define LR_INTID(n)  ((uint64_t)(n))
#define LR_PINTID(n) ((uint64_t)(n) << 32) /* with LR_HW */
#define LR_EOI	     (1ull << 41)	   /* without: tell of its end */
#define LR_GROUP1    (1ull << 60)
#define LR_HW	     (1ull << 61)
#define LR_PENDING   (1ull << 62)
#define LR_ACTIVE    (1ull << 63)
#define LR_STATE     (LR_PENDING | LR_ACTIVE)
#define LR_PRIO(p)   ((uint64_t)(p) << 48)

/* ICC_SGI1R_EL1: SGI @n to the CPUs of cluster 0 in the mask @cpus. */
#define SGI_INTID(v)   ((unsigned)((v) >> 24 & 0xf))
#define SGI_TARGETS(v) ((unsigned)((v)&0xffff))
#define SGI(n, cpus)   ((uint64_t)(n) << 24 | (cpus))

#define INTID_MAINTENANCE (PPI_GIC_MAINT + 16u)
#define INTID_NONE	  1023u
