/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that programs nonsense. Whatever it writes to EL2's registers,
 * its L2 may misbehave, and it may get exceptions of its own; but L0 lives, and
 * afterwards, with the registers put right, an L2 runs as if nothing had been.
 *
 * Its L2 touches memory, takes what interrupts there are, and writes a register
 * of EL2's, so that each of these meets the nonsense of its hypervisor.
 *
 * Some of it KVM takes as a reason to end the VM: KVM_RUN fails, with EFAULT, and
 * nestor with status 5. In real hardware L2 would fault, and its hypervisor hear
 * of it. Each of these has a build of its own, which must end so.
 *
 * BREAK 1: VTCR_EL2 is 0: L2 has 64 bits of addresses
 * BREAK 2: VTCR_EL2 begins at a level above all that T0SZ leaves
 * BREAK 3: VTTBR_EL2 is beyond all memory
 * BREAK 4: VTTBR_EL2 is a device
 * BREAK 5: stage 2's next table is beyond all memory
 *
 * KVM says WARNING in its host's log, once, of IMO without FMO or the other way
 * round, and of each walk of a stage 2 whose VTCR_EL2 makes no sense. A host
 * without the fix of June 2026, "Inject SEA if kvm_translate_vncr() can't
 * resolve PFN", has a BUG() for a VNCR_EL2 outside RAM.
 *
 * Takes 8 vCPUs, all but one off: KVM keeps two shadow stage 2 for each, and
 * takes seconds in an emulated host to empty one for another VTTBR_EL2.
 */
#include "guest/rt/pt.h"
#include "guest/rt/vgic.h"

#define ANSWER 42u
#define MMIO   MAP_UART_BASE
#define PA_END (1ull << 47)
/* In RAM, aligned to nothing; nothing else is there. */
#define ODD ((uintptr_t)odd + 0x235)

#define HCRX_EL2   S3_4_C1_C2_2
#define HFGRTR_EL2 S3_4_C1_C1_4
#define HFGWTR_EL2 S3_4_C1_C1_5
#define HFGITR_EL2 S3_4_C1_C1_6
#define SPSR_IL	   (1ull << 20)

static char odd[8192] __attribute__((aligned(4096)));
static struct l2 l2;
static char stack[8192] __attribute__((aligned(16)));
static pte_t *sane, *looping;
static uint64_t eret_pstate, eret_pc;
static unsigned runs;

/* --- L2, and what happens to either --- */

static volatile uint64_t word;
static unsigned irqs;

static uint64_t be_l2(uint64_t v)
{
	word++;
	irq_on();
	isb();
	irq_off();
	if (v)
		sysreg_write(VTTBR_EL2, v);
	return ANSWER;
}

void abandon(void);
/* As if L2 had come out, where l2_run()'s ERET went astray. */
asm(".text\n"
    "abandon:\n"
    "sub sp, sp, #288\n"
    "stp x0, x1, [sp]\n"
    "stp x2, x3, [sp, #16]\n"
    "mov x1, #3\n"
    "b l2_exit\n");

static bool survive(struct frame *f, unsigned kind)
{
	unsigned ec = ESR_EC(f->esr);

	if (sysreg_read(CurrentEL) != 2 << 2) {
		/* L2. It leaves, unless this is an interrupt among few. */
		if (kind != EXC_IRQ || ++irqs > 20)
			hvc(1);
		else
			sysreg_write(ICC_EOIR1_EL1, sysreg_read(ICC_IAR1_EL1));
		return true;
	}
	f->pstate = SPSR_EL2H | SPSR_DAIF;
	/* An instruction of ours that is not there, or ours not being at EL1. */
	if (ec == EC_UNKNOWN || ec == EC_SYS64)
		f->pc += 4;
	else
		f->pc = (uintptr_t)abandon;
	return true;
}

/* --- its hypervisor --- */

static void put_right(void)
{
	unsigned intid;

	el2_write(HCR_EL2, hcr_base() | HCR_IMO | HCR_FMO | HCR_VM);
	el2_write(CPTR_EL2, el2_vhe ? 3ull << 20 : 0x33ff & ~(1ull << 10));
	el2_write(MDCR_EL2, 0);
	el2_write(CNTHCTL_EL2, el2_vhe ? 3ull << 10 : 3);
	el2_write(CNTVOFF_EL2, 0);
	el2_write(HSTR_EL2, 0);
	el2_write(VPIDR_EL2, sysreg_read(midr_el1));
	el2_write(VMPIDR_EL2, sysreg_read(mpidr_el1));
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(sane, 1));
	el2_write(VNCR_EL2, 0);
	el2_write(ICH_HCR_EL2, 0);
	el2_write(ICH_VMCR_EL2, ICH_VMCR_PMR | ICH_VMCR_ENG1);
	el2_write(ICH_AP1R0_EL2, 0);
	el2_write(ICH_LR0_EL2, 0);
	el2_write(ICH_LR1_EL2, 0);
	el2_write(HFGRTR_EL2, 0);
	el2_write(HFGWTR_EL2, 0);
	el2_write(HFGITR_EL2, 0);
	el2_write(HCRX_EL2, 0);
	isb();
	while ((intid = gic_ack()) != INTID_NONE)
		gic_eoi(intid);
	eret_pstate = SPSR_EL1H | SPSR_DAIF;
	eret_pc = (uintptr_t)be_l2;
}

