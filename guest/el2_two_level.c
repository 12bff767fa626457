/* SPDX-License-Identifier: MIT */
/*
 * Two levels: our guest L2 is a hypervisor, at a virtual EL2 that we give it,
 * and runs L3. L2 is written as any payload here is, with l2_run() and stage 2.
 *
 * L3 runs on the same EL1 as L2, so we switch that: at L2's ERET the state that
 * it left for L3 in the VNCR_EL2 page goes to the registers, and back when L3
 * has an exception, which we hand to L2's vector. L3's stage 2 is our shadow of
 * what L2's tables say, filled as L3 faults: KVM does the same for us.
 *
 * BREAK 1: HCR_EL2.NV stays set for L3
 * BREAK 2: L2 is not told the syndrome of L3's exception
 * BREAK 3: the shadow is not filled
 * BREAK 4: the exception goes to L2's vector for its own level
 */
#include "guest/rt/pt.h"

/* Bytes in the page (Arm ARM, VNCR_EL2); names without NV2 are EL1's. */
#define VNCR_VTTBR_EL2 0x020
#define VNCR_SCTLR_EL1 0x110
#define VNCR_SP_EL1    0x240
#define VNCR_VBAR_EL1  0x250
#define PAGE(reg)      (page.at[VNCR_##reg / 8])

#define NV_FRAC(mmfr4) ((mmfr4) >> 20 & 0xf)
#define VECTOR_LOWER   (BROKEN(4) ? 0x200 : 0x400)

#define PRIVATE	   0x80000000ull /* an IPA of L3's */
#define ROUNDS	   5u
#define MOST_FILLS 32u
#define SECRET	   0x5ec0u

static struct {
	volatile uint64_t at[512];
} page __attribute__((aligned(4096))),
	theirs __attribute__((aligned(PT_PAGE_MAX)));

static struct l2 vcpu, l3;
static char l2_stack[4096] __attribute__((aligned(16)));
static char l3_stack[4096] __attribute__((aligned(16)));

/* --- L3 --- */

static uint64_t be_l3(uint64_t n)
{
	register uint64_t x0 asm("x0") = n;
	unsigned i;

	if (sysreg_read(CurrentEL) != 1 << 2)
		return 0;
	for (i = 0; i < ROUNDS; i++)
		asm volatile("hvc #3" : "+r"(x0) : : "memory");
	return x0 + *(volatile uint64_t *)PRIVATE;
}

/* --- L2 --- */

/* Adds one at each call of its guest's, until that returns. */
static uint64_t be_l2(uint64_t v)
{
	pte_t *root = pt_new();

	(void)v;
	s2_map_self(root);
	pt_map(root, PRIVATE, (uintptr_t)&theirs, pt_page(), S2_RAM);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(root, 7));
	el2_write(HCR_EL2, hcr_base() | HCR_IMO | HCR_FMO | HCR_VM);
	l2_init(&l3, be_l3, 0, l3_stack + sizeof(l3_stack));
	l2_load(&l3);
	for (;;) {
		int ec = l2_run(&l3);

		if (ec != EC_HVC64)
			fail("L3 came out to L2 with ESR_EL2 %x", l3.esr);
		if (ESR_IMM16(l3.esr) == HVC_RETURN)
			return l3.x[0];
		l3.x[0]++;
	}
}

/* --- L1 --- */

static uint64_t our_s2, shadow_s2;
static pte_t *shadow;
static unsigned fills;

/* What EL1's registers are for L2 while L3 has them. */
static struct {
	uint64_t sctlr, sp, vbar;
} vel2;
static uint64_t l3_cntkctl;

static void set_level(bool nv, uint64_t vttbr)
{
	el2_write(VTTBR_EL2, vttbr);
	el2_write(HCR_EL2, hcr_base() | HCR_IMO | HCR_FMO | HCR_VM |
				   (nv ? HCR_NV | HCR_NV2 : 0));
}

/* The one register that L2 writes for L3 and that has no place in the page. */
static void write_cntkctl(void)
{
	if (ESR_SYS_REG(vcpu.esr) != ESR_SYS(3, 5, 14, 1, 0) ||
	    ESR_SYS_READ(vcpu.esr))
		fail("L2 came out at %x with ESR_EL2 %x", vcpu.pc, vcpu.esr);
	l3_cntkctl = ESR_RT(vcpu.esr) == 31 ? 0 : vcpu.x[ESR_RT(vcpu.esr)];
	vcpu.pc += 4;
}

/* L2's ERET: where and how L2 says, with the EL1 that it has prepared. */
static void enter_l3(void)
{
	vcpu.pc = el1_read(ELR);
	vcpu.pstate = el1_read(SPSR);
	vel2.sctlr = el1_read(SCTLR);
	vel2.sp = el2_read(SP_EL1);
	vel2.vbar = el1_read(VBAR);
	el1_write(SCTLR, PAGE(SCTLR_EL1));
	el2_write(SP_EL1, PAGE(SP_EL1));
	el1_write(VBAR, PAGE(VBAR_EL1));
	el1_write(CNTKCTL, l3_cntkctl);
	set_level(BROKEN(1), shadow_s2);
	isb();
}

