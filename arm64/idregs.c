/* SPDX-License-Identifier: MIT */
/*
 * The table of ID registers and their fields, and the conversion between names,
 * numbers and KVM's register ids.
 */
#include "arm64/idregs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/kvm.h"

static_assert(IDREG(3, 7, 7) == IDREGS - 1 &&
		      IDREGS == KVM_ARM_FEATURE_ID_RANGE_SIZE,
	      "the range is KVM's");

/* Nearly all fields have four bits: those of each register, from bit 0 up. */
static const struct {
	unsigned reg;
	const char *name;
	const char *field[16];
} regs[] = {
	{ IDREG(0, 0, 0), "MIDR_EL1", { "Revision" } },
	{ IDREG(0, 0, 6), "REVIDR_EL1", { 0 } },
	{ IDREG(0, 1, 0),
	  "ID_PFR0_EL1",
	  { "State0", "State1", "State2", "State3", "CSV2", "AMU", "DIT",
	    "RAS" } },
	{ IDREG(0, 1, 1),
	  "ID_PFR1_EL1",
	  { "ProgMod", "Security", "MProgMod", "Virtualization", "GenTimer",
	    "Sec_frac", "Virt_frac", "GIC" } },
	{ IDREG(0, 1, 2),
	  "ID_DFR0_EL1",
	  { "CopDbg", "CopSDbg", "MMapDbg", "CopTrc", "MMapTrc", "MProfDbg",
	    "PerfMon", "TraceFilt" } },
	{ IDREG(0, 1, 3), "ID_AFR0_EL1", { 0 } },
	{ IDREG(0, 1, 4),
	  "ID_MMFR0_EL1",
	  { "VMSA", "PMSA", "OuterShr", "ShareLvl", "TCM", "AuxReg", "FCSE",
	    "InnerShr" } },
	{ IDREG(0, 1, 5),
	  "ID_MMFR1_EL1",
	  { "L1HvdVA", "L1UniVA", "L1HvdSW", "L1UniSW", "L1Hvd", "L1Uni",
	    "L1TstCln", "BPred" } },
	{ IDREG(0, 1, 6),
	  "ID_MMFR2_EL1",
	  { "L1HvdFG", "L1HvdBG", "L1HvdRng", "HvdTLB", "UniTLB", "MemBarr",
	    "WFIStall", "HWAccFlg" } },
	{ IDREG(0, 1, 7),
	  "ID_MMFR3_EL1",
	  { "CMaintVA", "CMaintSW", "BPMaint", "MaintBcst", "PAN", "CohWalk",
	    "CMemSz", "Supersec" } },
	{ IDREG(0, 2, 0),
	  "ID_ISAR0_EL1",
	  { "Swap", "BitCount", "BitField", "CmpBranch", "Coproc", "Debug",
	    "Divide" } },
	{ IDREG(0, 2, 1),
	  "ID_ISAR1_EL1",
	  { "Endian", "Except", "Except_AR", "Extend", "IfThen", "Immediate",
	    "Interwork", "Jazelle" } },
	{ IDREG(0, 2, 2),
	  "ID_ISAR2_EL1",
	  { "LoadStore", "MemHint", "MultiAccessInt", "Mult", "MultS", "MultU",
	    "PSR_AR", "Reversal" } },
	{ IDREG(0, 2, 3),
	  "ID_ISAR3_EL1",
	  { "Saturate", "SIMD", "SVC", "SynchPrim", "TabBranch", "T32Copy",
	    "TrueNOP", "T32EE" } },
	{ IDREG(0, 2, 4),
	  "ID_ISAR4_EL1",
	  { "Unpriv", "WithShifts", "Writeback", "SMC", "Barrier",
	    "SynchPrim_frac", "PSR_M", "SWP_frac" } },
	{ IDREG(0, 2, 5),
	  "ID_ISAR5_EL1",
	  { "SEVL", "AES", "SHA1", "SHA2", "CRC32", NULL, "RDM", "VCMA" } },
	{ IDREG(0, 2, 6),
	  "ID_MMFR4_EL1",
	  { "SpecSEI", "AC2", "XNX", "CnP", "HPDS", "LSM", "CCIDX", "EVT" } },
	{ IDREG(0, 2, 7),
	  "ID_ISAR6_EL1",
	  { "JSCVT", "DP", "FHM", "SB", "SPECRES", "BF16", "I8MM", "CLRBHB" } },
	{ IDREG(0, 3, 0),
	  "MVFR0_EL1",
	  { "SIMDReg", "FPSP", "FPDP", "FPTrap", "FPDivide", "FPSqrt",
	    "FPShVec", "FPRound" } },
	{ IDREG(0, 3, 1),
	  "MVFR1_EL1",
	  { "FPFtZ", "FPDNaN", "SIMDLS", "SIMDInt", "SIMDSP", "SIMDHP", "FPHP",
	    "SIMDFMAC" } },
	{ IDREG(0, 3, 2), "MVFR2_EL1", { "SIMDMisc", "FPMisc" } },
	{ IDREG(0, 3, 4), "ID_PFR2_EL1", { "CSV3", "SSBS", "RAS_frac" } },
	{ IDREG(0, 3, 5), "ID_DFR1_EL1", { "MTPMU", "HPMN0" } },
	{ IDREG(0, 3, 6), "ID_MMFR5_EL1", { "ETS", "nTLBPA" } },
	{ IDREG(0, 4, 0),
	  "ID_AA64PFR0_EL1",
	  { "EL0", "EL1", "EL2", "EL3", "FP", "AdvSIMD", "GIC", "RAS", "SVE",
	    "SEL2", "MPAM", "AMU", "DIT", "RME", "CSV2", "CSV3" } },
	{ IDREG(0, 4, 1),
	  "ID_AA64PFR1_EL1",
	  { "BT", "SSBS", "MTE", "RAS_frac", "MPAM_frac", NULL, "SME",
	    "RNDR_trap", "CSV2_frac", "NMI", "MTE_frac", "GCS", "THE", "MTEX",
	    "DF2", "PFAR" } },
	{ IDREG(0, 4, 2),
	  "ID_AA64PFR2_EL1",
	  { "MTEPERM", "MTESTOREONLY", "MTEFAR", "GCIE", "UINJ", NULL, NULL,
	    NULL, "FPMR" } },
	{ IDREG(0, 4, 4),
	  "ID_AA64ZFR0_EL1",
	  { "SVEver", "AES", NULL, "EltPerm", "BitPerm", "BF16", "B16B16", NULL,
	    "SHA3", NULL, "SM4", "I8MM", "F16MM", "F32MM", "F64MM" } },
	{ IDREG(0, 4, 5),
	  "ID_AA64SMFR0_EL1",
	  { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "I8I32", NULL,
	    "I16I32", NULL, "I16I64", "SMEver" } },
	{ IDREG(0, 4, 7), "ID_AA64FPFR0_EL1", { 0 } },
	{ IDREG(0, 5, 0),
	  "ID_AA64DFR0_EL1",
	  { "DebugVer", "TraceVer", "PMUVer", "BRPs", "PMSS", "WRPs", "SEBEP",
	    "CTX_CMPs", "PMSVer", "DoubleLock", "TraceFilt", "TraceBuffer",
	    "MTPMU", "BRBE", "ExtTrcBuff", "HPMN0" } },
	{ IDREG(0, 5, 1),
	  "ID_AA64DFR1_EL1",
	  { NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "SPMU", "PMICNTR",
	    "ABLE", "ITE", "EBEP", "DPFZS" } },
	{ IDREG(0, 5, 2),
	  "ID_AA64DFR2_EL1",
	  { "STEP", "BWE", NULL, NULL, "SPE_EXC", "SPE_nVM", "TRBE_EXC" } },
	{ IDREG(0, 5, 4), "ID_AA64AFR0_EL1", { 0 } },
	{ IDREG(0, 5, 5), "ID_AA64AFR1_EL1", { 0 } },
	{ IDREG(0, 6, 0),
	  "ID_AA64ISAR0_EL1",
	  { NULL, "AES", "SHA1", "SHA2", "CRC32", "Atomic", "TME", "RDM",
	    "SHA3", "SM3", "SM4", "DP", "FHM", "TS", "TLB", "RNDR" } },
	{ IDREG(0, 6, 1),
	  "ID_AA64ISAR1_EL1",
	  { "DPB", "APA", "API", "JSCVT", "FCMA", "LRCPC", "GPA", "GPI",
	    "FRINTTS", "SB", "SPECRES", "BF16", "DGH", "I8MM", "XS", "LS64" } },
	{ IDREG(0, 6, 2),
	  "ID_AA64ISAR2_EL1",
	  { "WFxT", "RPRES", "GPA3", "APA3", "MOPS", "BC", "PAC_frac", "CLRBHB",
	    "SYSREG_128", "SYSINSTR_128", "PRFMSLC", "PCDPHINT", "RPRFM",
	    "CSSC", "LUT", "ATS1A" } },
	{ IDREG(0, 6, 3),
	  "ID_AA64ISAR3_EL1",
	  { "CPA", "FAMINMAX", "TLBIW", "PACM", "LSFE", "OCCMO", "LSUI",
	    "FPRCVT" } },
	{ IDREG(0, 7, 0),
	  "ID_AA64MMFR0_EL1",
	  { "PARange", "ASIDBits", "BigEnd", "SNSMem", "BigEndEL0", "TGran16",
	    "TGran64", "TGran4", "TGran16_2", "TGran64_2", "TGran4_2", "ExS",
	    NULL, NULL, "FGT", "ECV" } },
	{ IDREG(0, 7, 1),
	  "ID_AA64MMFR1_EL1",
	  { "HAFDBS", "VMIDBits", "VH", "HPDS", "LO", "PAN", "SpecSEI", "XNX",
	    "TWED", "ETS", "HCX", "AFP", "nTLBPA", "TIDCP1", "CMOW",
	    "ECBHB" } },
	{ IDREG(0, 7, 2),
	  "ID_AA64MMFR2_EL1",
	  { "CnP", "UAO", "LSM", "IESB", "VARange", "CCIDX", "NV", "ST", "AT",
	    "IDS", "FWB", NULL, "TTL", "BBM", "EVT", "E0PD" } },
	{ IDREG(0, 7, 3),
	  "ID_AA64MMFR3_EL1",
	  { "TCRX", "SCTLRX", "S1PIE", "S2PIE", "S1POE", "S2POE", "AIE", "MEC",
	    "D128", "D128_2", "SNERR", "ANERR", NULL, "SDERR", "ADERR",
	    "Spec_FPACC" } },
	{ IDREG(0, 7, 4),
	  "ID_AA64MMFR4_EL1",
	  { "PoPS", "EIESB", "ASID2", "HACDBS", "FGWTE3", "NV_frac", "E2H0",
	    "RMEGDI", NULL, "E3DSE", NULL, "SRMASK" } },
	{ IDREG(1, 0, 1), "CLIDR_EL1", { 0 } },
	{ IDREG(1, 0, 7), "AIDR_EL1", { 0 } },
	{ IDREG(3, 0, 1),
	  "CTR_EL0",
	  { "IminLine", NULL, NULL, NULL, "DminLine", "ERG", "CWG" } },
	{ IDREG(3, 0, 7), "DCZID_EL0", { "BS" } },
};

