/* SPDX-License-Identifier: MIT */
#include "nested/decode.h"

#include <string.h>

#include "tests/unit/test.h"

static char text[400];

static const char *decoded(const char *name, uint64_t value)
{
	el2_reg_decode(name, value, text, sizeof(text));
	return text;
}

TEST(hcr_el2_is_the_names_of_its_bits)
{
	STR_EQ(decoded("HCR_EL2", 0), "0");
	STR_EQ(decoded("HCR_EL2", 0x80000011), "VM|IMO|RW");
	STR_EQ(decoded("HCR_EL2", 1ull << 34 | 1 << 27), "TGE|E2H");
	STR_EQ(decoded("HCR_EL2", 7ull << 42 | 1ull << 45), "NV|NV1|AT|NV2");
	STR_EQ(decoded("HCR_EL2", 2 << 10 | 5ull << 60), "BSU=2|TWEDEL=5");
}

/* No bit is nameless but those that are reserved or part of a field. */
TEST(every_bit_of_hcr_el2_has_its_own_name)
{
	const uint64_t reserved = 1ull << 39 | 1ull << 48;
	char names[64][32];
	unsigned i, j;

	for (i = 0; i < 64; i++) {
		el2_hcr_decode(1ull << i, names[i], sizeof(names[i]));
		EQ(!strcmp(names[i], "0"), (int)(reserved >> i & 1));
		for (j = 0; j < i; j++)
			OK(reserved >> i & 1 || strcmp(names[i], names[j]));
	}
}

TEST(esr_el2_is_its_class_and_syndrome)
{
	STR_EQ(decoded("ESR_EL2", 0x5a000007), "EC 0x16 HVC, ISS 0x7");
	STR_EQ(decoded("ESR_EL2", 0x1aull << 26), "EC 0x1a ERET, ISS 0");
	STR_EQ(decoded("ESR_EL12", 0x3full << 26),
	       "EC 0x3f another class, ISS 0");
}

TEST(addresses_are_taken_out_of_their_registers)
{
	STR_EQ(decoded("VTTBR_EL2", 0x0007000040200000),
	       "VMID 7, tables at 0x40200000");
	STR_EQ(decoded("HPFAR_EL2", 0x900000), "IPA 0x90000000");
	STR_EQ(decoded("SPSR_EL2", 0x3c9), "EL2h");
	STR_EQ(decoded("SPSR_EL2", 0x1d3), "AArch32");
	STR_EQ(decoded("VBAR_EL2", 0x1234), "");
}

TEST(a_text_that_does_not_fit_is_cut)
{
	char small[8];
	unsigned size;

	for (size = 1; size <= sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		el2_hcr_decode(~0ull, small, size);
		EQ(strlen(small), size - 1);
		el2_esr_decode(~0ull, small, size);
		EQ(strlen(small), size - 1);
	}
	el2_reg_decode("HCR_EL2", 1, small, 0);
}
