/* SPDX-License-Identifier: MIT */
/* Waits for the power button, as the PL061 reports it, and powers off. */
#include "guest/rt/rt.h"

#define GPIODATA 0x000
#define GPIOIBE	 0x408
#define GPIOIE	 0x410
#define GPIOMIS	 0x418
#define GPIOIC	 0x41c
#define LINE	 (1u << GPIO_POWER_BUTTON)

static volatile unsigned edges;
static volatile uint32_t level;

static void on_irq(unsigned intid)
{
	if (intid == 32 + SPI_GPIO) {
		if (mmio_read32(MAP_GPIO_BASE + GPIOMIS) != LINE)
			fail("another line than the button's");
		level = mmio_read32(MAP_GPIO_BASE + GPIODATA + (LINE << 2));
		mmio_write32(MAP_GPIO_BASE + GPIOIC, LINE);
		edges = edges + 1;
		print("edge %u: line is %x\n", (uint64_t)edges,
		      (uint64_t)level);
	}
}

int main(uint64_t fdt)
{
	(void)fdt;
	interrupt_hook = on_irq;
	gic_enable();
	mmio_write32(MAP_GPIO_BASE + GPIOIBE, LINE);
	mmio_write32(MAP_GPIO_BASE + GPIOIE, LINE);
	gic_enable_intid(32 + SPI_GPIO);
	print("waiting for the button\n");
	while (edges < 2) {
		irq_off();
		if (edges < 2)
			wfi();
		irq_on();
	}
	pass("pressed and released");
	return 0;
}