/* With nonsense: a tenth of a second, if L2 does not come out by itself. */
static void run(uint64_t arg)
{
	irqs = 0;
	el2_write(CNTHP_CVAL_EL2,
		  sysreg_read(cntpct_el0) + sysreg_read(cntfrq_el0) / 10);
	el2_write(CNTHP_CTL_EL2, 1);
	isb();
	l2.x[0] = arg;
	l2.pc = eret_pc;
	l2.pstate = eret_pstate;
	l2_run(&l2);
	el2_write(CNTHP_CTL_EL2, 0);
	isb();
	runs++;
}

static void prepare(void)
{
	put_right();
	l2_init(&l2, be_l2, 0, stack + sizeof(stack));
	l2_load(&l2);
}

/* --- the nonsense --- */

#define SETTER(fn, reg)            \
	static void fn(uint64_t v) \
	{                          \
		el2_write(reg, v); \
	}
SETTER(vtcr, VTCR_EL2)
SETTER(vttbr, VTTBR_EL2)
SETTER(hstr, HSTR_EL2)
SETTER(cptr, CPTR_EL2)
SETTER(mdcr, MDCR_EL2)
SETTER(cnthctl, CNTHCTL_EL2)
SETTER(cntvoff, CNTVOFF_EL2)
SETTER(vmpidr, VMPIDR_EL2)
SETTER(hcrx, HCRX_EL2)
SETTER(hcr, HCR_EL2)

static void fgt(uint64_t v)
{
	el2_write(HFGRTR_EL2, v);
	el2_write(HFGWTR_EL2, v);
	el2_write(HFGITR_EL2, v);
}

/* All of it that needs an EL2 that can nest. */
static void vncr(uint64_t v)
{
	el2_write(VNCR_EL2, v);
	el2_write(HCR_EL2, el2_read(HCR_EL2) | HCR_NV | HCR_NV2);
}

/* Both list registers alike, so an INTID that is valid is there twice. */
static void lr(uint64_t v)
{
	el2_write(ICH_HCR_EL2, ICH_HCR_EN);
	el2_write(ICH_LR0_EL2, v);
	el2_write(ICH_LR1_EL2, v);
}

static void ich_hcr(uint64_t v)
{
	el2_write(ICH_HCR_EL2, v);
	el2_write(ICH_LR0_EL2, LR_PENDING | LR_GROUP1 | LR_INTID(48));
}

static void ich_vmcr(uint64_t v)
{
	el2_write(ICH_VMCR_EL2, v);
	el2_write(ICH_AP1R0_EL2, v);
	ich_hcr(ICH_HCR_EN);
}

/* 0 is for a table that is its own entry, at every level. */
static void s2_table(uint64_t v)
{
	static unsigned vmid = 1;
	unsigned i;

	for (i = 0; i < 512; i++)
		looping[i] = v ? v : (uintptr_t)looping | 3;
	dsb();
	/* Never seen before, so that no TLB knows what was there. */
	el2_write(VTTBR_EL2, s2_vttbr(looping, ++vmid));
}

static void stage1(uint64_t v)
{
	el1_write(TCR, v);
	el1_write(TTBR0, v);
	el1_write(TTBR1, v);
	el1_write(MAIR, v);
	el1_write(SCTLR, SCTLR_EL1_RES1 | SCTLR_M);
	isb();
	asm volatile("at s12e1r, %0" ::"r"(v));
	asm volatile("at s1e1w, %0" ::"r"(ODD));
}

/* Operands of all kinds of TLBI; the last two are of a range. */
static void tlbi(uint64_t v)
{
	el2_tlbi(ipas2e1is, v);
	el2_tlbi(ipas2le1, v);
	el2_tlbi(vae2is, v);
	el2_tlbi(vale2, v);
	el2_tlbi(vae1is, v);
	el2_tlbi(aside1is, v);
	el2_tlbi_all(alle2is);
	asm volatile("sys #4, c8, c0, #2, %0" ::"r"(v)); /* RIPAS2E1IS */
	asm volatile("sys #4, c8, c2, #1, %0" ::"r"(v)); /* RVAE2IS */
	dsb();
}

static void eret_state(uint64_t v)
{
	eret_pstate = v | SPSR_DAIF;
}

