/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that takes it for granted that stage 2 has pages of 4 KiB: the
 * one identity of 1 GiB blocks that its L2 runs on is laid out for these.
 *
 * Where ID_AA64MMFR0_EL1 offers none, as under a KVM whose own pages are larger,
 * KVM reads the table in another way, and KVM_RUN fails with EFAULT.
 */
#include "guest/rt/pt.h"

#define ANSWER 42u

#define T0SZ_39BITS 25ull
#define VTCR_TG0    (3ull << 14) /* 0: 4 KiB */
#define VTCR_T0SZ   0x3full
#define BLOCK	    1ull
#define GIB	    (1ull << 30)

static pte_t table[512] __attribute__((aligned(4096)));
static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t answer(uint64_t arg)
{
	(void)arg;
	return ANSWER;
}

int main(uint64_t fdt)
{
	(void)fdt;
	el2_init();
	table[MAP_RAM_BASE / GIB] = MAP_RAM_BASE | S2_RAM | BLOCK;
	dsb();
	el2_write(VTCR_EL2,
		  (s2_vtcr() & ~(VTCR_TG0 | VTCR_T0SZ)) | T0SZ_39BITS);
	el2_write(VTTBR_EL2, s2_vttbr(table, 1));
	el2_write(HCR_EL2, hcr_base() | HCR_VGIC | HCR_VM);
	isb();
	l2_init(&l2, answer, 0, stack + sizeof(stack));
	l2_load(&l2);
	l2_expect(&l2, EC_HVC64);
	if (l2.x[0] != ANSWER)
		fail("L2 answered %u", l2.x[0]);
	pass("stage 2 has pages of 4 KiB");
	return 0;
}
