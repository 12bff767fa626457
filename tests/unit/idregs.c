/* SPDX-License-Identifier: MIT */
#include "arm64/idregs.h"

#include <errno.h>

#include "core/kvm.h"
#include "tests/unit/test.h"

TEST(every_field_is_found_again_by_its_name)
{
	struct idfield f, g;
	char name[IDFIELD_NAME];
	unsigned reg, i, n = 0;

	for (reg = 0; reg < IDREGS; reg++) {
		for (i = 0; idreg_named(reg, i, &f); i++, n++) {
			EQ(idfield_parse(idfield_name(&f, name), &g), 0);
			EQ(g.reg, f.reg);
			EQ(g.lsb, f.lsb);
			EQ(g.width, f.width);
		}
	}
	LT(350, n);
}

TEST(no_two_fields_of_a_register_share_a_bit)
{
	struct idfield f, g;
	unsigned reg, i, j;

	for (reg = 0; reg < IDREGS; reg++) {
		for (i = 0; idreg_named(reg, i, &f); i++) {
			LT(f.lsb + f.width - 1, 64);
			for (j = 0; j < i && idreg_named(reg, j, &g); j++)
				OK(!idfield_overlap(&f, &g));
		}
	}
}

/* As arch/arm64/tools/sysreg of Linux and the Arm ARM have them. */
TEST(fields_are_where_the_architecture_has_them)
{
	static const struct {
		const char *name;
		uint64_t id;
		unsigned lsb, width;
	} row[] = {
		{ "ID_AA64PFR0_EL1.SVE", ARM64_SYS_REG(3, 0, 0, 4, 0), 32, 4 },
		{ "ID_AA64ISAR0_EL1.RNDR", ARM64_SYS_REG(3, 0, 0, 6, 0), 60,
		  4 },
		{ "ID_AA64MMFR4_EL1.NV_frac", ARM64_SYS_REG(3, 0, 0, 7, 4), 20,
		  4 },
		{ "ID_AA64MMFR0_EL1.TGran4", ARM64_SYS_REG(3, 0, 0, 7, 0), 28,
		  4 },
		{ "ID_AA64DFR0_EL1.PMUVer", ARM64_SYS_REG(3, 0, 0, 5, 0), 8,
		  4 },
		{ "ID_ISAR5_EL1.AES", ARM64_SYS_REG(3, 0, 0, 2, 5), 4, 4 },
		{ "MIDR_EL1.PartNum", ARM64_SYS_REG(3, 0, 0, 0, 0), 4, 12 },
		{ "CLIDR_EL1.LoC", ARM64_SYS_REG(3, 1, 0, 0, 1), 24, 3 },
		{ "CTR_EL0.DIC", ARM64_SYS_REG(3, 3, 0, 0, 1), 29, 1 },
		{ "id_aa64mmfr0_el1.PARANGE", ARM64_SYS_REG(3, 0, 0, 7, 0), 0,
		  4 },
		{ "ID_AA64PFR0_EL1[43:36]", ARM64_SYS_REG(3, 0, 0, 4, 0), 36,
		  8 },
		{ "S3_0_C0_C4_3[63:0]", ARM64_SYS_REG(3, 0, 0, 4, 3), 0, 64 },
	};
	struct idfield f;
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		EQ(idfield_parse(row[i].name, &f), 0);
		EQ(idreg_kvm_id(f.reg), row[i].id);
		EQ(f.lsb, row[i].lsb);
		EQ(f.width, row[i].width);
	}
}

TEST(a_name_that_means_nothing_is_refused)
{
	static const struct {
		const char *name;
		int err;
	} row[] = {
		{ "", -ENOENT },
		{ ".", -ENOENT },
		{ "ID_AA64PFR0", -ENOENT },
		{ "S3_2_C0_C4_3[3:0]", -ENOENT },
		{ "S3_0_C0_C8_3[3:0]", -ENOENT },
		{ "S3_0_C0_C4_33[3:0]", -ENOENT },
		{ "ID_AA64PFR0_EL1", -ENOKEY },
		{ "ID_AA64PFR0_EL1.", -ENOKEY },
		{ "ID_AA64PFR0_EL1.SVE2", -ENOKEY },
		{ "ID_AA64PFR0_EL1[64:0]", -ENOKEY },
		{ "ID_AA64PFR0_EL1[3:4]", -ENOKEY },
		{ "ID_AA64PFR0_EL1[3]", -ENOKEY },
		{ "ID_AA64PFR0_EL1[3:0]x", -ENOKEY },
		{ "ID_AA64PFR0_EL1[-1:0]", -ENOKEY },
	};
	struct idfield f;
	unsigned i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		EQ(idfield_parse(row[i].name, &f), row[i].err);
}

TEST(bits_go_in_and_out_of_a_field_of_any_width)
{
	const struct idfield f = { .lsb = 4, .width = 12 };
	const struct idfield all = { .lsb = 0, .width = 64 };
	const struct idfield top = { .lsb = 63, .width = 1 };

	EQ(idfield_set(&f, 0xffffffff, 0xabc), 0xffffabcf);
	EQ(idfield_get(&f, 0xffffabcf), 0xabc);
	EQ(idfield_set(&all, 5, UINT64_MAX), UINT64_MAX);
	EQ(idfield_get(&all, UINT64_MAX), UINT64_MAX);
	EQ(idfield_set(&top, 0, 1), 1ull << 63);
}