static void eret_to(uint64_t v)
{
	eret_pc = v;
}

#define VALUES 8
static const struct nonsense {
	const char *name;
	void (*set)(uint64_t);
	unsigned n;
	uint64_t values[VALUES];
} nonsense[] = {
	{ "VTCR_EL2",
	  vtcr,
	  2,
	  { 25 | 1 << 6 | 3 << 14, 25 | 1 << 6 | 7 << 16 } },
	{ "VTTBR_EL2", vttbr, 2, { ODD, 0xffffull << 48 | MAP_RAM_BASE } },
	{ "stage-2 tables",
	  s2_table,
	  4,
	  { 0, 1, S2_RAM | PA_END | 1, S2_RAM | MMIO | 1 } },
	{ "HCR_EL2",
	  hcr,
	  8,
	  { -1ull, 0, HCR_RW, HCR_RW | HCR_IMO | HCR_VM, HCR_TGE | HCR_VM,
	    HCR_RW | HCR_VM | HCR_DC | HCR_VI | HCR_VF | HCR_VSE,
	    HCR_RW | HCR_NV | HCR_NV1 | HCR_AT, -1ull & ~HCR_TGE } },
	{ "VNCR_EL2", vncr, 6, { 0, -1ull, MMIO, ODD, PA_END, 1ull << 55 } },
	{ "ICH_LR<n>_EL2",
	  lr,
	  7,
	  { -1ull, 3ull << 62, LR_STATE | LR_GROUP1 | LR_INTID(48),
	    LR_PENDING | LR_GROUP1 | LR_INTID(1023),
	    LR_PENDING | LR_GROUP1 | LR_INTID(8192),
	    LR_PENDING | LR_GROUP1 | LR_HW | LR_INTID(48) | LR_PINTID(1023),
	    LR_STATE | LR_GROUP1 | LR_HW | LR_INTID(48) | LR_PINTID(0x1fff) } },
	{ "ICH_HCR_EL2", ich_hcr, 2, { -1ull, 0xff } },
	{ "ICH_VMCR_EL2", ich_vmcr, 2, { -1ull, 0 } },
	{ "CPTR_EL2", cptr, 2, { -1ull, 0 } },
	{ "MDCR_EL2", mdcr, 1, { -1ull } },
	{ "CNTHCTL_EL2", cnthctl, 2, { -1ull, 0 } },
	{ "CNTVOFF_EL2", cntvoff, 2, { -1ull, 1ull << 63 } },
	{ "HSTR_EL2", hstr, 1, { -1ull } },
	{ "HCRX_EL2", hcrx, 1, { -1ull } },
	{ "HFG<x>_EL2", fgt, 1, { -1ull } },
	{ "VMPIDR_EL2", vmpidr, 2, { -1ull, 0 } },
	{ "L2's stage 1", stage1, 4, { 0, -1ull, MMIO, PA_END } },
	{ "TLBI", tlbi, 4, { 0, -1ull, ODD, 0xaaaaaaaaaaaaaaaaull } },
	{ "SPSR_EL2",
	  eret_state,
	  8,
	  { 0x1, 0xa, 0xc, 0xd, 0x10, 0x1f, SPSR_EL1H | SPSR_IL, 0x8 } },
	{ "ELR_EL2", eret_to, 4, { ODD, MMIO, -1ull, 1ull << 55 } },
};

static const struct nonsense deadly[] = {
	{ "VTCR_EL2", vtcr, 1, { 0 } },
	{ "VTCR_EL2", vtcr, 1, { 25 | 3 << 6 } },
	{ "VTTBR_EL2", vttbr, 1, { PA_END } },
	{ "VTTBR_EL2", vttbr, 1, { MMIO } },
	{ "stage-2 tables", s2_table, 1, { PA_END | 3 } },
};

static void try(const struct nonsense *n)
{
	unsigned i;

	print("STEP hostile.%s\n", n->name);
	for (i = 0; i < n->n; i++) {
		prepare();
		n->set(n->values[i]);
		isb();
		run(n->values[i] | 1);
		prepare();
		l2_expect(&l2, EC_HVC64);
		runs++;
		if (l2.x[0] != ANSWER)
			fail("after %s %x, L2 came out with ESR_EL2 %x",
			     n->name, n->values[i], l2.esr);
	}
	print("PASS nonsense in %s\n", n->name);
}

int main(uint64_t fdt)
{
	unsigned i;

	(void)fdt;
	el2_init();
	exception_hook = survive;
	sane = pt_new();
	looping = pt_new();
	s2_map_self(sane);
	gic_enable();
	gic_enable_intid(PPI_TIMER_HP + 16);
	if (BREAK)
		try(&deadly[BREAK - 1]);
	for (i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		try(&nonsense[i]);
	print("PASS %u runs with nonsense and without\n", (uint64_t)runs);
	return 0;
}
