/* SPDX-License-Identifier: MIT */
/*
 * Says what the UART receives: printable characters as they are, others as
 * <hex>, a break as <break>. A q ends it.
 */
#include "guest/rt/rt.h"

#define UARTDR 0x00
#define UARTFR 0x18
#define RXFE   (1u << 4)
#define BE     (1u << 10)

int main(uint64_t fdt)
{
	uint32_t c;

	(void)fdt;
	print("listening\n");
	do {
		while (mmio_read32(MAP_UART_BASE + UARTFR) & RXFE)
			;
		c = mmio_read32(MAP_UART_BASE + UARTDR);
		if (c & BE)
			print("<break>\n");
		else if ((c & 0xff) > ' ' && (c & 0xff) < 0x7f)
			mmio_write32(MAP_UART_BASE + UARTDR, c);
		else
			print("<%x>\n", (uint64_t)(c & 0xff));
	} while ((c & (BE | 0xff)) != 'q');
	print("\n");
	pass("heard a q");
	return 0;
}
