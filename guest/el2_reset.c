/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor resets the machine while an L2 of its own is loaded, and finds an
 * EL2 as after power-on: without its HCR_EL2. Then it runs an L2 again.
 *
 * That it has been here before, a word of RAM tells that no image covers.
 */
#include "guest/rt/el2.h"
#include "guest/rt/pt.h"

#define COUNT (MAP_RAM_BASE + 0x40000)
#define MAGIC 0x7e57e120u

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t add_one(uint64_t n)
{
	return n + 1;
}

int main(uint64_t fdt)
{
	uint64_t hcr = sysreg_read(hcr_el2);
	bool again = mmio_read32(COUNT) == MAGIC;
	pte_t *root = pt_new();

	(void)fdt;
	el2_init();
	s2_map_self(root);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(root, 7));
	el2_write(HCR_EL2, hcr_base() | HCR_VM | HCR_TSC);
	isb();
	s2_flush_all();
	l2_init(&l2, add_one, again, stack + sizeof(stack));
	l2_load(&l2);
	if (l2_run(&l2) != EC_HVC64 || l2.x[0] != again + 1ull)
		fail("L2 does not run in boot %d", (uint64_t)again + 1);
	if (!again) {
		mmio_write32(COUNT, MAGIC);
		smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
		fail("SYSTEM_RESET has returned");
	}
	if (hcr & (HCR_VM | HCR_TSC))
		fail("HCR_EL2 has survived the reset: %x", hcr);
	pass("a hypervisor resets, and runs its L2 again");
	return 0;
}
