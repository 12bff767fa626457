/* SPDX-License-Identifier: MIT */
/*
 * EL2 set-up, the state of an L2 as C sees it, a watchdog, and the counting of
 * exits. The world switch itself is in guest/rt/switch.S.
 */
#include "guest/rt/el2.h"

#define ID_AA64MMFR1_VH(v) ((v) >> 8 & 0xf)

#define CPTR_VHE_FPEN	   (3ull << 20) /* E2H: trap no floating point */
#define CPTR_NVHE_RES1	   0x33ffull	/* TFP, bit 10, is RES0 in it */
#define CPTR_NVHE_TFP	   (1ull << 10)
#define CNTHCTL_VHE_EL1	   (3ull << 10) /* EL1PCTEN, EL1PTEN */
#define CNTHCTL_NVHE_EL1   3ull		/* EL1PCTEN, EL1PCEN */
#define ACCESSES_OF_L2_RUN 8 /* ELR and SPSR twice, ESR, FAR, ERET, the exit */

/* As switch.S has it. */
_Static_assert(offsetof(struct l2, x[30]) == 240, "L2_LR");
_Static_assert(offsetof(struct l2, pc) == 248, "L2_PC");
_Static_assert(offsetof(struct l2, kind) == 264, "L2_KIND");
_Static_assert(offsetof(struct l2, esr) == 272, "L2_ESR");

#define RUNS 10u

uint64_t el2_ops;
bool el2_vhe;

void l2_enter(struct l2 *);
void l2_return(void);
extern char vectors[];

uint64_t hcr_base(void)
{
	return HCR_RW | (el2_vhe ? HCR_E2H : 0);
}

void el2_init(void)
{
	if (sysreg_read(CurrentEL) != 2 << 2)
		fail("this is EL1: it takes nestor run --nested");
	el2_vhe = ID_AA64MMFR1_VH(sysreg_read(id_aa64mmfr1_el1));
	el2_write(HCR_EL2, hcr_base());
	isb();
	el2_write(CPTR_EL2,
		  el2_vhe ? CPTR_VHE_FPEN : CPTR_NVHE_RES1 & ~CPTR_NVHE_TFP);
	el2_write(CNTHCTL_EL2, el2_vhe ? CNTHCTL_VHE_EL1 : CNTHCTL_NVHE_EL1);
	el2_write(CNTVOFF_EL2, 0);
	el2_write(HSTR_EL2, 0);
	/* KVM leaves nonsense in these two for L1 to replace. */
	el2_write(VPIDR_EL2, sysreg_read(midr_el1));
	el2_write(VMPIDR_EL2, sysreg_read(mpidr_el1));
	el2_write(VTTBR_EL2, 0);
	isb();
	el2_ops = 0;
}

void l2_init(struct l2 *l2, uint64_t (*entry)(uint64_t), uint64_t arg,
	     void *stack)
{
	*l2 = (struct l2){
		.x = { [0] = arg, [30] = (uintptr_t)l2_return },
		.pc = (uintptr_t)entry,
		.pstate = SPSR_EL1H | SPSR_DAIF,
		.el1.sctlr = SCTLR_EL1_RES1,
		.el1.vbar = (uintptr_t)vectors,
		.el1.sp = (uintptr_t)stack,
	};
}

void l2_load(const struct l2 *l2)
{
	el1_write(SCTLR, l2->el1.sctlr);
	el1_write(CPACR, l2->el1.cpacr);
	el1_write(TTBR0, l2->el1.ttbr0);
	el1_write(TTBR1, l2->el1.ttbr1);
	el1_write(TCR, l2->el1.tcr);
	el1_write(MAIR, l2->el1.mair);
	el1_write(VBAR, l2->el1.vbar);
	el1_write(ELR, l2->el1.elr);
	el1_write(SPSR, l2->el1.spsr);
	el1_write(ESR, l2->el1.esr);
	el1_write(FAR, l2->el1.far);
	el1_write(CONTEXTIDR, l2->el1.contextidr);
	el1_write(CNTKCTL, l2->el1.cntkctl);
	el2_write(SP_EL1, l2->el1.sp);
	/* These two have no other name, and never trap. */
	sysreg_write(SP_EL0, l2->el1.sp_el0);
	sysreg_write(TPIDR_EL1, l2->el1.tpidr);
	isb();
}

