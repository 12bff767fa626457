/* SPDX-License-Identifier: MIT */
/*
 * Tables of the bits of HCR_EL2 and of exception classes, and the formatting of
 * EL2's registers.
 */
#include "nested/decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	unsigned bit;
	const char *name;
} hcr_bits[] = {
	{ 0, "VM" },	   { 1, "SWIO" },    { 2, "PTW" },
	{ 3, "FMO" },	   { 4, "IMO" },     { 5, "AMO" },
	{ 6, "VF" },	   { 7, "VI" },	     { 8, "VSE" },
	{ 9, "FB" },	   { 12, "DC" },     { 13, "TWI" },
	{ 14, "TWE" },	   { 15, "TID0" },   { 16, "TID1" },
	{ 17, "TID2" },	   { 18, "TID3" },   { 19, "TSC" },
	{ 20, "TIDCP" },   { 21, "TACR" },   { 22, "TSW" },
	{ 23, "TPCP" },	   { 24, "TPU" },    { 25, "TTLB" },
	{ 26, "TVM" },	   { 27, "TGE" },    { 28, "TDZ" },
	{ 29, "HCD" },	   { 30, "TRVM" },   { 31, "RW" },
	{ 32, "CD" },	   { 33, "ID" },     { 34, "E2H" },
	{ 35, "TLOR" },	   { 36, "TERR" },   { 37, "TEA" },
	{ 38, "MIOCNCE" }, { 40, "APK" },    { 41, "API" },
	{ 42, "NV" },	   { 43, "NV1" },    { 44, "AT" },
	{ 45, "NV2" },	   { 46, "FWB" },    { 47, "FIEN" },
	{ 49, "TID4" },	   { 50, "TICAB" },  { 51, "AMVOFFEN" },
	{ 52, "TOCU" },	   { 53, "EnSCXT" }, { 54, "TTLBIS" },
	{ 55, "TTLBOS" },  { 56, "ATA" },    { 57, "DCT" },
	{ 58, "TID5" },	   { 59, "TWEDEn" },
};
#define HCR_BSU_SHIFT	 10 /* two bits */
#define HCR_TWEDEL_SHIFT 60 /* four */

/* Exception classes that reach EL2, or that a guest hypervisor sees. */
static const struct {
	uint8_t ec;
	const char *name;
} classes[] = {
	{ 0x00, "unknown" },
	{ 0x01, "WFI or WFE" },
	{ 0x07, "SVE, SIMD or FP access" },
	{ 0x09, "pointer authentication" },
	{ 0x0e, "illegal execution state" },
	{ 0x15, "SVC" },
	{ 0x16, "HVC" },
	{ 0x17, "SMC" },
	{ 0x18, "MSR or MRS" },
	{ 0x19, "SVE access" },
	{ 0x1a, "ERET" },
	{ 0x1c, "pointer authentication failure" },
	{ 0x20, "instr. abort, lower EL" },
	{ 0x21, "instruction abort" },
	{ 0x22, "PC alignment fault" },
	{ 0x24, "data abort, lower EL" },
	{ 0x25, "data abort" },
	{ 0x26, "SP alignment fault" },
	{ 0x2f, "SError" },
	{ 0x3c, "BRK" },
};

/* Appends to what is in @buf, as far as there is room. */
static void append(char *buf, size_t size, const char *sep, const char *text)
{
	size_t n = strlen(buf);

	if (n < size)
		snprintf(buf + n, size - n, "%s%s", n ? sep : "", text);
}

void el2_hcr_decode(uint64_t hcr, char *buf, size_t size)
{
	const unsigned n = sizeof(hcr_bits) / sizeof(*hcr_bits);
	char field[16];
	unsigned i;

	if (!size)
		return;
	buf[0] = '\0';
	for (i = 0; i < n; i++)
		if (hcr >> hcr_bits[i].bit & 1)
			append(buf, size, "|", hcr_bits[i].name);
	if (hcr >> HCR_BSU_SHIFT & 3) {
		snprintf(field, sizeof(field), "BSU=%u",
			 (unsigned)(hcr >> HCR_BSU_SHIFT & 3));
		append(buf, size, "|", field);
	}
	if (hcr >> HCR_TWEDEL_SHIFT) {
		snprintf(field, sizeof(field), "TWEDEL=%u",
			 (unsigned)(hcr >> HCR_TWEDEL_SHIFT));
		append(buf, size, "|", field);
	}
	if (!buf[0])
		append(buf, size, "", "0");
}

static const char *class_name(unsigned ec)
{
	unsigned i;

	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (classes[i].ec == ec)
			return classes[i].name;
	return "another class";
}

void el2_esr_decode(uint64_t esr, char *buf, size_t size)
{
	unsigned ec = esr >> 26 & 0x3f;

	snprintf(buf, size, "EC %#x %s, ISS %#x", ec, class_name(ec),
		 (unsigned)(esr & 0x1ffffff));
}

static void vttbr_decode(uint64_t vttbr, char *buf, size_t size)
{
	snprintf(buf, size, "VMID %u, tables at %#" PRIx64,
		 (unsigned)(vttbr >> 48), vttbr & 0xfffffffffffe);
}

/* Bits 43:4 hold bits 51:12 of the faulting IPA. */
static void hpfar_decode(uint64_t hpfar, char *buf, size_t size)
{
	snprintf(buf, size, "IPA %#" PRIx64, (hpfar & 0xffffffffff0) << 8);
}

static void spsr_decode(uint64_t spsr, char *buf, size_t size)
{
	if (spsr & 0x10)
		snprintf(buf, size, "AArch32");
	else
		snprintf(buf, size, "EL%u%c", (unsigned)(spsr >> 2 & 3),
			 spsr & 1 ? 'h' : 't');
}

static const struct {
	const char *name;
	void (*decode)(uint64_t, char *, size_t);
} registers[] = {
	{ "HCR_EL2", el2_hcr_decode }, { "ESR_EL2", el2_esr_decode },
	{ "ESR_EL1", el2_esr_decode }, { "ESR_EL12", el2_esr_decode },
	{ "VTTBR_EL2", vttbr_decode }, { "HPFAR_EL2", hpfar_decode },
	{ "SPSR_EL2", spsr_decode },   { "PSTATE", spsr_decode },
};

void el2_reg_decode(const char *name, uint64_t value, char *buf, size_t size)
{
	unsigned i;

	if (!size)
		return;
	buf[0] = '\0';
	for (i = 0; i < sizeof(registers) / sizeof(*registers); i++)
		if (!strcmp(registers[i].name, name))
			registers[i].decode(value, buf, size);
}
