/* SPDX-License-Identifier: MIT */
/*
 * What the least possible guest hypervisor costs its host: exits to L0 for each
 * operation of its L2. `make bench-nested` puts Linux, by guest/ops.c, beside it.
 *
 * Wants nestor run --exit-counter.
 */
#include "guest/rt/pt.h"
#include "guest/rt/vgic.h"

#define DEVICE 0x70000000ull /* stage 2 maps nothing there */
#define INTID  3u

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t call(uint64_t arg)
{
	for (;;)
		hvc(1);
	return arg;
}

static uint64_t access_device(uint64_t arg)
{
	for (;;)
		mmio_read32(DEVICE);
	return arg;
}

static uint64_t take_and_end(uint64_t arg)
{
	for (;;) {
		sysreg_write(ICC_EOIR1_EL1, sysreg_read(ICC_IAR1_EL1));
		isb();
		hvc(1);
	}
	return arg;
}

static uint64_t send_take_end(uint64_t arg)
{
	for (;;) {
		sysreg_write(ICC_SGI1R_EL1, SGI(INTID, 1));
		isb();
		sysreg_write(ICC_EOIR1_EL1, sysreg_read(ICC_IAR1_EL1));
		isb();
	}
	return arg;
}

static void inject(void)
{
	el2_write(ICH_LR0_EL2,
		  LR_PENDING | LR_GROUP1 | LR_PRIO(0xa0) | LR_INTID(INTID));
}

/* Each is one operation, from an exit of L2's to the next. */
static void pong(void)
{
	l2_run(&l2);
}

static void answer_device(void)
{
	l2.x[0] = 0;
	l2.pc += 4;
	l2_run(&l2);
}

static void inject_and_run(void)
{
	inject();
	l2_run(&l2);
}

static void forward_sgi(void)
{
	inject();
	l2.pc += 4;
	l2_run(&l2);
}

static const struct bench {
	const char *name;
	uint64_t (*guest)(uint64_t);
	int ec;
	void (*op)(void);
} benches[] = {
	{ "hypercall", call, EC_HVC64, pong },
	{ "device", access_device, EC_DABT_LOW, answer_device },
	{ "ipi", send_take_end, EC_SYS64, forward_sgi },
	{ "interrupt", take_and_end, EC_HVC64, inject_and_run },
};

int main(uint64_t fdt)
{
	pte_t *stage2 = pt_new();
	unsigned i;

	(void)fdt;
	el2_init();
	if (!exits_counted())
		fail("nothing counts exits: it takes nestor run "
		     "--exit-counter");
	s2_map_self(stage2);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(stage2, 1));
	el2_write(ICC_SRE_EL2, 0xf);
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | HCR_VM);
	el2_write(ICH_VMCR_EL2, ICH_VMCR_PMR | ICH_VMCR_ENG1);
	el2_write(ICH_HCR_EL2, ICH_HCR_EN);
	isb();
	for (i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		const struct bench *b = &benches[i];
		struct cost cost;

		l2_init(&l2, b->guest, 0, stack + sizeof(stack));
		l2_load(&l2);
		l2_expect(&l2, b->ec);
		/* Whatever its first run has found out is not of the next. */
		b->op();
		cost = cost_of(b->op);
		if ((unsigned)b->ec != ESR_EC(l2.esr))
			fail("%s came out with ESR_EL2 %x", b->name, l2.esr);
		print("BENCH %s %u %u\n", b->name, cost.exits, cost.ops);
	}
	return 0;
}