/* The others, from bit 0 up within their register. */
static const struct {
	unsigned reg;
	const char *name;
	unsigned lsb, width;
} odd[] = {
	{ IDREG(0, 0, 0), "PartNum", 4, 12 },
	{ IDREG(0, 0, 0), "Architecture", 16, 4 },
	{ IDREG(0, 0, 0), "Variant", 20, 4 },
	{ IDREG(0, 0, 0), "Implementer", 24, 8 },
	{ IDREG(0, 4, 5), "SMOP4", 0, 1 },
	{ IDREG(0, 4, 5), "STMOP", 16, 1 },
	{ IDREG(0, 4, 5), "SFEXPA", 23, 1 },
	{ IDREG(0, 4, 5), "AES", 24, 1 },
	{ IDREG(0, 4, 5), "SBitPerm", 25, 1 },
	{ IDREG(0, 4, 5), "SF8DP2", 28, 1 },
	{ IDREG(0, 4, 5), "SF8DP4", 29, 1 },
	{ IDREG(0, 4, 5), "SF8FMA", 30, 1 },
	{ IDREG(0, 4, 5), "F32F32", 32, 1 },
	{ IDREG(0, 4, 5), "BI32I32", 33, 1 },
	{ IDREG(0, 4, 5), "B16F32", 34, 1 },
	{ IDREG(0, 4, 5), "F16F32", 35, 1 },
	{ IDREG(0, 4, 5), "F8F32", 40, 1 },
	{ IDREG(0, 4, 5), "F8F16", 41, 1 },
	{ IDREG(0, 4, 5), "F16F16", 42, 1 },
	{ IDREG(0, 4, 5), "B16B16", 43, 1 },
	{ IDREG(0, 4, 5), "F64F64", 48, 1 },
	{ IDREG(0, 4, 5), "LUTv2", 60, 1 },
	{ IDREG(0, 4, 5), "LUT6", 61, 1 },
	{ IDREG(0, 4, 5), "FA64", 63, 1 },
	{ IDREG(0, 4, 7), "F8E5M2", 0, 1 },
	{ IDREG(0, 4, 7), "F8E4M3", 1, 1 },
	{ IDREG(0, 4, 7), "F16MM2", 15, 1 },
	{ IDREG(0, 4, 7), "F8MM4", 26, 1 },
	{ IDREG(0, 4, 7), "F8MM8", 27, 1 },
	{ IDREG(0, 4, 7), "F8DP2", 28, 1 },
	{ IDREG(0, 4, 7), "F8DP4", 29, 1 },
	{ IDREG(0, 4, 7), "F8FMA", 30, 1 },
	{ IDREG(0, 4, 7), "F8CVT", 31, 1 },
	{ IDREG(0, 5, 1), "SYSPMUID", 0, 8 },
	{ IDREG(0, 5, 1), "BRPs", 8, 8 },
	{ IDREG(0, 5, 1), "WRPs", 16, 8 },
	{ IDREG(0, 5, 1), "CTX_CMPs", 24, 8 },
	{ IDREG(0, 5, 1), "ABL_CMPs", 56, 8 },
	{ IDREG(1, 0, 1), "Ctype1", 0, 3 },
	{ IDREG(1, 0, 1), "Ctype2", 3, 3 },
	{ IDREG(1, 0, 1), "Ctype3", 6, 3 },
	{ IDREG(1, 0, 1), "Ctype4", 9, 3 },
	{ IDREG(1, 0, 1), "Ctype5", 12, 3 },
	{ IDREG(1, 0, 1), "Ctype6", 15, 3 },
	{ IDREG(1, 0, 1), "Ctype7", 18, 3 },
	{ IDREG(1, 0, 1), "LoUIS", 21, 3 },
	{ IDREG(1, 0, 1), "LoC", 24, 3 },
	{ IDREG(1, 0, 1), "LoUU", 27, 3 },
	{ IDREG(1, 0, 1), "ICB", 30, 3 },
	{ IDREG(1, 0, 1), "Ttype1", 33, 2 },
	{ IDREG(1, 0, 1), "Ttype2", 35, 2 },
	{ IDREG(1, 0, 1), "Ttype3", 37, 2 },
	{ IDREG(1, 0, 1), "Ttype4", 39, 2 },
	{ IDREG(1, 0, 1), "Ttype5", 41, 2 },
	{ IDREG(1, 0, 1), "Ttype6", 43, 2 },
	{ IDREG(1, 0, 1), "Ttype7", 45, 2 },
	{ IDREG(3, 0, 1), "L1Ip", 14, 2 },
	{ IDREG(3, 0, 1), "IDC", 28, 1 },
	{ IDREG(3, 0, 1), "DIC", 29, 1 },
	{ IDREG(3, 0, 1), "TminLine", 32, 6 },
	{ IDREG(3, 0, 7), "DZP", 4, 1 },
};

