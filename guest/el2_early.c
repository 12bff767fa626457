/* SPDX-License-Identifier: MIT */
/*
 * The first steps of a hypervisor for an EL2 without VHE that runs where it was
 * linked to, and not where it was loaded: tables with pages of 4 KiB, 39 bits of
 * addresses, map its image there, and the tree, which it has still to read, right
 * below, and nothing where it runs now. It turns the MMU on, and the fetch that
 * must then fail is what takes it to its vectors there. It reads the whole tree
 * through that mapping, and maps more while the MMU is on, without a TLBI, for
 * what was invalid. Xvisor begins like this.
 *
 * BREAK 1: the tree is not mapped
 */
#include "guest/rt/el2.h"
#include "guest/rt/tree.h"

#define EXEC  0x10000000ull /* where it is linked to */
#define LOAD  0x40080000ull
#define PAGE  0x1000ull
#define LATER (EXEC + 0x4000000ull)

#define DEVICE 0ull /* indices into MAIR */
#define NORMAL 2ull
#define MAIR   0x44ffbb00ull /* write-through and non-cacheable beside */

#define DESC_TABLE 3ull
#define DESC_PAGE  3ull
#define DESC_NS	   (1ull << 5) /* RES0 in a non-secure state */
#define DESC_RO	   (2ull << 6)
#define DESC_INNER (3ull << 8)
#define DESC_AF	   (1ull << 10)

/* 39 bits, 40 bits of physical addresses, inner shareable, write-back. */
#define TCR   (25ull | 1ull << 8 | 1ull << 10 | 3ull << 12 | 2ull << 16)
#define VTCR  (25ull | 1ull << 6 | TCR)
#define HCR   (HCR_AMO | HCR_IMO | HCR_FMO | HCR_VM)
#define SCTLR 0x1005ull

extern char bss_end[], stacks[], early_vectors[];

static uint64_t tables[16][512] __attribute__((aligned(0x1000)));
static uint64_t page[2][512] __attribute__((aligned(0x1000)));
static unsigned ntables = 1;
static volatile unsigned refused;

/* What the code below finds: by it, and given to it. */
struct early {
	uint64_t vbar, sctlr;	     /* to begin with */
	uint64_t tree, size;	     /* as mapped */
	uint64_t slot, desc, npages; /* of where we were loaded */
	uint64_t sum, stage, esr, far;
};

void early_start(struct early *, uint64_t offset);

/*
 * x0: struct early, x1: what to add to an address to get where it runs later.
 * Callee-saved registers keep what is needed: x19 the struct, as it is mapped
 * later, x20 the offset, x21 the stack, x22 the return address, x23 the stage.
 */
asm(".balign 0x800\n"
    ".globl early_vectors\n"
    "early_vectors:\n"
    "	.space 0x200\n"
    "	cbnz	x23, 3f\n"
    /* The fetch that had to fail. Now the tree, a word of each page. */
    "	mov	x23, #1\n"
    "	ldp	x0, x1, [x19, #16]\n"
    "	mov	x2, #0\n"
    "1:	cbz	x1, 2f\n"
    "	ldr	w3, [x0], #4\n"
    "	add	x2, x2, x3\n"
    "	sub	x1, x1, #4\n"
    "	b	1b\n"
    "2:	str	x2, [x19, #56]\n"
    "	mov	x23, #2\n"
    "3:	mrs	x2, esr_el2\n"
    "	mrs	x3, far_el2\n"
    "	stp	x23, x2, [x19, #64]\n"
    "	str	x3, [x19, #80]\n"
    /* Where we were loaded is mapped too, from here on. */
    "	ldp	x0, x1, [x19, #32]\n"
    "	ldr	x2, [x19, #48]\n"
    "4:	str	x1, [x0], #8\n"
    "	add	x1, x1, #0x1000\n"
    "	subs	x2, x2, #1\n"
    "	b.ne	4b\n"
    "	dsb	sy\n"
    "	isb\n"
    "	br	x22\n"
    ".globl early_start\n"
    "early_start:\n"
    "	stp	x19, x20, [sp, #-48]!\n"
    "	stp	x21, x22, [sp, #16]\n"
    "	stp	x23, x30, [sp, #32]\n"
    "	ldp	x2, x3, [x0]\n"
    "	add	x19, x0, x1\n"
    "	adr	x22, 5f\n"
    "	mov	x23, #0\n"
    "	msr	vbar_el2, x2\n"
    "	ic	iallu\n"
    "	tlbi	alle2is\n"
    "	dsb	sy\n"
    "	isb\n"
    "	msr	sctlr_el2, x3\n"
    "	isb\n"
    "	b	.\n"
    "5:	ldp	x23, x30, [sp, #32]\n"
    "	ldp	x21, x22, [sp, #16]\n"
    "	ldp	x19, x20, [sp], #48\n"
    "	ret\n");

