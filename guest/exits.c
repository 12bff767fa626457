/* SPDX-License-Identifier: MIT */
/*
 * The exit counter: what leaves to the host is counted, each time, and what
 * does not costs nothing.
 *
 * The host's own interrupts are exits too and come at any time: of a number of
 * measurements the smallest is the operation's.
 */
#include "guest/rt/rt.h"

#define N	     100u
#define UARTCR	     0x30
#define PSCI_VERSION 0x84000000u

static uint64_t exits(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(MAP_EXITS_BASE) : "memory");
	return v;
}

static void nothing(void)
{
}

static void hypercall(void)
{
	smccc(PSCI_VERSION, 0, 0, 0);
}

static void uart_read(void)
{
	mmio_read32(MAP_UART_BASE + UARTCR);
}

static void three_uart_reads(void)
{
	uart_read();
	uart_read();
	uart_read();
}

/* Exits of @op itself: those between two reads but for the second read. */
static uint64_t cost(void (*op)(void))
{
	uint64_t least = ~0ull, t0, n;
	unsigned i;

	for (i = 0; i < N; i++) {
		t0 = exits();
		op();
		n = exits() - t0 - 1;
		if (n < least)
			least = n;
	}
	return least;
}

int main(uint64_t fdt)
{
	uint32_t high = mmio_read32(MAP_EXITS_BASE + 4);
	uint64_t before = exits();
	uint32_t low = mmio_read32(MAP_EXITS_BASE);

	(void)fdt;
	/* Low is a later sample; no test runs for 2^32 exits. */
	if (high || before == 0 || low <= before)
		fail("halves %x %x of %x\n", high, low, before);
	mmio_write32(MAP_EXITS_BASE, 0);
	mmio_write8(MAP_EXITS_BASE, 0);
	if (exits() <= low)
		fail("a write changed the counter\n");
	print("PASS nothing %u, hypercall %u, UART read %u, three %u\n",
	      cost(nothing), cost(hypercall), cost(uart_read),
	      cost(three_uart_reads));
	return 0;
}
