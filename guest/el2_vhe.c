/* SPDX-License-Identifier: MIT */
/*
 * The Virtualization Host Extensions: with HCR_EL2.E2H, an instruction at EL2
 * that names an EL1 register means EL2's, so that a kernel written for EL1 runs
 * there unchanged. What a guest has at EL1 gets names of its own, _EL12. EL2
 * also gets a second half of its address space, by TTBR1_EL2.
 *
 * BREAK 1: the guest's VBAR_EL1 is set by its plain name
 * BREAK 2: TTBR1_EL2 points to an empty table
 */
#include "guest/rt/pt.h"

#define OURS   0x40000800u /* look like vectors, and nothing is taken there */
#define THEIRS 0x40001000u
#define WORD   0x600df00du

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));
static volatile uint64_t word = WORD;

static uint64_t read_vbar(uint64_t arg)
{
	(void)arg;
	return sysreg_read(VBAR_EL1);
}

static void write_vbars(void)
{
	el2_write(VBAR_EL12, THEIRS);
	sysreg_write(VBAR_EL1, OURS);
}

static void check_names(void)
{
	uint64_t vectors = el2_read(VBAR_EL2), ours, plain, theirs;
	struct cost cost;

	step("vhe.names");
	cost = cost_of(write_vbars);
	ours = el2_read(VBAR_EL2);
	plain = sysreg_read(VBAR_EL1);
	theirs = el2_read(VBAR_EL12);
	el2_write(VBAR_EL2, vectors);
	isb();
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("VBAR_EL2", ours);
	reg("VBAR_EL1", plain);
	reg("VBAR_EL12", theirs);
	if (ours != OURS || plain != OURS)
		fail("VBAR_EL1 does not name VBAR_EL2");
	if (theirs != THEIRS)
		fail("VBAR_EL12 does not keep what it was given");
	cost_print(cost);
	pass("at EL2, VBAR_EL1 names VBAR_EL2, and VBAR_EL12 another register");
}

static void check_guest(void)
{
	uint64_t vectors = el2_read(VBAR_EL2);

	step("vhe.guest");
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC);
	l2_init(&l2, read_vbar, 0, stack + sizeof(stack));
	l2_load(&l2);
	if (BROKEN(1))
		sysreg_write(VBAR_EL1, vectors);
	else
		el2_write(VBAR_EL12, THEIRS);
	isb();
	l2_expect(&l2, EC_HVC64);
	reg("VBAR_EL2", el2_read(VBAR_EL2));
	reg("VBAR_EL12", el2_read(VBAR_EL12));
	if (l2.x[0] != THEIRS)
		fail("the guest's VBAR_EL1 is %x", l2.x[0]);
	if (el2_read(VBAR_EL2) != vectors)
		fail("VBAR_EL2 has changed");
	pass("VBAR_EL12 is what the guest finds in its VBAR_EL1");
}

/* The same RAM, low through TTBR0_EL2 and high through TTBR1_EL2. */
static void check_ttbr1(void)
{
	pte_t *low = pt_new(), *high = pt_new();
	uint64_t alias = (S1_HIGH + (uintptr_t)&word), seen, ttbr1;

	step("vhe.ttbr1");
	pt_map(low, MAP_RAM_BASE, MAP_RAM_BASE, 32ull << 20, S1_RAM);
	pt_map(low, 0x08000000, 0x08000000, 32ull << 20, S1_DEVICE);
	if (!BROKEN(2))
		pt_map(high, MAP_RAM_BASE, MAP_RAM_BASE, 32ull << 20, S1_RAM);
	el2_write(MAIR_EL2, S1_MAIR);
	el2_write(TCR_EL2, s1_tcr());
	el2_write(TTBR0_EL2, (uintptr_t)low);
	el2_write(TTBR1_EL2, (uintptr_t)high);
	el2_tlbi_all(alle2);
	dsb();
	isb();
	el2_write(SCTLR_EL2, SCTLR_EL1_RES1 | SCTLR_M);
	isb();
	seen = *(volatile uint64_t *)alias;
	ttbr1 = el2_read(TTBR1_EL2);
	el2_write(SCTLR_EL2, SCTLR_EL1_RES1);
	isb();
	reg("TCR_EL2", el2_read(TCR_EL2));
	reg("TTBR1_EL2", ttbr1);
	if (seen != WORD)
		fail("%x reads as %x", alias, seen);
	pass("TTBR1_EL2 maps the upper half, where kernels live");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	if (!el2_vhe)
		fail("this EL2 has no VHE: it takes --nested=vhe");
	check_names();
	check_guest();
	check_ttbr1();
	return 0;
}
