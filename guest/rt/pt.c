/* SPDX-License-Identifier: MIT */
#include "guest/rt/pt.h"

#define TABLES	64u
#define ENTRIES 512u

#define PTE_VALID 1ull
#define PTE_TABLE 3ull /* levels 1 and 2 */
#define PTE_BLOCK 1ull
#define PTE_PAGE  3ull /* level 3 */
#define PTE_ADDR  0xfffffffff000ull

#define VTCR_T0SZ_39BITS 25ull
#define VTCR_SL0_LEVEL1	 (1ull << 6)
#define VTCR_SH0_INNER	 (3ull << 12)
#define VTCR_PS(v)	 ((v) << 16)
#define VTCR_RES1	 (1ull << 31)

#define SELF_SIZE (32ull << 20)

static pte_t tables[TABLES][ENTRIES] __attribute__((aligned(4096)));

pte_t *pt_new(void)
{
	static unsigned used;

	if (used == TABLES)
		fail("no translation table is left");
	return tables[used++];
}

static unsigned index_at(uint64_t in, int level)
{
	return in >> (39 - 9 * level) & (ENTRIES - 1);
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
	return ((in | out) & (BLOCK_SIZE - 1)) == 0 && size >= BLOCK_SIZE;
}

void pt_map(pte_t *root, uint64_t in, uint64_t out, uint64_t size,
	    uint64_t attr)
{
	while (size) {
		bool block = block_fits(in, out, size);
		pte_t *pte = next_table(&root[index_at(in, 1)]);
		uint64_t step = block ? BLOCK_SIZE : PAGE_SIZE;

		pte += index_at(in, 2);
		if (!block)
			pte = next_table(pte) + index_at(in, 3);
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
	pte_t *pte = &root[index_at(in, 1)];
	int level;

	for (level = 2; level <= 3 && (*pte & PTE_TABLE) == PTE_TABLE; level++)
		pte = (pte_t *)(*pte & PTE_ADDR) + index_at(in, level);
	return pte;
}

void pt_unmap(pte_t *root, uint64_t in, uint64_t size)
{
	for (; size; in += PAGE_SIZE, size -= PAGE_SIZE)
		*leaf(root, in) = 0;
	dsb();
}

pte_t pt_get(pte_t *root, uint64_t in)
{
	return *leaf(root, in);
}

uint64_t tcr_ps(void)
{
	uint64_t range = sysreg_read(id_aa64mmfr0_el1) & 0xf;

	return range > 5 ? 5 : range;
}

uint64_t s2_vtcr(void)
{
	return VTCR_RES1 | VTCR_PS(tcr_ps()) | VTCR_SH0_INNER |
	       VTCR_SL0_LEVEL1 | VTCR_T0SZ_39BITS;
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
