/* SPDX-License-Identifier: MIT */
/*
 * The SMBIOS tables of the machine (DSP0134 3.0), which firmware hands on to
 * the guest: system, board, chassis, processors, memory. Type 0 is not among
 * them: it describes the firmware, which writes it itself.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"

#define SMBIOS_TABLES_MAX 2048u

struct smbios {
	uint8_t anchor[24]; /* the 64-bit entry point, without an address */
	uint8_t tables[SMBIOS_TABLES_MAX];
	size_t size; /* of the tables, in bytes */
};

/* Describe @m, with the texts of @c, each no longer than SMBIOS_TEXT_MAX. */
void smbios_build(const struct machine *m, const struct smbios_config *c,
		  struct smbios *out);
