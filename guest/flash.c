/* SPDX-License-Identifier: MIT */
/*
 * The two banks of flash, from within: this payload is the firmware, and
 * begins in the first one. With --exit-counter it tells what a read, a
 * program and an erase cost; another CPU reads all the time.
 */
#include "guest/rt/flash.h"

#define BLOCK	   VARS_BANK
#define OTHER	   (VARS_BANK + FLASH_BLOCK)
#define PROTECTED  (0x82 * BOTH_CHIPS)
#define BUFFER	   1024u /* words */
#define EDK2_WORDS 32u

extern const uint32_t _start[];
static uint32_t stop, seen, wrong;

/* Whatever state the bank is in, this is its contents, or its status. */
void secondary_main(uint64_t n)
{
	volatile uint32_t *done = &stop;

	(void)n;
	while (!*done) {
		uint32_t v = mmio_read32(OTHER);

		if (v != 0x12345678 && v != FLASH_READY)
			wrong = v;
		seen++;
	}
	dsb();
	*done = 2;
}

static uint64_t exits(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(MAP_EXITS_BASE) : "memory");
	return v;
}

static void query(void)
{
	flash_command(CODE_BANK, FLASH_QUERY);
	if (mmio_read32(CODE_BANK + 0x40) != 'Q' * BOTH_CHIPS ||
	    mmio_read32(CODE_BANK + 0x44) != 'R' * BOTH_CHIPS ||
	    mmio_read32(CODE_BANK + 0x48) != 'Y' * BOTH_CHIPS)
		fail("no answer to the query\n");
	flash_command(CODE_BANK, FLASH_READ_ARRAY);
	if (mmio_read32(CODE_BANK) != *_start)
		fail("the bank does not begin with this program\n");
	pass("the first bank answers a CFI query, and holds this program");
}

static void check(uint64_t at, uint32_t n, uint32_t val)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (mmio_read32(at + 4 * i) != val + i)
			fail("%x is at %x, not %x\n",
			     (uint64_t)mmio_read32(at + 4 * i), at + 4 * i,
			     (uint64_t)val + i);
}

static void erase_and_program(void)
{
	uint32_t i;

	if (flash_erase(BLOCK) != FLASH_READY)
		fail("the erase failed\n");
	for (i = 0; i < FLASH_BLOCK; i += 4)
		if (mmio_read32(BLOCK + i) != 0xffffffff)
			fail("not erased at %x\n", (uint64_t)i);
	if (flash_program(BLOCK + 4, 0x5555aaaa) != FLASH_READY ||
	    mmio_read32(BLOCK + 4) != 0x5555aaaa)
		fail("a word was not programmed\n");
	if (flash_program(BLOCK + 4, 0x0f0f0f0f) != FLASH_READY ||
	    mmio_read32(BLOCK + 4) != 0x05050a0a)
		fail("a bit went from 0 to 1 without an erase\n");
	flash_erase(BLOCK);
	for (i = 0; i < FLASH_BLOCK; i += FLASH_BLOCK - 4 * BUFFER)
		if (flash_program_buffer(BLOCK + i, BUFFER, i) != FLASH_READY)
			fail("a buffer was not programmed\n");
	check(BLOCK, BUFFER, 0);
	check(BLOCK + FLASH_BLOCK - 4 * BUFFER, BUFFER,
	      FLASH_BLOCK - 4 * BUFFER);
	pass("the second bank is erased, programmed and verified");
}

static void protection(void)
{
	if ((flash_program(CODE_BANK + 64, 0) & PROTECTED) != PROTECTED ||
	    (flash_erase(CODE_BANK) & PROTECTED) != PROTECTED ||
	    mmio_read32(CODE_BANK) != *_start)
		fail("the firmware could be overwritten\n");
	pass("the firmware cannot be overwritten");
}

/* Each is of the smallest of some: the host's own interrupts are exits too. */
static uint64_t least(uint64_t (*cost)(void))
{
	uint64_t n, best = ~0ull;
	unsigned i;

	for (i = 0; i < 5; i++) {
		n = cost();
		if (n < best)
			best = n;
	}
	return best;
}

static uint64_t read_cost(void)
{
	uint64_t t0 = exits();
	unsigned i;

	for (i = 0; i < 256; i++)
		mmio_read32(BLOCK + 4 * i);
	return exits() - t0 - 1;
}

static uint64_t edk2_cost(void)
{
	uint64_t t0 = exits();

	flash_program_buffer(BLOCK, EDK2_WORDS, 0);
	return exits() - t0 - 1;
}

static uint64_t buffer_cost(void)
{
	uint64_t t0 = exits();

	flash_program_buffer(BLOCK, BUFFER, 0);
	return exits() - t0 - 1;
}

static uint64_t erase_cost(void)
{
	uint64_t t0 = exits();

	flash_erase(BLOCK);
	return exits() - t0 - 1;
}

static void two_cpus(void)
{
	volatile uint32_t *reads = &seen, *state = &stop;
	uint32_t i;

	flash_erase(OTHER);
	flash_program(OTHER, 0x12345678);
	if (psci_cpu_on(1) != 0)
		return;
	while (!*reads)
		;
	for (i = 0; i < 200; i++)
		flash_program(BLOCK + 4 * i, 0);
	*state = 1;
	while (*state != 2)
		;
	if (wrong)
		fail("the other CPU read %x\n", (uint64_t)wrong);
	pass("another CPU reads the contents or the status, nothing else");
}

int main(uint64_t fdt)
{
	if (fdt != MAP_RAM_BASE || mmio_read32(fdt) != 0xedfe0dd0)
		fail("no tree at the start of RAM\n");
	query();
	protection();
	erase_and_program();
	two_cpus();
	if (!exits())
		return 0;
	/* Slots of KVM's are mapped at the first access: that was it. */
	print("exits: 256 reads %u, 32 words programmed %u, 1024 words %u, "
	      "a block erased %u\n",
	      least(read_cost), least(edk2_cost), least(buffer_cost),
	      least(erase_cost));
	return 0;
}
