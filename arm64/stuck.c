/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * What the vCPU executes next stands at its PC, a virtual address. KVM does not
 * translate one for us on arm64, so that stage 1 is walked here (Arm DDI 0487,
 * D8.2): by TCR_EL1 and the TTBR of the upper or the lower half. All of it is
 * the guest's and may be nonsense: each load is checked by gmem, there are four
 * levels at the most, and what is not understood means: not stuck.
 */
#include "arm64/stuck.h"

#include <stdint.h>

#include "arm64/vcpu.h"
#include "core/gmem.h"
#include "core/kvm.h"
#include "nested/reg.h"

#define SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define TTBR1_EL1 ARM64_SYS_REG(3, 0, 2, 0, 1)
#define TCR_EL1	  ARM64_SYS_REG(3, 0, 2, 0, 2)

#define PSTATE_I    (1u << 7)
#define PSTATE_F    (1u << 6)
#define PSTATE_NRW  (1u << 4)
#define PSTATE_EL   0xcu
#define PSTATE_EL1  0x4u
#define PSTATE_EL2  0x8u
#define PSTATE_DAIF (0xfu << 6)
#define MODE32	    0x1fu
#define MODE32_SVC  0x13u
#define HCR_VM	    1u
#define SCTLR_M	    1u
#define TCR_DS	    (1ull << 59)
#define DESC_VALID  1u
#define DESC_TABLE  2u /* at the last level: a page */
#define DESC_ADDR   0x0000fffffffff000ull
#define LOOP_LENGTH 8 /* instructions */

#define SCTLR_EL2 ARM64_SYS_REG(3, 4, 1, 0, 0)
#define TTBR0_EL2 ARM64_SYS_REG(3, 4, 2, 0, 0)
#define TTBR1_EL2 ARM64_SYS_REG(3, 4, 2, 0, 1)
#define TCR_EL2	  ARM64_SYS_REG(3, 4, 2, 0, 2)
#define HCR_EL2	  ARM64_SYS_REG(3, 4, 1, 1, 0)

/* What translates addresses at EL1, and at an EL2 with HCR_EL2.E2H. */
static const struct regime {
	uint64_t sctlr, tcr, ttbr[2]; /* of the lower half, of the upper */
} regimes[] = {
	{ SCTLR_EL1, TCR_EL1, { TTBR0_EL1, TTBR1_EL1 } },
	{ SCTLR_EL2, TCR_EL2, { TTBR0_EL2, TTBR1_EL2 } },
};

/* Whose code is looked at. */
struct code {
	const struct vcpu *v;
	const struct gmem *mem;
	const struct regime *regime;
};

/* Where a walk starts, and by which steps it goes. */
struct walk {
	const struct gmem *mem;
	uint64_t table;
	unsigned va_bits;
	unsigned page_bits;
};

/* Bits of a page, by TCR_EL1.TG0 and TG1, which differ. */
static const uint8_t granule0[4] = { 12, 16, 14, 0 };
static const uint8_t granule1[4] = { 0, 14, 12, 16 };

static bool walk_of(const struct code *c, uint64_t va, struct walk *w)
{
	bool upper = va >> 55 & 1;
	uint64_t tcr, ttbr;
	unsigned size;

	if (vcpu_get_reg(c->v, c->regime->tcr, &tcr) < 0 || tcr & TCR_DS ||
	    vcpu_get_reg(c->v, c->regime->ttbr[upper], &ttbr) < 0)
		return false;
	size = (upper ? tcr >> 16 : tcr) & 0x3f;
	*w = (struct walk){ .mem = c->mem,
			    .table = ttbr & 0x0000fffffffffffeull,
			    .va_bits = 64 - size,
			    .page_bits = upper ? granule1[tcr >> 30 & 3]
					       : granule0[tcr >> 14 & 3] };
	return w->page_bits && size >= 16 && size <= 39;
}

static bool load64(const struct gmem *mem, uint64_t gpa, uint64_t *val)
{
	return gmem_read(mem, gpa, val, sizeof(*val)) == 0;
}

/* @va's physical address in *@pa. */
static bool walk(const struct walk *w, uint64_t va, uint64_t *pa)
{
	const unsigned step = w->page_bits - 3;
	unsigned levels = (w->va_bits - w->page_bits + step - 1) / step;
	uint64_t table = w->table, desc, mask;
	unsigned shift;

	va &= (1ull << w->va_bits) - 1;
	for (; levels; levels--) {
		shift = w->page_bits + (levels - 1) * step;
		if (!load64(w->mem,
			    table + (va >> shift & ((1u << step) - 1)) * 8,
			    &desc) ||
		    !(desc & DESC_VALID))
			return false;
		if (levels == 1 && !(desc & DESC_TABLE))
			return false;
		if (levels == 1 || !(desc & DESC_TABLE)) {
			mask = (1ull << shift) - 1;
			*pa = (desc & DESC_ADDR & ~mask) | (va & mask);
			return true;
		}
		table = desc & DESC_ADDR & ~((1ull << w->page_bits) - 1);
	}
	return false;
}

static bool mmu_is_on(const struct code *c, bool *on)
{
	uint64_t sctlr;

	if (vcpu_get_reg(c->v, c->regime->sctlr, &sctlr) < 0)
		return false;
	*on = sctlr & SCTLR_M;
	return true;
}