void l2_save(struct l2 *l2)
{
	l2->el1.sctlr = el1_read(SCTLR);
	l2->el1.cpacr = el1_read(CPACR);
	l2->el1.ttbr0 = el1_read(TTBR0);
	l2->el1.ttbr1 = el1_read(TTBR1);
	l2->el1.tcr = el1_read(TCR);
	l2->el1.mair = el1_read(MAIR);
	l2->el1.vbar = el1_read(VBAR);
	l2->el1.elr = el1_read(ELR);
	l2->el1.spsr = el1_read(SPSR);
	l2->el1.esr = el1_read(ESR);
	l2->el1.far = el1_read(FAR);
	l2->el1.contextidr = el1_read(CONTEXTIDR);
	l2->el1.cntkctl = el1_read(CNTKCTL);
	l2->el1.sp = el2_read(SP_EL1);
	l2->el1.sp_el0 = sysreg_read(SP_EL0);
	l2->el1.tpidr = sysreg_read(TPIDR_EL1);
}

static bool is_abort(unsigned ec)
{
	return ec == EC_IABT_LOW || ec == EC_DABT_LOW;
}

int l2_run(struct l2 *l2)
{
	unsigned ec;

	el2_ops += ACCESSES_OF_L2_RUN;
	l2_enter(l2);
	if (l2->kind != EXC_SYNC)
		return -1;
	ec = ESR_EC(l2->esr);
	if (is_abort(ec))
		l2->hpfar = el2_read(HPFAR_EL2);
	return ec;
}

void watchdog_start(void)
{
	gic_enable();
	gic_enable_intid(PPI_TIMER_HP + 16);
	/* By CVAL: TVAL is 32 bits, which at 1 GHz are two seconds. */
	el2_write(CNTHP_CVAL_EL2,
		  sysreg_read(cntpct_el0) +
			  sysreg_read(cntfrq_el0) * WATCHDOG_SECONDS);
	el2_write(CNTHP_CTL_EL2, 1);
	isb();
}

void watchdog_stop(void)
{
	el2_write(CNTHP_CTL_EL2, 0);
	isb();
}

void l2_expect(struct l2 *l2, int ec)
{
	int got;

	watchdog_start();
	got = l2_run(l2);
	if (got != ec)
		fail("L2 came out at %x with kind %u, ESR_EL2 %x, not EC %x",
		     l2->pc, l2->kind, l2->esr, (uint64_t)ec);
	watchdog_stop();
}

/* One load: a read that is two, is two exits. */
static uint64_t exits(void)
{
	uint64_t n;

	asm volatile("ldr %0, [%1]" : "=r"(n) : "r"(MAP_EXITS_BASE) : "memory");
	return n;
}

bool exits_counted(void)
{
	return exits() != 0;
}

void exits_begin(struct cost *c)
{
	c->ops = el2_ops;
	c->exits = exits();
}

void exits_end(struct cost *c)
{
	/* The read itself is one, and there is none without a counter. */
	c->exits = exits() - c->exits;
	if (c->exits)
		c->exits--;
	c->ops = el2_ops - c->ops;
}

struct cost cost_of(void (*op)(void))
{
	struct cost least = { .exits = -1ull }, c;
	unsigned i;

	for (i = 0; i < RUNS; i++) {
		exits_begin(&c);
		op();
		exits_end(&c);
		if (c.exits < least.exits)
			least = c;
	}
	return least;
}

void step(const char *id)
{
	print("STEP %s\n", id);
}

void reg(const char *name, uint64_t value)
{
	print("REG %s 0x%x\n", name, value);
}

void cost_print(struct cost c)
{
	print("EXITS %u %u\n", c.exits, c.ops);
}
