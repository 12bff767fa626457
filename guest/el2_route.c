/* SPDX-License-Identifier: MIT */
/*
 * Where L2's exceptions go. To its own EL1: SVC, and faults of its own tables,
 * stage 1. To EL2: HVC, and faults of ours, stage 2. SMC: to EL2 with
 * HCR_EL2.TSC, else to the monitor, which is what PSCI is called by here.
 *
 * What goes to EL1 costs L0 nothing.
 *
 * BREAK 1: HCR_EL2.TSC is clear
 * BREAK 2: HCR_EL2.VM is clear
 * BREAK 3: L2's SCTLR_EL1.M is clear
 */
#include "guest/rt/pt.h"

#define VA	     0x80000000ull
#define IPA	     0x70000000ull
#define HOLE1	     PT_PAGE_MAX       /* L2's tables map nothing there */
#define HOLE2	     (2 * PT_PAGE_MAX) /* and ours nothing there */
#define WORD	     0x600df00du
#define SVC_IMM	     3
#define HVC_IMM	     4
#define PSCI_VERSION 0x84000000u
#define PSCI_1_0     0x10000u

static struct page {
	uint64_t word[PT_PAGE_MAX / 8];
} page __attribute__((aligned(PT_PAGE_MAX)));

static struct l2 l2;
static char stack[8192] __attribute__((aligned(16)));
static pte_t *stage1, *stage2;

/* What L2's own handler has seen at EL1; it skips what faulted. */
static volatile struct {
	uint64_t count, esr, far;
} at_el1;

static bool on_exception(struct frame *f, unsigned kind)
{
	if (kind != EXC_SYNC || ESR_EC(f->esr) == EC_IABT_CUR)
		return false;
	at_el1.count = at_el1.count + 1;
	at_el1.esr = f->esr;
	at_el1.far = f->far;
	if (ESR_EC(f->esr) == EC_DABT_CUR)
		f->pc += 4;
	return true;
}

static uint64_t do_svc(uint64_t arg)
{
	for (;;) {
		asm volatile("svc #%0" ::"i"(SVC_IMM) : "memory");
		hvc(HVC_IMM);
	}
	return arg;
}

static uint64_t do_hvc(uint64_t arg)
{
	hvc(HVC_IMM);
	return arg;
}

static uint64_t do_load(uint64_t va)
{
	return *(volatile uint64_t *)va;
}

static uint64_t do_smc(uint64_t fn)
{
	register uint64_t x0 asm("x0") = fn;

	asm volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	return x0;
}

static void begin(uint64_t (*entry)(uint64_t), uint64_t arg)
{
	l2_init(&l2, entry, arg, stack + sizeof(stack));
	l2.el1.mair = S1_MAIR;
	l2.el1.tcr = s1_tcr();
	l2.el1.ttbr0 = (uintptr_t)stage1;
	if (!BROKEN(3))
		l2.el1.sctlr |= SCTLR_M;
	l2_load(&l2);
	at_el1.count = 0;
}

static void run(void)
{
	l2_run(&l2);
}

/* To the end of L2's function, and nothing else comes to EL2. */
static void must_return(void)
{
	l2_expect(&l2, EC_HVC64);
	if (ESR_IMM16(l2.esr) != HVC_RETURN)
		fail("L2 made a hypercall instead");
}

static void must_be_at_el1(int ec)
{
	reg("ESR_EL1", at_el1.esr);
	if (at_el1.count != 1 || ESR_EC(at_el1.esr) != (unsigned)ec)
		fail("L2's EL1 has seen %u exceptions, ESR_EL1 %x",
		     at_el1.count, at_el1.esr);
}

static void check_svc(void)
{
	struct cost cost;

	step("route.svc");
	begin(do_svc, 0);
	l2_expect(&l2, EC_HVC64);
	must_be_at_el1(EC_SVC64);
	reg("ESR_EL2", l2.esr);
	cost = cost_of(run);
	cost_print(cost);
	pass("SVC goes to L2's EL1; the exits are ERET and the HVC after it");
}

static void check_hvc(void)
{
	step("route.hvc");
	begin(do_hvc, 0);
	l2_expect(&l2, EC_HVC64);
	reg("ESR_EL2", l2.esr);
	if (ESR_IMM16(l2.esr) != HVC_IMM)
		fail("another HVC than L2's");
	must_return();
	pass("HVC comes to EL2");
}

static void check_stage1(void)
{
	step("route.stage-1");
	begin(do_load, VA + HOLE1);
	must_return();
	must_be_at_el1(EC_DABT_CUR);
	reg("FAR_EL1", at_el1.far);
	if (at_el1.far != VA + HOLE1)
		fail("FAR_EL1 is %x", at_el1.far);
	pass("a hole in L2's own tables is L2's own matter");
}

static void check_stage2(void)
{
	step("route.stage-2");
	begin(do_load, VA + HOLE2);
	l2_expect(&l2, EC_DABT_LOW);
	reg("ESR_EL2", l2.esr);
	reg("FAR_EL2", l2.far);
	reg("HPFAR_EL2", l2.hpfar);
	if (l2.far != VA + HOLE2 || HPFAR_IPA(l2.hpfar) != IPA + HOLE2)
		fail("FAR_EL2 and HPFAR_EL2 tell of other addresses");
	pt_map(stage2, IPA + HOLE2, (uintptr_t)&page, pt_page(), S2_RAM);
	must_return();
	if (l2.x[0] != WORD)
		fail("L2 read %x", l2.x[0]);
	pass("a hole in stage 2 comes to EL2, with L2's address and the IPA");
}

static void set_hcr(uint64_t bits)
{
	el2_write(HCR_EL2,
		  hcr_base() | HCR_VGIC | (BROKEN(2) ? 0 : HCR_VM) | bits);
	isb();
}

static void check_smc(void)
{
	step("route.smc-tsc-clear");
	set_hcr(0);
	begin(do_smc, PSCI_VERSION);
	must_return();
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("X0", l2.x[0]);
	if (l2.x[0] < PSCI_1_0 || l2.x[0] >> 31)
		fail("the monitor answered %x", l2.x[0]);
	pass("without TSC, the monitor answers L2's SMC, past us");

	step("route.smc-tsc-set");
	set_hcr(BROKEN(1) ? 0 : HCR_TSC);
	begin(do_smc, PSCI_VERSION);
	l2_expect(&l2, EC_SMC64);
	reg("HCR_EL2", el2_read(HCR_EL2));
	reg("ESR_EL2", l2.esr);
	reg("ELR_EL2", l2.pc);
	/* A trapped SMC has not run: ELR_EL2 points to it. */
	l2.pc += 4;
	l2.x[0] = WORD;
	must_return();
	if (l2.x[0] != WORD)
		fail("L2 has %x for an answer", l2.x[0]);
	pass("with TSC, L2's SMC comes to EL2, and we answer it");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	exception_hook = on_exception;
	page.word[0] = WORD;
	stage1 = pt_new();
	pt_map(stage1, MAP_RAM_BASE, MAP_RAM_BASE, 32ull << 20, S1_RAM);
	pt_map(stage1, VA, IPA, pt_page(), S1_RAM);
	pt_map(stage1, VA + HOLE2, IPA + HOLE2, pt_page(), S1_RAM);
	stage2 = pt_new();
	s2_map_self(stage2);
	pt_map(stage2, IPA, (uintptr_t)&page, pt_page(), S2_RAM);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(stage2, 1));
	isb();
	s2_flush_all();
	set_hcr(0);
	check_svc();
	check_hvc();
	check_stage1();
	check_stage2();
	check_smc();
	return 0;
}