static bool translate(const struct code *c, uint64_t va, uint64_t *pa)
{
	struct walk w;
	bool on;

	*pa = va;
	return mmu_is_on(c, &on) &&
	       (!on || (walk_of(c, va, &w) && walk(&w, va, pa)));
}

/* A hint (WFI, WFE, NOP, ...) or a barrier: DDI 0487, C4.1.94. */
static bool is_idle(uint32_t insn)
{
	return (insn & 0xfffff01f) == 0xd503201f ||
	       (insn & 0xfffff01f) == 0xd503301f;
}

/* B, by how many instructions: a signed number of 26 bits. */
static bool is_branch(uint32_t insn, int *by)
{
	*by = (int32_t)(insn << 6) >> 6;
	return insn >> 26 == 5;
}

static bool fetch(const struct code *c, uint64_t va, uint32_t *insn)
{
	uint64_t pa;

	return translate(c, va, &pa) && gmem_load32(c->mem, pa, insn) == 0;
}

/* From @pc on: idle instructions, and a branch back over such. */
static bool is_idle_loop(const struct code *c, uint64_t pc)
{
	uint32_t insn;
	int by = 0, i;

	for (i = 0;; i++) {
		if (i == LOOP_LENGTH || !fetch(c, pc + 4 * i, &insn))
			return false;
		if (is_branch(insn, &by))
			break;
		if (!is_idle(insn))
			return false;
	}
	if (by > 0 || by < -LOOP_LENGTH)
		return false;
	for (; by < 0; by++)
		if (!fetch(c, pc + 4 * (i + by), &insn) || !is_idle(insn))
			return false;
	return true;
}

bool vcpu_is_stuck(const struct vcpu *v, const struct gmem *mem)
{
	const struct code c = { v, mem, &regimes[0] };
	uint64_t pstate, pc;

	if (vcpu_get_reg(v, CORE_REG(regs.pstate), &pstate) < 0 ||
	    vcpu_get_reg(v, CORE_REG(regs.pc), &pc) < 0)
		return false;
	return (pstate & (PSTATE_I | PSTATE_F)) == (PSTATE_I | PSTATE_F) &&
	       !(pstate & PSTATE_NRW) && (pstate & PSTATE_EL) == PSTATE_EL1 &&
	       is_idle_loop(&c, pc);
}

/* WFE or WFI. */
static bool is_parking(uint32_t insn)
{
	return insn == 0xd503205f || insn == 0xd503207f;
}

/* WFE, WFET, WFIT, YIELD, or a look at the virtual or the physical counter. */
static bool is_waiting(uint32_t insn)
{
	const uint32_t reg = insn & 0xffffffe0;

	return insn == 0xd503205f || insn == 0xd503203f || reg == 0xd5031000 ||
	       reg == 0xd5031020 || reg == 0xd53be020 || reg == 0xd53be040 ||
	       reg == 0xd53be0a0 || reg == 0xd53be0c0;
}

/* Is there one within some instructions of @pc, before it or behind? */
static bool has_near(const struct code *c, uint64_t pc, bool (*fn)(uint32_t))
{
	uint32_t insn;
	int i;

	for (i = -LOOP_LENGTH; i <= LOOP_LENGTH; i++)
		if (fetch(c, pc + 4 * i, &insn) && fn(insn))
			return true;
	return false;
}

/* Linux masks no asynchronous abort there, and its code is not looked at. */
static enum posture posture32(const struct vcpu *v, uint64_t cpsr,
			      uint64_t *frame)
{
	/* R13_svc, as AArch64 has it (DDI 0487, D1.20.1). */
	if ((cpsr & MODE32) != MODE32_SVC ||
	    vcpu_get_reg(v, CORE_REG(regs.regs[19]), frame) < 0)
		return POSTURE_OTHER;
	if (!(cpsr & PSTATE_I))
		return POSTURE_DELAY;
	return cpsr & PSTATE_F ? POSTURE_PARKED : POSTURE_OTHER;
}

enum posture vcpu_posture(const struct vcpu *v, const struct gmem *mem,
			  bool el2, uint64_t *frame)
{
	struct code c = { v, mem, &regimes[0] };
	uint64_t pstate, pc, hcr;
	bool on;

	if (vcpu_get_reg(v, CORE_REG(regs.pstate), &pstate) < 0 ||
	    vcpu_get_reg(v, CORE_REG(regs.pc), &pc) < 0)
		return POSTURE_OTHER;
	if (el2 && (vcpu_get_reg(v, HCR_EL2, &hcr) < 0 || hcr & HCR_VM))
		return POSTURE_OTHER;
	if (pstate & PSTATE_NRW)
		return posture32(v, pstate, frame);
	if (el2 && (pstate & PSTATE_EL) == PSTATE_EL2)
		c.regime = &regimes[1];
	else if ((pstate & PSTATE_EL) != PSTATE_EL1)
		return POSTURE_OTHER;
	if (!mmu_is_on(&c, &on) || !on ||
	    vcpu_get_reg(v, CORE_REG(regs.regs[29]), frame) < 0)
		return POSTURE_OTHER;
	if ((pstate & PSTATE_DAIF) == PSTATE_DAIF)
		return has_near(&c, pc, is_parking) ? POSTURE_PARKED
						    : POSTURE_OTHER;
	return !(pstate & PSTATE_I) && has_near(&c, pc, is_waiting)
		       ? POSTURE_DELAY
		       : POSTURE_OTHER;
}
