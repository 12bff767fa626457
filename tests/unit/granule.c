/* SPDX-License-Identifier: MIT */
#include "nested/granule.h"

#include "tests/unit/test.h"

#define TGRAN16(v)   ((uint64_t)(v) << 20)
#define TGRAN64(v)   ((uint64_t)(v) << 24)
#define TGRAN4(v)    ((uint64_t)(v) << 28)
#define TGRAN16_2(v) ((uint64_t)(v) << 32)
#define TGRAN64_2(v) ((uint64_t)(v) << 36)
#define TGRAN4_2(v)  ((uint64_t)(v) << 40)

TEST(of_zeros_pages_of_16K_are_not_offered_and_the_others_are)
{
	EQ(granules_stage1(0), 4 | 64);
	EQ(granules_stage2(0), 4 | 64);
}

TEST(each_granule_of_stage_1_has_its_own_word_for_none)
{
	EQ(granules_stage1(TGRAN4(0xf)), 64);
	EQ(granules_stage1(TGRAN64(0xf)), 4);
	EQ(granules_stage1(TGRAN16(1)), 4 | 16 | 64);
	/* 52 bits: LPA2. */
	EQ(granules_stage1(TGRAN16(2) | TGRAN4(1)), 4 | 16 | 64);
}

TEST(stage_2_is_as_stage_1_where_its_own_fields_are_silent)
{
	EQ(granules_stage2(TGRAN4(0xf) | TGRAN16(1)), 16 | 64);
	EQ(granules_stage2(TGRAN16(1) | TGRAN4_2(1) | TGRAN16_2(2)), 16 | 64);
	EQ(granules_stage2(TGRAN16(1) | TGRAN4_2(1) | TGRAN16_2(1) |
			   TGRAN64_2(2)),
	   64);
	EQ(granules_stage2(TGRAN4(0xf) | TGRAN64(0xf) | TGRAN4_2(3)), 4);
}

TEST(KVM_leaves_a_guest_hypervisor_no_page_below_its_own)
{
	EQ(granules_of_el2(GRANULES_ALL, 4096), 4 | 16 | 64);
	EQ(granules_of_el2(GRANULES_ALL, 16384), 16 | 64);
	EQ(granules_of_el2(4 | 64, 16384), 64);
	EQ(granules_of_el2(GRANULES_ALL, 65536), 64);
}

TEST(a_set_of_granules_reads_as_a_list)
{
	STR_EQ(granules_text(0), "none");
	STR_EQ(granules_text(16), "16 KiB");
	STR_EQ(granules_text(16 | 64), "16 and 64 KiB");
	STR_EQ(granules_text(GRANULES_ALL), "4, 16 and 64 KiB");
}