/* L3's exception, as L2's virtual EL2 takes it. */
static void reflect(void)
{
	PAGE(SCTLR_EL1) = el1_read(SCTLR);
	PAGE(SP_EL1) = el2_read(SP_EL1);
	PAGE(VBAR_EL1) = el1_read(VBAR);
	el1_write(SCTLR, vel2.sctlr);
	el2_write(SP_EL1, vel2.sp);
	el1_write(VBAR, vel2.vbar);
	el1_write(ELR, vcpu.pc);
	el1_write(SPSR, vcpu.pstate);
	el1_write(ESR, BROKEN(2) ? 0 : vcpu.esr);
	vcpu.pc = vel2.vbar + VECTOR_LOWER;
	vcpu.pstate = SPSR_EL1H | SPSR_DAIF;
	set_level(true, our_s2);
	isb();
}

/* Both stages together: L2's is an identity of ours, and so there is one. */
static void fill_shadow(void)
{
	uint64_t ipa = HPFAR_IPA(vcpu.hpfar);
	pte_t pte = pt_get((pte_t *)(PAGE(VTTBR_EL2) & PTE_ADDR), ipa);
	uint64_t size = (pte & 3) == 1 ? pt_block() : pt_page();

	if (!(pte & 1) || ++fills > MOST_FILLS)
		fail("L3 faults at %x, for which L2 has %x", ipa, pte);
	if (!BROKEN(3))
		pt_map(shadow, ipa & ~(size - 1), pte & PTE_ADDR, size, S2_RAM);
}

static void set_up(void)
{
	pte_t *root = pt_new();

	s2_map_self(root);
	/* L2 may have something to say, too. */
	pt_map(root, MAP_UART_BASE, MAP_UART_BASE, pt_page(), S2_DEVICE);
	pt_map(root, MAP_PVPANIC_BASE, MAP_PVPANIC_BASE, pt_page(), S2_DEVICE);
	shadow = pt_new();
	our_s2 = s2_vttbr(root, 1);
	shadow_s2 = s2_vttbr(shadow, 2);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VNCR_EL2, (uintptr_t)&page);
	set_level(true, our_s2);
	isb();
	theirs.at[0] = SECRET;
}

/*
 * Runs L2 and L3 to L2's end; the cost of a call of L3's to L2 and back, which
 * is two ERETs of ours, one of L2's, L3's HVC, and our own CNTKCTL_EL12.
 */
static struct cost run(void)
{
	struct cost cost = { 0 }, least = { .exits = -1ull };
	bool in_l3 = false;
	int ec;

	for (;;) {
		ec = l2_run(&vcpu);
		if (ec == EC_ERET && !in_l3) {
			enter_l3();
			in_l3 = true;
		} else if (ec == EC_SYS64 && !in_l3) {
			write_cntkctl();
		} else if (in_l3 && (ec == EC_DABT_LOW || ec == EC_IABT_LOW)) {
			fill_shadow();
		} else if (in_l3 && ec == EC_HVC64) {
			exits_end(&cost);
			if (cost.ops && cost.exits < least.exits)
				least = cost;
			reflect();
			in_l3 = false;
			exits_begin(&cost);
		} else if (ec == EC_HVC64) {
			return least;
		} else {
			fail("L%u came out at %x with kind %u, ESR_EL2 %x",
			     in_l3 ? 3ull : 2ull, vcpu.pc, vcpu.kind, vcpu.esr);
		}
	}
}

int main(uint64_t fdt)
{
	struct cost cost;

	(void)fdt;
	el2_init();
	/* ID_AA64MMFR4_EL1 */
	if (!NV_FRAC(sysreg_read(S3_0_C0_C7_4)))
		fail("this EL2 cannot nest: it takes --nested=vhe");
	step("two_level.call");
	set_up();
	l2_init(&vcpu, be_l2, 0, l2_stack + sizeof(l2_stack));
	l2_load(&vcpu);
	watchdog_start();
	cost = run();
	watchdog_stop();
	reg("VTTBR_EL2 of L2", PAGE(VTTBR_EL2));
	reg("VTTBR_EL2 for L3", shadow_s2);
	reg("x0", vcpu.x[0]);
	if (vcpu.x[0] != ROUNDS + SECRET)
		fail("L3 ended with %x", vcpu.x[0]);
	cost_print(cost);
	pass("L3 calls L2, L2 answers, and neither sees us");
	print("PASS %u faults filled L3's shadow stage 2\n", (uint64_t)fills);
	return 0;
}
