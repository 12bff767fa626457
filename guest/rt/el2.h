/* SPDX-License-Identifier: MIT */
/*
 * The runtime of a guest hypervisor: EL2's registers under their names in the
 * Arm ARM (DDI 0487), the world switch, and what things cost.
 *
 * A payload that begins with el2_init() is a hypervisor with the MMU off. It
 * fills in a struct l2, chooses HCR_EL2 by itself, and calls l2_run(), which
 * returns with the exception that L2 took to EL2. It runs on a VHE-only EL2
 * (--nested=vhe), on an nVHE-only one (--nested=nvhe), and on bare metal.
 *
 * L0 is the host whose KVM emulates our EL2, we are L1.
 */
#pragma once

#include "guest/rt/rt.h"

/* --- registers that an assembler for Armv8.0 does not know by name --- */

#define SCTLR_EL12	S3_5_C1_C0_0
#define CPACR_EL12	S3_5_C1_C0_2
#define TTBR0_EL12	S3_5_C2_C0_0
#define TTBR1_EL12	S3_5_C2_C0_1
#define TCR_EL12	S3_5_C2_C0_2
#define SPSR_EL12	S3_5_C4_C0_0
#define ELR_EL12	S3_5_C4_C0_1
#define ESR_EL12	S3_5_C5_C2_0
#define FAR_EL12	S3_5_C6_C0_0
#define MAIR_EL12	S3_5_C10_C2_0
#define VBAR_EL12	S3_5_C12_C0_0
#define CONTEXTIDR_EL12 S3_5_C13_C0_1
#define CNTKCTL_EL12	S3_5_C14_C1_0
#define TTBR1_EL2	S3_4_C2_C0_1
#define VNCR_EL2	S3_4_C2_C2_0

/* --- HCR_EL2 --- */

#define HCR_VM	 (1ull << 0)  /* stage 2 on */
#define HCR_FMO	 (1ull << 3)  /* FIQs to EL2, virtual ones for L2 */
#define HCR_IMO	 (1ull << 4)  /* IRQs */
#define HCR_AMO	 (1ull << 5)  /* SErrors */
#define HCR_VF	 (1ull << 6)  /* a virtual FIQ is pending */
#define HCR_VI	 (1ull << 7)  /* IRQ */
#define HCR_VSE	 (1ull << 8)  /* SError */
#define HCR_DC	 (1ull << 12) /* L2 without MMU is cacheable */
#define HCR_TWI	 (1ull << 13) /* trap WFI */
#define HCR_TWE	 (1ull << 14) /* WFE */
#define HCR_TID1 (1ull << 16) /* REVIDR_EL1, AIDR_EL1 */
#define HCR_TID3 (1ull << 18) /* ID registers */
#define HCR_TSC	 (1ull << 19) /* SMC */
#define HCR_TACR (1ull << 21) /* ACTLR_EL1 */
#define HCR_TVM	 (1ull << 26) /* writes of EL1's translation controls */
#define HCR_TGE	 (1ull << 27) /* EL0's exceptions to EL2; there is no EL1 */
#define HCR_HCD	 (1ull << 29) /* HVC is undefined */
#define HCR_TRVM (1ull << 30) /* reads of them */
#define HCR_RW	 (1ull << 31) /* EL1 is AArch64 */
#define HCR_E2H	 (1ull << 34) /* VHE */
#define HCR_NV	 (1ull << 42) /* L2 believes that it is at EL2 */
#define HCR_NV1	 (1ull << 43) /* ... with an nVHE one */
#define HCR_AT	 (1ull << 44) /* trap address translation instructions */
#define HCR_NV2	 (1ull << 45) /* ... and EL2's registers are in memory */

/* Interrupts are ours, L2's are virtual: KVM as L0 knows only both, or none. */
#define HCR_VGIC (HCR_IMO | HCR_FMO)

/* --- ESR_EL2 --- */

