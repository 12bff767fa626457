/* SPDX-License-Identifier: MIT */
/*
 * Building and walking translation tables, in a static pool that is never
 * freed.
 */
#include "guest/rt/pt.h"

#define PTE_VALID 1ull
#define PTE_TABLE 3ull /* levels 1 and 2 */
#define PTE_BLOCK 1ull
#define PTE_PAGE  3ull /* level 3 */

#define T0SZ		  28ull /* 36 bits */
#define TCR_T1SZ(v)	  ((v) << 16)
#define TCR_TG1(v)	  ((v) << 30)
#define TCR_IPS(v)	  ((v) << 32)
#define TCR_TG0(v)	  ((v) << 14) /* in VTCR_EL2 too */
#define VTCR_SL0_FIRST	  (1ull << 6) /* level 1 with 4 KiB, 2 with others */
#define VTCR_SH0_INNER	  (3ull << 12)
#define VTCR_PS(v)	  ((v) << 16)
#define VTCR_RES1	  (1ull << 31)
#define MMFR0_PARANGE(id) ((id)&0xf)

#define SELF_SIZE (32ull << 20)

/* The smaller first. Of stage 2, a field says 1 for none, 0 for as in stage 1. */
static const struct granule {
	unsigned shift;
	unsigned field1, none1, field2; /* of ID_AA64MMFR0_EL1 */
	uint64_t tg0, tg1;
} granules[] = {
	{ 12, 28, 0xf, 40, 0, 2 },
	{ 14, 20, 0x0, 32, 2, 1 },
	{ 16, 24, 0xf, 36, 1, 3 },
};

static uint8_t tables[4 << 20]
	__attribute__((section(".noinit"), aligned(PT_PAGE_MAX)));

static const struct granule *find_granule(void)
{
	uint64_t id = sysreg_read(id_aa64mmfr0_el1);
	const struct granule *g = granules;

	for (; g < granules + sizeof(granules) / sizeof(*granules); g++)
		if ((id >> g->field1 & 0xf) != g->none1 &&
		    (id >> g->field2 & 0xf) != 1)
			return g;
	fail("no granule for both stages: ID_AA64MMFR0_EL1 is %x", id);
}

/* Read once: each read of an ID register may be an exit. */
static const struct granule *granule(void)
{
	static const struct granule *g;

	if (!g)
		g = find_granule();
	return g;
}

uint64_t pt_page(void)
{
	return 1ull << granule()->shift;
}

static unsigned bits_of_index(void)
{
	return granule()->shift - 3;
}

uint64_t pt_block(void)
{
	return pt_page() << bits_of_index();
}

static int first_level(void)
{
	return granule()->shift == 12 ? 1 : 2;
}

pte_t *pt_new(void)
{
	static uint64_t used;
	pte_t *t = (pte_t *)(tables + used);
	uint64_t i;

	used += pt_page();
	if (used > sizeof(tables))
		fail("no translation table is left");
	for (i = 0; i < pt_page() / sizeof(*t); i++)
		*(volatile pte_t *)&t[i] = 0;
	return t;
}

static unsigned index_at(uint64_t in, int level)
{
	unsigned shift = granule()->shift + (3 - level) * bits_of_index();

	return in >> shift & ((1u << bits_of_index()) - 1);
}

static pte_t *next_table(pte_t *pte)
{
	if (!(*pte & PTE_VALID))
		*pte = (uintptr_t)pt_new() | PTE_TABLE;
	else if ((*pte & PTE_TABLE) != PTE_TABLE)
		fail("a block would have to be split");
	return (pte_t *)(*pte & PTE_ADDR);
}

static bool block_fits(uint64_t in, uint64_t out, uint64_t size)
{
	return ((in | out) & (pt_block() - 1)) == 0 && size >= pt_block();
}

void pt_map(pte_t *root, uint64_t in, uint64_t out, uint64_t size,
	    uint64_t attr)
{
	while (size) {
		bool block = block_fits(in, out, size);
		uint64_t step = block ? pt_block() : pt_page();
		int level = first_level(), last = block ? 2 : 3;
		pte_t *pte = root + index_at(in, level);

		while (level < last)
			pte = next_table(pte) + index_at(in, ++level);
		*pte = out | attr | (block ? PTE_BLOCK : PTE_PAGE);
		in += step;
		out += step;
		size -= step;
	}
	dsb();
}

/* The last descriptor on the way to @in: valid, or where the walk ends. */
static pte_t *leaf(pte_t *root, uint64_t in)
{
	int level = first_level();
	pte_t *pte = root + index_at(in, level);

	while (level++ < 3 && (*pte & PTE_TABLE) == PTE_TABLE)
		pte = (pte_t *)(*pte & PTE_ADDR) + index_at(in, level);
	return pte;
}

void pt_unmap(pte_t *root, uint64_t in, uint64_t size)
{
	for (; size; in += pt_page(), size -= pt_page())
		*leaf(root, in) = 0;
	dsb();
}

pte_t pt_get(pte_t *root, uint64_t in)
{
	return *leaf(root, in);
}

/* As TCR and VTCR want it: at most 48 bits. */
static uint64_t physical_size(void)
{
	uint64_t range = MMFR0_PARANGE(sysreg_read(id_aa64mmfr0_el1));

	return range > 5 ? 5 : range;
}

uint64_t s1_tcr(void)
{
	return T0SZ | TCR_T1SZ(T0SZ) | TCR_TG0(granule()->tg0) |
	       TCR_TG1(granule()->tg1) | TCR_IPS(physical_size());
}

uint64_t s2_vtcr(void)
{
	return VTCR_RES1 | VTCR_PS(physical_size()) | TCR_TG0(granule()->tg0) |
	       VTCR_SH0_INNER | VTCR_SL0_FIRST | T0SZ;
}

uint64_t s2_vttbr(const pte_t *root, unsigned vmid)
{
	return (uint64_t)vmid << 48 | (uintptr_t)root;
}

void s2_map_self(pte_t *root)
{
	pt_map(root, MAP_RAM_BASE, MAP_RAM_BASE, SELF_SIZE, S2_RAM);
}

void s2_flush(uint64_t ipa)
{
	el2_tlbi(ipas2e1is, ipa >> 12);
	dsb();
	/* And what stage 1 and 2 gave together. */
	el2_tlbi_all(vmalle1is);
	dsb();
	isb();
}

void s2_flush_all(void)
{
	el2_tlbi_all(vmalls12e1is);
	dsb();
	isb();
}
