/* SPDX-License-Identifier: MIT */
/*
 * Sizes of translation tables' pages, as ID_AA64MMFR0_EL1 offers them
 * (Arm ARM DDI 0487, D24.2.85): TGran4, TGran16, TGran64, and TGran*_2.
 *
 * A set of granules is the sum of their sizes in KiB, 4, 16 and 64. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define GRANULES_ALL (4u | 16u | 64u)

/* What an OS may use for its own tables, and a hypervisor for its guests'. */
unsigned granules_stage1(uint64_t mmfr0);
unsigned granules_stage2(uint64_t mmfr0);

/*
 * granules_of_el2() - what of @stage1 KVM leaves a guest hypervisor for stage 2
 *
 * Its own pages of @page bytes are the smallest that it can put there.
 */
unsigned granules_of_el2(unsigned stage1, uint64_t page);

/* "4 KiB", "16 and 64 KiB", "4, 16 and 64 KiB"; "none" of 0. */
const char *granules_text(unsigned set);
