/* SPDX-License-Identifier: MIT */
/*
 * Prints the ID registers that are not 0, and finds the same ones on a second
 * vCPU, if there is one, and after a reset. What it found before that waits in
 * RAM that no image covers.
 */
#include "guest/rt/rt.h"

#define SAVED ((struct saved *)(MAP_RAM_BASE + 0x40000))
#define MAGIC 0x7e570001c41dull

/* Those of a VM: op0 3, op1 0, CRm 1 to 7; CTR_EL0; MIDR_EL1; CLIDR_EL1. */
#define ROWS 7
#define REGS (ROWS * 8 + 3)

struct saved {
	volatile uint64_t magic;
	volatile uint64_t reg[REGS];
};

static volatile uint64_t second[REGS];
static volatile bool second_done;

#define READ(crm, op2) \
	reg[(crm - 1) * 8 + op2] = sysreg_read(S3_0_C0_C##crm##_##op2)
#define READ_ROW(crm)         \
	do {                  \
		READ(crm, 0); \
		READ(crm, 1); \
		READ(crm, 2); \
		READ(crm, 3); \
		READ(crm, 4); \
		READ(crm, 5); \
		READ(crm, 6); \
		READ(crm, 7); \
	} while (0)

static void read_all(volatile uint64_t *reg)
{
	READ_ROW(1);
	READ_ROW(2);
	READ_ROW(3);
	READ_ROW(4);
	READ_ROW(5);
	READ_ROW(6);
	READ_ROW(7);
	reg[ROWS * 8] = sysreg_read(ctr_el0);
	reg[ROWS * 8 + 1] = sysreg_read(midr_el1);
	reg[ROWS * 8 + 2] = sysreg_read(clidr_el1);
}

static void print_all(volatile uint64_t *reg)
{
	static const char *const others[] = { "CTR_EL0", "MIDR_EL1",
					      "CLIDR_EL1" };
	unsigned i;

	for (i = 0; i < REGS; i++) {
		if (!reg[i])
			continue;
		if (i < ROWS * 8)
			print("C%u_%u", (uint64_t)i / 8 + 1, (uint64_t)i % 8);
		else
			print("%s", others[i - ROWS * 8]);
		print(" %x\n", reg[i]);
	}
}

static void compare(volatile uint64_t *a, volatile uint64_t *b,
		    const char *where)
{
	unsigned i;

	for (i = 0; i < REGS; i++)
		if (a[i] != b[i])
			fail("register %u is %x, and %x %s", (uint64_t)i, a[i],
			     b[i], where);
}

void secondary_main(uint64_t n)
{
	(void)n;
	read_all(second);
	dsb();
	second_done = true;
	dsb();
	asm volatile("sev");
}

int main(uint64_t fdt)
{
	static uint64_t reg[REGS];
	unsigned i;

	(void)fdt;
	read_all(reg);
	if (psci_cpu_on(1) == 0) {
		while (!second_done)
			asm volatile("wfe");
		compare(reg, second, "on the second vCPU");
		pass("two vCPUs show the same");
	}
	if (SAVED->magic == MAGIC) {
		compare(SAVED->reg, reg, "after the reset");
		pass("a reset changes nothing");
		return 0;
	}
	print_all(reg);
	for (i = 0; i < REGS; i++)
		SAVED->reg[i] = reg[i];
	SAVED->magic = MAGIC;
	smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
	fail("the reset call has returned");
}
