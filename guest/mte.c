/* SPDX-License-Identifier: MIT */
/*
 * Memory tags: each 16 bytes of RAM keep four bits, and an access by a pointer
 * whose bits 59 to 56 are others is a fault (Arm ARM, chapter D10).
 *
 * BREAK 1: the CPU does not check tags.
 * BREAK 2: the granule is not given a tag.
 */
#include "guest/rt/rt.h"

#define PFR1_MTE(v) ((v) >> 8 & 15)

/* 39 bits of addresses, from a table of 1 GiB each; the top byte is ignored. */
#define TCR \
	(25ull | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 23 | 1ull << 37)
#define MAIR	       0xf000ull /* 0: Device-nGnRnE, 1: Normal, write-back, tagged */
#define BLOCK	       (1ull | 1ull << 10)
#define NORMAL	       (1ull << 2 | 3ull << 8)
#define NEVER_X	       (3ull << 53)
#define SCTLR_M	       (1ull << 0)
#define SCTLR_C	       (1ull << 2)
#define SCTLR_I	       (1ull << 12)
#define SCTLR_TCF_SYNC (1ull << 40)
#define SCTLR_ATA      (1ull << 43)

#define EC(esr)	  ((esr) >> 26 & 63)
#define EC_DABT	  0x25 /* from the same EL */
#define DFSC(esr) ((esr)&63)
#define DFSC_TAG  0x11

static uint64_t table[512] __attribute__((aligned(4096)));
static volatile uint8_t area[64] __attribute__((aligned(64)));
static unsigned faults;

static uint64_t tagged(volatile void *p, uint64_t tag)
{
	return (uintptr_t)p | tag << 56;
}

static void set_tag(uint64_t p)
{
	asm volatile(".arch armv8.5-a+memtag\n\tstg %0, [%0]" ::"r"(p)
		     : "memory");
}

static uint64_t get_tag(volatile void *p)
{
	uint64_t v = (uintptr_t)p;

	asm volatile(".arch armv8.5-a+memtag\n\tldg %0, [%1]"
		     : "+r"(v)
		     : "r"(p)
		     : "memory");
	return v >> 56 & 15;
}

static uint64_t read_by(uint64_t p)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(p) : "memory");
	return v;
}

/* The read that faulted has no result. */
static bool on_fault(struct frame *f, unsigned kind)
{
	if (kind != EXC_SYNC || EC(f->esr) != EC_DABT ||
	    DFSC(f->esr) != DFSC_TAG)
		return false;
	faults++;
	f->pc += 4;
	return true;
}

static void mmu_on(void)
{
	table[0] = BLOCK | NEVER_X;
	table[1] = 0x40000000ull | BLOCK | NORMAL;
	sysreg_write(mair_el1, MAIR);
	sysreg_write(tcr_el1, TCR);
	sysreg_write(ttbr0_el1, (uintptr_t)table);
	dsb();
	isb();
	asm volatile("tlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | SCTLR_M | SCTLR_C |
					SCTLR_I | SCTLR_ATA |
					(BROKEN(1) ? 0 : SCTLR_TCF_SYNC));
	isb();
}

int main(uint64_t fdt)
{
	(void)fdt;
	if (PFR1_MTE(sysreg_read(id_aa64pfr1_el1)) < 2)
		fail("this CPU has no memory tags");
	exception_hook = on_fault;
	mmu_on();

	if (!BROKEN(2))
		set_tag(tagged(area + 16, 5));
	if (get_tag(area + 16) != 5 || get_tag(area) || get_tag(area + 32))
		fail("the tags are %u %u %u", get_tag(area), get_tag(area + 16),
		     get_tag(area + 32));
	pass("16 bytes of memory keep their tag, and their neighbours another");

	area[16] = 7; /* its pointer's tag is 0 */
	if (faults != 1)
		fail("a store by a pointer with another tag went through");
	if (read_by(tagged(area + 16, 5)) != 0 || faults != 1)
		fail("a read by the right pointer gives %x, and %u faults",
		     read_by(tagged(area + 16, 5)), (uint64_t)faults);
	read_by(tagged(area + 16, 6));
	if (faults != 2)
		fail("a read by a pointer with another tag went through");
	pass("a pointer with another tag is a fault, one with the same is "
	     "none");
	return 0;
}
