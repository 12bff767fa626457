/* SPDX-License-Identifier: MIT */
/*
 * One operation, many times: what the command line names by op=NAME. Whoever
 * counts exits runs it with op=none too, and takes the difference.
 *
 * hvc: a hypercall; gic: a register of the GIC's distributor; uart: one of a
 * device's, which user space answers; send: an SGI to oneself, which stays
 * pending; ipi: the same, acknowledged and ended.
 */
#include "guest/rt/rt.h"

#define N	     2000u
#define UARTCR	     0x30
#define GICD_TYPER   0x4
#define PSCI_VERSION 0x84000000u
#define SGI	     1ull

static void none(void)
{
}

static void hvc(void)
{
	smccc(PSCI_VERSION, 0, 0, 0);
}

static void gic(void)
{
	mmio_read32(MAP_GICD_BASE + GICD_TYPER);
}

static void uart(void)
{
	mmio_read32(MAP_UART_BASE + UARTCR);
}

static void send(void)
{
	/* ICC_SGI1R_EL1: INTID in 27:24, target list bit 0, affinity 0. */
	sysreg_write(S3_0_C12_C11_5, SGI << 24 | 1);
	isb();
}

static void ipi(void)
{
	unsigned intid;

	send();
	do
		intid = gic_ack();
	while (intid != SGI);
	gic_eoi(intid);
}

static const struct op {
	const char *name;
	void (*run)(void);
} ops[] = {
	{ "none", none }, { "hvc", hvc },   { "gic", gic },
	{ "uart", uart }, { "send", send }, { "ipi", ipi },
};

static bool starts(const char *s, const char *end, const char *with)
{
	while (*with && s < end && *s == *with)
		s++, with++;
	return !*with;
}

/* There is no parser here: the tree is searched for the text. */
static const struct op *asked_for(uint64_t fdt)
{
	const char *s = (const char *)fdt;
	const char *end = s + __builtin_bswap32(*(const uint32_t *)(fdt + 4));
	unsigned i;

	for (; s < end; s++) {
		if (!starts(s, end, "op="))
			continue;
		for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
			if (starts(s + 3, end, ops[i].name))
				return &ops[i];
	}
	return NULL;
}

int main(uint64_t fdt)
{
	const struct op *op = asked_for(fdt);
	unsigned i;

	if (!op)
		fail("give -p op=NAME; see guest/ops.c");
	gic_enable();
	gic_enable_intid(SGI);
	for (i = 0; i < N; i++)
		op->run();
	print("PASS %u times %s\n", (uint64_t)N, op->name);
	return 0;
}
