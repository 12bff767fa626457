/* SPDX-License-Identifier: MIT */
/*
 * Resets twice, by SYSTEM_RESET and SYSTEM_RESET2, and finds a machine as after
 * power-on each time: GIC, clock and vCPU. How often, a word of RAM that no
 * image covers tells, as a warm reset keeps RAM.
 */
#include "guest/rt/rt.h"

#define COUNT		(MAP_RAM_BASE + 0x40000)
#define MAGIC		0x7e570000u
#define GICD_ISENABLER1 0x104
#define GICD_ISPENDR1	0x204
#define GICD_CTLR	0x000
#define RTCIMSC		0x10
#define UARTIMSC	0x38

static void check_reset_state(void)
{
	if (mmio_read32(MAP_GICD_BASE + GICD_CTLR) & 3)
		fail("the GIC is still enabled");
	if (mmio_read32(MAP_GICD_BASE + GICD_ISENABLER1))
		fail("an SPI is still enabled");
	if (mmio_read32(MAP_GICD_BASE + GICD_ISPENDR1))
		fail("an SPI is still pending");
	if (mmio_read32(MAP_RTC_BASE + RTCIMSC) ||
	    mmio_read32(MAP_UART_BASE + UARTIMSC))
		fail("a device's interrupt is still enabled");
	if (sysreg_read(cpacr_el1))
		fail("CPACR_EL1 has survived");
}

static void leave_traces(void)
{
	gic_enable();
	gic_enable_intid(32 + SPI_RTC);
	mmio_write32(MAP_GICD_BASE + GICD_ISPENDR1, 1u << SPI_GPIO);
	mmio_write32(MAP_RTC_BASE + RTCIMSC, 1);
	mmio_write32(MAP_UART_BASE + UARTIMSC, 0x10);
	sysreg_write(cpacr_el1, 3 << 20);
}

int main(uint64_t fdt)
{
	uint32_t count = mmio_read32(COUNT);

	(void)fdt;
	count = count >> 16 == MAGIC >> 16 ? count & 0xffff : 0;
	check_reset_state();
	print("boot %u\n", (uint64_t)count + 1);
	mmio_write32(COUNT, MAGIC | (count + 1));
	leave_traces();
	if (count == 0)
		smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
	if (count == 1)
		smccc(PSCI_SYSTEM_RESET2, 0, 0, 0);
	if (count < 2)
		fail("a reset call has returned");
	pass("reset twice");
	return 0;
}