#define NREGS (sizeof(regs) / sizeof(*regs))
#define NODD  (sizeof(odd) / sizeof(*odd))

static unsigned op1_of(unsigned reg)
{
	return reg >> 6 == 2 ? 3 : reg >> 6;
}

uint64_t idreg_kvm_id(unsigned reg)
{
	return ARM64_SYS_REG(3, op1_of(reg), 0, reg >> 3 & 7, reg & 7);
}

/* A field under its name; false past the last. */
static bool named(unsigned reg, unsigned i, struct idfield *f,
		  const char **name)
{
	unsigned r, n;

	f->reg = reg;
	for (r = 0; r < NREGS; r++) {
		for (n = 0; regs[r].reg == reg && n < 16; n++) {
			if (!regs[r].field[n] || i--)
				continue;
			f->lsb = 4 * n;
			f->width = 4;
			*name = regs[r].field[n];
			return true;
		}
	}
	for (n = 0; n < NODD; n++) {
		if (odd[n].reg != reg || i--)
			continue;
		f->lsb = odd[n].lsb;
		f->width = odd[n].width;
		*name = odd[n].name;
		return true;
	}
	return false;
}

bool idreg_named(unsigned reg, unsigned i, struct idfield *f)
{
	const char *name;

	return named(reg, i, f, &name);
}