#define ESR_EC(esr)    ((unsigned)((esr) >> 26 & 0x3f))
#define ESR_IL	       (1ull << 25)
#define ESR_ISS(esr)   ((uint32_t)((esr)&0x1ffffff))
#define ESR_IMM16(esr) ((unsigned)((esr)&0xffff)) /* of HVC, SMC, SVC */
#define ESR_FSC(esr)   ((unsigned)((esr)&0x3f))	  /* of aborts */
#define ESR_S1PTW      (1ull << 7)
#define ESR_WNR	       (1ull << 6)
/* Of EC_SYS64: which register, from or to x[ESR_RT]; a read or a write. */
#define ESR_RT(esr)	  ((unsigned)((esr) >> 5 & 31))
#define ESR_SYS_READ(esr) ((esr)&1)
#define ESR_SYS_REG(esr)  ((uint32_t)((esr)&0x3ffc1e))
#define ESR_SYS(op0, op1, crn, crm, op2)                                    \
	((uint32_t)((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | \
		    (crm) << 1))

enum {
	EC_UNKNOWN = 0x00,
	EC_WFX = 0x01,
	EC_SVC64 = 0x15,
	EC_HVC64 = 0x16,
	EC_SMC64 = 0x17,
	EC_SYS64 = 0x18, /* MSR, MRS, or an instruction like TLBI */
	EC_ERET = 0x1a,
	EC_IABT_LOW = 0x20,
	EC_IABT_CUR = 0x21,
	EC_DABT_LOW = 0x24,
	EC_DABT_CUR = 0x25,
};

#define FSC_TRANSLATION 0x04 /* and the level, 0 to 3 */
#define FSC_ACCESS	0x08
#define FSC_PERMISSION	0x0c
#define FSC_TYPE	0x3c

/* HPFAR_EL2 holds bits 51:12 of the faulting IPA in its bits 43:4. */
#define HPFAR_IPA(hpfar) (((hpfar)&0xffffffffff0ull) << 8)

/* --- SPSR_EL2, SCTLR_EL1 --- */

#define SPSR_EL0T 0x0ull
#define SPSR_EL1H 0x5ull
#define SPSR_EL2H 0x9ull
#define SPSR_F	  (1ull << 6)
#define SPSR_I	  (1ull << 7)
#define SPSR_A	  (1ull << 8)
#define SPSR_D	  (1ull << 9)
#define SPSR_DAIF (0xfull << 6)

#define SCTLR_M	       (1ull << 0)
#define SCTLR_EL1_RES1 0x30d00800ull

/* --- accesses, counted --- */

/*
 * How many exits the payload's use of EL2 has cost a host with FEAT_NV, but
 * without FEAT_NV2: one for each access to an EL2, EL12 or EL02 register, each
 * TLBI or AT of EL2's, each ERET, each exception from L2. Counted without a
 * lock, so it means something while one vCPU runs.
 */
extern uint64_t el2_ops;

#define el2_read_(reg) (el2_ops++, sysreg_read(reg))
#define el2_write_(reg, val)            \
	do {                            \
		el2_ops++;              \
		sysreg_write(reg, val); \
	} while (0)
/* By one more step, so that the names above are replaced. */
#define el2_read(reg)	    el2_read_(reg)
#define el2_write(reg, val) el2_write_(reg, val)

/*
 * A register of L2's EL1, which our own instructions name _EL1 at an nVHE EL2,
 * and _EL12 at a VHE one, where _EL1 would be our own.
 */
#define el1_read(name) (el2_vhe ? el2_read(name##_EL12) : el2_read(name##_EL1))
#define el1_write(name, val)                         \
	do {                                         \
		if (el2_vhe)                         \
			el2_write(name##_EL12, val); \
		else                                 \
			el2_write(name##_EL1, val);  \
	} while (0)

/* TLB maintenance as EL2 does it, with an operand or without one. */
#define el2_tlbi(op, val)                                              \
	do {                                                           \
		el2_ops++;                                             \
		asm volatile("tlbi " #op ", %0" ::"r"((uint64_t)(val)) \
			     : "memory");                              \
	} while (0)
#define el2_tlbi_all(op)                                \
	do {                                            \
		el2_ops++;                              \
		asm volatile("tlbi " #op ::: "memory"); \
	} while (0)

/* Which EL2 this is: HCR_EL2.E2H is fixed to 1, or to 0. */
extern bool el2_vhe;

/* HCR_EL2 while nothing is trapped: RW, and E2H on VHE. */
uint64_t hcr_base(void);

/*
 * el2_init() - on each CPU, first: HCR_EL2 = hcr_base(), L2 gets this CPU's
 * identity, counters and floating point, and no virtual time offset
 *
 * Fails where there is no EL2.
 */
void el2_init(void);

/* --- L2 --- */

/*
 * A vCPU of L2. The first part is what each exit changes (offsets are known to
 * switch.S); the second stays in the CPU's registers until l2_save().
 */
struct l2 {
	uint64_t x[31];
	uint64_t pc, pstate;	  /* ELR_EL2, SPSR_EL2 */
	uint64_t kind;		  /* of the exit: EXC_SYNC, EXC_IRQ, ... */
	uint64_t esr, far, hpfar; /* hpfar: only after stage-2 aborts */
	struct {
		uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, mair;
		uint64_t vbar, sp, sp_el0, elr, spsr, esr, far;
		uint64_t contextidr, tpidr, cntkctl;
	} el1;
};

/*
 * l2_init() - @l2 begins at EL1 with entry(@arg), interrupts masked, on a stack
 * that ends at @stack; vectors are the runtime's, so that exception_hook gets
 * its exceptions to EL1, too
 *
 * If entry() returns, that is an HVC #HVC_RETURN with its value in x0.
 */
void l2_init(struct l2 *, uint64_t (*entry)(uint64_t), uint64_t arg,
	     void *stack);

/* Its EL1 state to this CPU's registers, and back. */
void l2_load(const struct l2 *);
void l2_save(struct l2 *);

/*
 * l2_run() - ERET to it, and come back with the next exception to EL2
 *
 * The caller has loaded it, and keeps DAIF masked. x, pc and pstate are what
 * was interrupted; for HVC and SMC that is the instruction after, or the
 * instruction itself (Arm ARM, ELR_ELx of each EC). Returns ESR_EC(esr), or -1
 * if kind is not EXC_SYNC.
 */
int l2_run(struct l2 *);

/*
 * l2_expect() - l2_run(), which must come out with @ec, or -1 for no EC
 *
 * Fails else, also if L2 stays in for WATCHDOG_SECONDS: then EL2's physical
 * timer interrupts it, which L2 cannot mask while HCR_VGIC is set.
 */
void l2_expect(struct l2 *, int ec);
#define WATCHDOG_SECONDS 5
/* The same for callers of l2_run(): INTID 26 comes to this CPU. */
void watchdog_start(void);
void watchdog_stop(void);

#define HVC_RETURN 0xffff
#define hvc(imm)   asm volatile("hvc #%0" ::"i"(imm) : "memory")

/* --- cost --- */

struct cost {
	uint64_t exits; /* to L0, as its KVM counts them; 0 without a counter */
	uint64_t ops;	/* el2_ops: the same without FEAT_NV2 */
};

/* A window of one vCPU's; within it nothing is printed. */
void exits_begin(struct cost *);
void exits_end(struct cost *);
/* Whether nestor was given --exit-counter. */
bool exits_counted(void);
/*
 * The least of ten runs of @op: on top of it are interrupts of the host's,
 * which are exits too.
 */
struct cost cost_of(void (*op)(void));

/* --- what nestor demo shows, a line each --- */

void step(const char *id);	      /* STEP id */
void reg(const char *name, uint64_t); /* REG name 0xvalue */
void cost_print(struct cost);	      /* EXITS measured without-NV2 */
