/* SPDX-License-Identifier: MIT */
/*
 * Nested virtualization, seen from above: we do for L2 what L0 does for us.
 * HCR_EL2.NV makes L2, which runs at EL1, believe that it is at EL2. With NV2,
 * VNCR_EL2 says where in memory its EL2 registers wait, so that it can prepare
 * a guest of its own without an exit. What cannot wait traps to us: registers
 * that act at once, and ERET.
 *
 * Takes --nested=vhe, and recursion (not --nested-depth=1). NV1, which would
 * tell L2 that its EL2 has no VHE, is RES0 under KVM: it offers nesting only to
 * an EL2 with VHE, and for such only (ID_AA64MMFR4_EL1: NV_frac 1, E2H0 14).
 *
 * BREAK 1: HCR_EL2.NV is clear
 * BREAK 2: VNCR_EL2 is not set
 * BREAK 3: VNCR_EL2 names another page
 * BREAK 4: L2's ERET is not given the address from ELR_EL2
 * BREAK 5: the register that L2 wrote to TTBR0_EL2 is not looked at
 */
#include "guest/rt/el2.h"

/* Where registers are in the page, in bytes (Arm ARM, VNCR_EL2). */
#define VNCR_VTTBR_EL2 0x020
#define VNCR_TPIDR_EL2 0x090

#define NV_FRAC(mmfr4) ((mmfr4) >> 20 & 0xf)

#define ITS_VTTBR 0x0042000012345000ull
#define ITS_TTBR  0x56789000ull
#define ITS_TPIDR 0x1234567ull

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));
static struct {
	volatile uint64_t at[512];
} pages[2] __attribute__((aligned(4096)));
#define page (pages[0].at)

/* --- L2, which is a hypervisor as far as it can see --- */

static uint64_t current_el(uint64_t v)
{
	(void)v;
	return sysreg_read(CurrentEL);
}

/* Registers that matter only when L2 enters a guest. */
static uint64_t prepare_guest(uint64_t v)
{
	el2_write(VTTBR_EL2, v);
	return el2_read(TPIDR_EL2);
}

static uint64_t set_ttbr0(uint64_t v)
{
	el2_write(TTBR0_EL2, v);
	return v;
}

/* To the label, as from an exception that L2 had at its EL2. */
static uint64_t eret(uint64_t v)
{
	asm volatile("msr spsr_el2, %1\n"
		     "adr %1, 1f\n"
		     "msr elr_el2, %1\n"
		     "eret\n"
		     "mov %0, #0\n"
		     "1:"
		     : "+r"(v)
		     : "r"(SPSR_EL2H | SPSR_DAIF)
		     : "memory");
	return v;
}

/* --- its hypervisor --- */

static void restart(uint64_t (*entry)(uint64_t), uint64_t arg)
{
	l2_init(&l2, entry, arg, stack + sizeof(stack));
	l2_load(&l2);
}

static void set_nv(bool nv)
{
	el2_write(VNCR_EL2, BROKEN(2) ? 0 : (uintptr_t)&pages[BROKEN(3)]);
	el2_write(HCR_EL2,
		  hcr_base() | HCR_IMO | HCR_FMO | (nv ? HCR_NV | HCR_NV2 : 0));
	isb();
}

static void check_el(bool nv)
{
	step(nv ? "nv.el2" : "nv.el1");
	set_nv(nv && !BROKEN(1));
	restart(current_el, 0);
	l2_expect(&l2, EC_HVC64);
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("CurrentEL", l2.x[0]);
	if (l2.x[0] != (nv ? 2 : 1) << 2)
		fail("L2's CurrentEL is %x", l2.x[0]);
	pass(nv ? "with HCR_EL2.NV, CurrentEL tells L2 that it is at EL2"
		: "without, that it is at EL1");
}

static void prepare_again(void)
{
	l2_init(&l2, prepare_guest, ITS_VTTBR, stack + sizeof(stack));
	l2_run(&l2);
}

static void check_deferred(void)
{
	uint64_t ours = el2_read(VTTBR_EL2);
	struct cost cost;

	step("nv.vncr");
	page[VNCR_VTTBR_EL2 / 8] = 0;
	page[VNCR_TPIDR_EL2 / 8] = ITS_TPIDR;
	restart(prepare_guest, ITS_VTTBR);
	l2_expect(&l2, EC_HVC64);
	reg("VNCR_EL2", el2_read(VNCR_EL2));
	reg("VNCR_EL2[0x020]", page[VNCR_VTTBR_EL2 / 8]);
	reg("VTTBR_EL2", el2_read(VTTBR_EL2));
	if (page[VNCR_VTTBR_EL2 / 8] != ITS_VTTBR)
		fail("the page has %x for L2's VTTBR_EL2",
		     page[VNCR_VTTBR_EL2 / 8]);
	if (l2.x[0] != ITS_TPIDR)
		fail("L2's TPIDR_EL2 is %x", l2.x[0]);
	if (el2_read(VTTBR_EL2) != ours)
		fail("our own VTTBR_EL2 has changed");
	cost = cost_of(prepare_again);
	cost_print(cost);
	pass("L2's VTTBR_EL2 is a word of our page, written without a trap");
}

static void check_trapped(void)
{
	uint64_t theirs = 0;

	step("nv.trap");
	restart(set_ttbr0, ITS_TTBR);
	l2_expect(&l2, EC_SYS64);
	reg("ESR_EL2", l2.esr);
	if (ESR_SYS_REG(l2.esr) != ESR_SYS(3, 4, 2, 0, 0) ||
	    ESR_SYS_READ(l2.esr))
		fail("ESR_EL2 does not tell of a write to TTBR0_EL2");
	if (!BROKEN(5))
		theirs = l2.x[ESR_RT(l2.esr)];
	l2.pc += 4;
	l2_expect(&l2, EC_HVC64);
	if (theirs != ITS_TTBR)
		fail("L2's TTBR0_EL2 is %x", theirs);
	pass("L2's write of TTBR0_EL2 traps, for it would act at once");
}

/*
 * ELR_EL2 and SPSR_EL2 at L2's EL2 are in truth EL1's, where exceptions to what
 * L2 calls EL2 leave them: neither memory nor a trap.
 */
static void check_eret(void)
{
	step("nv.eret");
	restart(eret, ITS_TPIDR);
	l2_expect(&l2, EC_ERET);
	reg("ESR_EL2", l2.esr);
	reg("ELR_EL12", el1_read(ELR));
	reg("SPSR_EL12", el1_read(SPSR));
	if ((el1_read(SPSR) & 0xf) != SPSR_EL2H)
		fail("L2 does not return to its EL2");
	if (BROKEN(4))
		l2.pc += 4;
	else
		l2.pc = el1_read(ELR);
	l2_expect(&l2, EC_HVC64);
	if (l2.x[0] != ITS_TPIDR)
		fail("L2 did not go on where its ELR_EL2 says");
	pass("L2's ERET traps, and we return in its stead");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	/* ID_AA64MMFR4_EL1 */
	if (!NV_FRAC(sysreg_read(S3_0_C0_C7_4)))
		fail("this EL2 cannot nest: it takes --nested=vhe");
	check_el(false);
	check_el(true);
	check_deferred();
	check_trapped();
	check_eret();
	return 0;
}