/* The name of register @reg, in @buf if it has none of its own. */
static const char *reg_name(unsigned reg, char *buf, size_t size)
{
	unsigned r;

	for (r = 0; r < NREGS; r++)
		if (regs[r].reg == reg)
			return regs[r].name;
	snprintf(buf, size, "S3_%u_C0_C%u_%u", op1_of(reg), reg >> 3 & 7,
		 reg & 7);
	return buf;
}

const char *idfield_name(const struct idfield *f, char *buf)
{
	char number[24];
	const char *reg = reg_name(f->reg, number, sizeof(number)), *name;
	struct idfield g;
	unsigned i;

	for (i = 0; named(f->reg, i, &g, &name); i++) {
		if (g.lsb == f->lsb && g.width == f->width) {
			snprintf(buf, IDFIELD_NAME, "%s.%s", reg, name);
			return buf;
		}
	}
	snprintf(buf, IDFIELD_NAME, "%s[%u:%u]", reg, f->lsb + f->width - 1,
		 f->lsb);
	return buf;
}

/* Upper and lower case are the same, as kernels spell some otherwise. */
static int parse_reg(const char *s, size_t len, unsigned *reg)
{
	unsigned r, op1, crm, op2;
	int n = 0;

	for (r = 0; r < NREGS; r++) {
		if (strlen(regs[r].name) == len &&
		    !strncasecmp(s, regs[r].name, len)) {
			*reg = regs[r].reg;
			return 0;
		}
	}
	if (sscanf(s, "S3_%1u_C0_C%1u_%1u%n", &op1, &crm, &op2, &n) != 3 ||
	    (size_t)n != len || op1 == 2 || op1 > 3 || crm > 7 || op2 > 7)
		return -ENOENT;
	*reg = IDREG(op1, crm, op2);
	return 0;
}

/* [MSB:LSB], which ends the name. */
static int parse_bits(const char *s, struct idfield *f)
{
	unsigned msb, lsb;
	int n = 0;

	if (sscanf(s, "[%2u:%2u]%n", &msb, &lsb, &n) != 2 || !n || s[n] ||
	    msb > 63 || lsb > msb)
		return -ENOKEY;
	f->lsb = lsb;
	f->width = msb - lsb + 1;
	return 0;
}

int idfield_parse(const char *s, struct idfield *f)
{
	size_t n = strcspn(s, ".[");
	const char *name;
	unsigned i;
	int r = parse_reg(s, n, &f->reg);

	if (r < 0)
		return r;
	if (s[n] == '[')
		return parse_bits(s + n, f);
	for (i = 0; s[n] && named(f->reg, i, f, &name); i++)
		if (!strcasecmp(s + n + 1, name))
			return 0;
	return -ENOKEY;
}
