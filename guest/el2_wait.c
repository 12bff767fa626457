/* SPDX-License-Identifier: MIT */
/*
 * An L2 behind stage 2, of VMID 7, that stays in until a character comes on the
 * UART: something to look at from outside, while it runs.
 *
 * Whoever looks must not be felt: what L2 holds in its registers is the same
 * afterwards.
 */
#include "guest/rt/el2.h"
#include "guest/rt/pt.h"

#define UARTDR	  0x00
#define UARTFR	  0x18
#define UARTFR_RX (1u << 4) /* nothing received */

static struct l2 l2;
static char stack[4096] __attribute__((aligned(16)));

static uint64_t wait_for_character(uint64_t canary)
{
	sysreg_write(contextidr_el1, canary);
	sysreg_write(tpidr_el0, canary);
	print("L2 waits\n");
	while (mmio_read32(MAP_UART_BASE + UARTFR) & UARTFR_RX)
		;
	if (sysreg_read(contextidr_el1) != canary ||
	    sysreg_read(tpidr_el0) != canary)
		return 0;
	return mmio_read32(MAP_UART_BASE + UARTDR) & 0xff;
}

int main(uint64_t fdt)
{
	pte_t *root = pt_new();
	int ec;

	(void)fdt;
	el2_init();
	s2_map_self(root);
	pt_map(root, MAP_UART_BASE, MAP_UART_BASE, pt_page(), S2_DEVICE);
	pt_map(root, MAP_PVPANIC_BASE, MAP_PVPANIC_BASE, pt_page(), S2_DEVICE);
	el2_write(VTCR_EL2, s2_vtcr());
	el2_write(VTTBR_EL2, s2_vttbr(root, 7));
	el2_write(HCR_EL2, hcr_base() | HCR_VM);
	isb();
	s2_flush_all();
	l2_init(&l2, wait_for_character, 0x600d, stack + sizeof(stack));
	l2_load(&l2);
	ec = l2_run(&l2);
	if (ec != EC_HVC64 || l2.x[0] != 'x')
		fail("L2 came out with EC %x and %x", (uint64_t)(unsigned)ec,
		     l2.x[0]);
	pass("L2 has read its character");
	return 0;
}