static uint64_t *next_table(uint64_t *entry)
{
	if (!*entry)
		*entry = (uintptr_t)tables[ntables++] | DESC_TABLE;
	return (uint64_t *)(*entry & ~0xfffull);
}

static uint64_t *entry_of(uint64_t va)
{
	uint64_t *t = next_table(&tables[0][va >> 30]);

	return &next_table(&t[va >> 21 & 511])[va >> 12 & 511];
}

static uint64_t desc(uint64_t pa, uint64_t index, uint64_t more)
{
	return pa | DESC_PAGE | index << 2 | DESC_NS | DESC_INNER | DESC_AF |
	       more;
}

static void map(uint64_t va, uint64_t pa, uint64_t size, uint64_t index)
{
	uint64_t off;

	for (off = 0; off < size; off += PAGE)
		*entry_of(va + off) = desc(pa + off, index, 0);
}

static bool on_abort(struct frame *f, unsigned kind)
{
	if (kind != EXC_SYNC || ESR_EC(f->esr) != EC_DABT_CUR)
		return false;
	refused = ESR_FSC(f->esr);
	f->pc += 4;
	return true;
}

/* Break before make; it was valid, so TLBs are told. */
static void change(uint64_t va, uint64_t to)
{
	uint64_t *entry = entry_of(va);

	*entry = 0;
	dsb();
	el2_tlbi(vae2is, va >> 12);
	dsb();
	*entry = to;
	dsb();
	isb();
}

/* The image's stage 1 lives on: pages come, change, and are taken away. */
static void later(void)
{
	volatile uint64_t *at = (volatile uint64_t *)LATER;

	page[0][0] = 1;
	page[1][0] = 2;
	*entry_of(LATER) = desc((uintptr_t)page[0], NORMAL, 0);
	dsb();
	isb();
	if (*at != 1)
		fail("a new mapping has %u", *at);
	change(LATER, desc((uintptr_t)page[1], NORMAL, 0));
	if (*at != 2)
		fail("a changed mapping has %u", *at);
	exception_hook = on_abort;
	change(LATER, desc((uintptr_t)page[1], NORMAL, DESC_RO));
	mmio_write32(LATER, 3);
	if (refused != (FSC_PERMISSION | 3) || *at != 2)
		fail("a store to a read-only page: %x", (uint64_t)refused);
	change(LATER, 0);
	mmio_read32(LATER);
	if (refused != (FSC_TRANSLATION | 3))
		fail("a load from none: %x", (uint64_t)refused);
	pass("its mappings come, change, and go");
}

int main(uint64_t fdt)
{
	extern char vectors[];
	const uint64_t end = (uintptr_t)stacks + 2 * STACK_SIZE;
	const uint64_t image = (end - LOAD + PAGE - 1) & ~(PAGE - 1);
	const uint64_t size = be32((uint8_t *)fdt + TREE_TOTALSIZE);
	const uint64_t tree = (EXEC - size) & ~(PAGE - 1);
	struct early early;
	uint64_t sum = 0, i;

	el2_init();
	if (el2_vhe)
		fail("this EL2 has VHE: it takes --nested=nvhe");
	for (i = 0; i < size; i += 4)
		sum += *(volatile uint32_t *)(fdt + i);
	map(EXEC, LOAD, image, NORMAL);
	if (!BROKEN(1))
		map(tree, fdt & ~(PAGE - 1), EXEC - tree, NORMAL);
	map(MAP_UART_BASE, MAP_UART_BASE, PAGE, DEVICE);
	map(MAP_PVPANIC_BASE, MAP_PVPANIC_BASE, PAGE, DEVICE);
	early = (struct early){
		.vbar = (uintptr_t)early_vectors - LOAD + EXEC,
		.sctlr = SCTLR,
		.tree = tree + (fdt & (PAGE - 1)),
		.size = size,
		.slot = (uintptr_t)entry_of(LOAD) - LOAD + EXEC,
		.desc = desc(LOAD, NORMAL, 0),
		.npages = image / PAGE,
	};
	dsb();
	el2_write(MAIR_EL2, MAIR);
	el2_write(TCR_EL2, TCR);
	el2_write(TTBR0_EL2, (uintptr_t)tables[0]);
	el2_write(VTCR_EL2, VTCR);
	el2_write(HCR_EL2, HCR);
	early_start(&early, EXEC - LOAD);
	el2_write(VBAR_EL2, (uintptr_t)vectors);
	isb();
	if (early.stage != 2 || ESR_EC(early.esr) != EC_IABT_CUR)
		fail("the tree is not mapped: ESR %x FAR %x", early.esr,
		     early.far);
	if (early.sum != sum)
		fail("its sum is %x, not %x", early.sum, sum);
	pass("it runs where it was linked to, and reads the tree there");
	later();
	return 0;
}
