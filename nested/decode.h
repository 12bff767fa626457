/* SPDX-License-Identifier: MIT */
/*
 * What EL2's registers mean, as text (Arm ARM DDI 0487, D24.2).
 *
 * The decoders write a string of less than @size bytes, cut if it must be, and
 * return nothing: there is no value that they refuse. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The names of the bits that are set: "VM|IMO|RW|E2H"; "0" if none is. */
void el2_hcr_decode(uint64_t hcr, char *buf, size_t size);

/* The exception class and its syndrome: "EC 0x16 HVC, ISS 0x7". */
void el2_esr_decode(uint64_t esr, char *buf, size_t size);

/* By the register's name, for those that have a meaning of parts; else "". */
void el2_reg_decode(const char *name, uint64_t value, char *buf, size_t size);
