/* SPDX-License-Identifier: MIT */
/*
 * Translation tables, for stage 2 and for stage 1: both translate 36 bits here,
 * and so begin at the same level, and differ in attributes only (Arm ARM,
 * VMSAv8-64).
 *
 * Their pages are of the smallest granule that ID_AA64MMFR0_EL1 offers for both
 * stages: of 16 KiB, say, where that is the page of a KVM that emulates our EL2,
 * which then offers no 4 KiB for stage 2.
 *
 * Nobody walks them cacheably, as the MMU of whoever writes them is off.
 */
#pragma once

#include "guest/rt/el2.h"

#define PT_PAGE_MAX \
	0x10000ull /* what is to be mapped alone is aligned to that */

#define PTE_ADDR 0xfffffffff000ull

typedef uint64_t pte_t;

/* Bytes of a page; of a block, 2 MiB with pages of 4 KiB. Fails without a granule. */
uint64_t pt_page(void);
uint64_t pt_block(void);

/* Attributes of stage 2. What L2's own tables say may only be stronger. */
#define S2_AF	  (1ull << 10)
#define S2_NORMAL (0xfull << 2) /* write-back */
#define S2_nGnRE  (0x1ull << 2)
#define S2_R	  (1ull << 6)
#define S2_W	  (1ull << 7)
#define S2_XN	  (1ull << 54)
#define S2_RAM	  (S2_AF | S2_NORMAL | S2_R | S2_W)
#define S2_RO	  (S2_AF | S2_NORMAL | S2_R)
#define S2_DEVICE (S2_AF | S2_nGnRE | S2_R | S2_W | S2_XN)

/* Of stage 1; indices are into S1_MAIR. */
#define S1_MAIR	    0x4400ull /* 0: Device-nGnRnE, 1: Normal Non-cacheable */
#define S1_AF	    (1ull << 10)
#define S1_ATTR(i)  ((uint64_t)(i) << 2)
#define S1_EL0	    (1ull << 6)
#define S1_READONLY (1ull << 7)
#define S1_PXN	    (1ull << 53)
#define S1_UXN	    (1ull << 54)
#define S1_RAM	    (S1_AF | S1_ATTR(1))
#define S1_DEVICE   (S1_AF | S1_ATTR(0) | S1_PXN | S1_UXN)
#define S1_HIGH	    0xfffffff000000000ull /* where TTBR1's part begins */

/* A table that maps nothing; there is room for some, and they are not freed. */
pte_t *pt_new(void);

/* The mapping of @size bytes, in blocks where all is aligned to them. */
void pt_map(pte_t *root, uint64_t in, uint64_t out, uint64_t size,
	    uint64_t attr);
/* Makes them invalid; TLBs keep what they know. Splits no block. */
void pt_unmap(pte_t *root, uint64_t in, uint64_t size);
/* The descriptor that maps @in, or 0. */
pte_t pt_get(pte_t *root, uint64_t in);

/* TCR_EL1, and TCR_EL2 with E2H: 36 bits below by TTBR0, above by TTBR1. */
uint64_t s1_tcr(void);

/* What the registers want for a tree that pt_new() began. */
uint64_t s2_vtcr(void);
uint64_t s2_vttbr(const pte_t *root, unsigned vmid);

/* All of RAM that payloads use, mapped to itself: L2 is part of our image. */
void s2_map_self(pte_t *root);

/*
 * s2_flush() - what TLBs know of an IPA, for the VMID in VTTBR_EL2
 *
 * Between the change of a valid descriptor and a use of the new one (Arm ARM,
 * break-before-make). s2_flush_all() is for all IPAs of that VMID.
 */
void s2_flush(uint64_t ipa);
void s2_flush_all(void);
