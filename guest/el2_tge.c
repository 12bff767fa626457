/* SPDX-License-Identifier: MIT */
/*
 * HCR_EL2.TGE: exceptions from EL0 that would go to EL1 go to EL2, so that a
 * host's kernel at EL2 has user space right below it. Without the bit the same
 * program's SVC goes to a kernel at EL1.
 *
 * BREAK 1: HCR_EL2.TGE is clear
 */
#include "guest/rt/el2.h"

#define SVC_IMM	   5
#define HVC_KERNEL 1

static struct l2 l2;
static char stack[8192] __attribute__((aligned(16)));

void program(void);
asm(".text\n"
    "program:\n"
    "	svc	#5\n"
    "	b	program\n");

/* The kernel at EL1: it tells us that it was called. */
static bool on_svc(struct frame *f, unsigned kind)
{
	(void)kind;
	if (ESR_EC(f->esr) != EC_SVC64)
		return false;
	hvc(HVC_KERNEL);
	return true;
}

static void begin(uint64_t tge)
{
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | tge);
	isb();
	reg("HCR_EL2", el2_read(HCR_EL2));
	l2.pc = (uintptr_t)program;
	l2.pstate = SPSR_EL0T | SPSR_DAIF;
}

static void run(void)
{
	l2_run(&l2);
}

static void check_without(void)
{
	step("tge.clear");
	begin(0);
	l2_expect(&l2, EC_HVC64);
	reg("ESR_EL2", l2.esr);
	reg("ESR_EL1", el1_read(ESR));
	if (ESR_IMM16(l2.esr) != HVC_KERNEL)
		fail("no kernel at EL1 was called");
	pass("without TGE, EL0's SVC goes to the kernel at EL1");
}

static void check_with(void)
{
	struct cost cost;

	step("tge.set");
	begin(BROKEN(1) ? 0 : HCR_TGE);
	l2_expect(&l2, EC_SVC64);
	reg("ESR_EL2", l2.esr);
	reg("SPSR_EL2", l2.pstate);
	if (ESR_IMM16(l2.esr) != SVC_IMM)
		fail("another SVC than the program's");
	if (l2.pc != (uintptr_t)program + 4)
		fail("the program would go on at %x", l2.pc);
	if ((l2.pstate & 0xf) != SPSR_EL0T)
		fail("it was not at EL0");
	cost = cost_of(run);
	cost_print(cost);
	pass("with TGE, it comes to EL2, as to a kernel");
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	exception_hook = on_svc;
	l2_init(&l2, NULL, 0, stack + sizeof(stack));
	l2_load(&l2);
	check_without();
	check_with();
	return 0;
}
