/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables, as firmware makes them of fw_cfg's files: they are whole, and
 * what they tell of is there. Each address and interrupt that is tried here
 * comes from a table (ACPI 6.3, chapter 5), none from the map.
 */
#include "guest/rt/fw_cfg.h"

/* --- what firmware does ------------------------------------------------------ */

#define MEMORY (MAP_RAM_BASE + 0x4000000) /* 64 MiB into RAM */

enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
#define COMMAND 128

/* A file that has been allocated. */
static struct {
	const char *name;
	uint8_t *at;
	uint32_t size;
} blob[2];

static uint64_t next = MEMORY;

static uint64_t get(const void *p, unsigned bytes)
{
	const uint8_t *from = p;
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | from[bytes];
	return v;
}

static void put(void *p, uint64_t v, unsigned bytes)
{
	uint8_t *to = p;

	for (; bytes--; v >>= 8)
		*to++ = v;
}

static uint8_t sum(const uint8_t *p, uint64_t len)
{
	uint8_t s = 0;

	while (len--)
		s += *p++;
	return s;
}

static bool same(const void *p, const char *s)
{
	const char *q = p;

	while (*s)
		if (*q++ != *s++)
			return false;
	return true;
}

static void *load(const char *name, uint32_t align, uint32_t *size)
{
	unsigned n, i;
	const struct fw_cfg_file *dir = fw_cfg_dir(&n);
	void *at;

	for (i = 0; i < n && !same(dir[i].name, name); i++)
		;
	if (i == n)
		fail("there is no %s\n", name);
	*size = __builtin_bswap32(dir[i].size);
	at = (void *)(next = (next + align - 1) / align * align);
	next += *size;
	fw_cfg_read(&dir[i], at, *size);
	return at;
}

static unsigned find_blob(const uint8_t *name)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		if (blob[i].name && same(name, blob[i].name))
			return i;
	fail("%s is not allocated\n", (const char *)name);
}

static void obey(uint8_t *c)
{
	const char *name = (const char *)c + 4;
	unsigned i = 0;

	if (get(c, 4) == ALLOCATE) {
		while (blob[i].name)
			i++;
		blob[i].at = load(name, get(c + 60, 4), &blob[i].size);
		blob[i].name = name;
		return;
	}
	i = find_blob(c + 4);
	if (get(c, 4) == ADD_POINTER) {
		uint8_t *p = blob[i].at + get(c + 116, 4);

		put(p, get(p, c[120]) + (uint64_t)blob[find_blob(c + 60)].at,
		    c[120]);
	} else if (get(c, 4) == ADD_CHECKSUM) {
		blob[i].at[get(c + 60, 4)] =
			-sum(blob[i].at + get(c + 64, 4), get(c + 68, 4));
	} else {
		fail("command %u\n", get(c, 4));
	}
}

/* --- tables -------------------------------------------------------------------- */

static const uint8_t *xsdt;
static unsigned cpus;

/* The one with that signature, which there is. */
static const uint8_t *table(const char *signature)
{
	uint64_t at;

	for (at = 36; at < get(xsdt + 4, 4); at += 8) {
		const uint8_t *t = (const uint8_t *)get(xsdt + at, 8);

		if (same(t, signature))
			return t;
	}
	return NULL;
}

static void tables(void)
{
	uint32_t size, i;
	uint8_t *script = load("etc/table-loader", 8, &size);
	const uint8_t *rsdp;
	uint64_t at;

	for (i = 0; i < size; i += COMMAND)
		obey(script + i);
	rsdp = blob[find_blob((const uint8_t *)"etc/acpi/rsdp")].at;
	if (!same(rsdp, "RSD PTR ") || sum(rsdp, 20) || sum(rsdp, 36))
		fail("the RSDP is broken\n");
	xsdt = (const uint8_t *)get(rsdp + 24, 8);
	if (!same(xsdt, "XSDT") || sum(xsdt, get(xsdt + 4, 4)))
		fail("the XSDT is broken\n");
	for (at = 36; at < get(xsdt + 4, 4); at += 8) {
		const uint8_t *t = (const uint8_t *)get(xsdt + at, 8);

		if (sum(t, get(t + 4, 4)))
			fail("%s is broken\n", (const char *)t);
	}
	pass("the script makes whole tables");
}

/* Structure @n of @kind in the MADT, or NULL. */
static const uint8_t *madt(unsigned kind, unsigned n)
{
	const uint8_t *t = table("APIC"), *s;

	for (s = t + 44; s < t + get(t + 4, 4); s += s[1])
		if (s[0] == kind && !n--)
			return s;
	return NULL;
}

#define PSCI_VERSION	   0x84000000u
#define PSCI_AFFINITY_INFO 0xc4000004u

/* smccc() calls by the only way that there is at this EL. */
static void psci(void)
{
	const bool el2 = sysreg_read(CurrentEL) == 2 << 2;

	if (get(table("FACP") + 129, 2) != (el2 ? 1 : 3))
		fail("FADT: %x\n", get(table("FACP") + 129, 2));
	if (smccc(PSCI_VERSION, 0, 0, 0) < 2)
		fail("no PSCI\n");
	pass("PSCI is called as the FADT says");
}

static void processors(void)
{
	const uint8_t *c;
	uint64_t on;

	for (cpus = 0; (c = madt(0xb, cpus)); cpus++) {
		on = smccc(PSCI_AFFINITY_INFO, get(c + 68, 8), 0, 0);
		if (on != (cpus ? 1 : 0))
			fail("CPU %u is %u\n", (uint64_t)cpus, on);
	}
	if (get(table("PPTT") + 4, 4) != 36 + 20 * (cpus + 1))
		fail("the PPTT has other ones\n");
	print("PASS PSCI knows each of %u CPUs\n", (uint64_t)cpus);
}

#define PIDR2	  0xffe8 /* whose bits 7:4 are the version, of a GICv3 */
#define GICD_IIDR 0x8
#define GICC_IIDR 0xfc
#define GICR_LAST (1u << 4)
#define GICR_SIZE 0x20000

/* The redistributors of a region; each CPU has one of its affinity. */
static unsigned redistributors(const uint8_t *region)
{
	uint64_t at = get(region + 4, 8), end = at + get(region + 12, 4), type;
	unsigned i, n = 0;

	do {
		type = mmio_read64(at + 8);
		for (i = 0; get(madt(0xb, i) + 68, 4) != type >> 32; i++)
			if (i + 1 == cpus)
				fail("nobody has %x\n", type);
		n++;
		at += GICR_SIZE;
	} while (!(type & GICR_LAST) && at < end);
	return n;
}

static void gic(void)
{
	const uint8_t *s = madt(0xc, 0);
	const uint64_t gicd = get(s + 8, 8), gicc = get(madt(0xb, 0) + 32, 8);
	const bool v3 = s[20] == 3;
	unsigned i, n = 0;

	if (gic_is_v3() != v3)
		fail("no GICv%u\n", (uint64_t)s[20]);
	if (v3 ? mmio_read32(gicd + PIDR2) >> 4 != 3
	       : !mmio_read32(gicd + GICD_IIDR) ||
			    !mmio_read32(gicc + GICC_IIDR))
		fail("no distributor, or no CPU interface\n");
	for (i = 0; (s = madt(0xe, i)); i++)
		n += redistributors(s);
	if (n != (v3 ? cpus : 0))
		fail("%u redistributors\n", (uint64_t)n);
	print("PASS the GIC is there, and %u redistributors\n", (uint64_t)n);
	if ((s = madt(0xf, 0)) && mmio_read32(get(s + 8, 8) + PIDR2) >> 4 == 3)
		pass("an ITS takes messages");
	/* The SPIs in MSI_TYPER (Arm's SBSA, GICv2m) */
	if ((s = madt(0xd, 0)) &&
	    mmio_read32(get(s + 8, 8) + 8) ==
		    (get(s + 22, 2) << 16 | get(s + 20, 2)))
		pass("a frame takes messages");
}

#define INTID_NONE 1023u

/* It is the next interrupt. Masked, it still ends the wait. */
static void comes(unsigned intid)
{
	unsigned came;

	if (!intid)
		fail("no interrupt is told of\n");
	gic_enable_intid(intid);
	while ((came = gic_ack()) == INTID_NONE)
		wfi();
	if (came != intid)
		fail("%u came, not %u\n", (uint64_t)came, (uint64_t)intid);
}

static void expire(unsigned intid)
{
	comes(intid);
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(cntp_ctl_el0, 0);
	isb();
	gic_eoi(intid);
}

#define HCR_TO_EL2 (1ull << 4 | 1ull << 3) /* IMO, FMO: taken there */

/* At EL2, E2H makes these instructions EL2's own timers'. */
static void timers(void)
{
	const uint8_t *t = table("GTDT");
	bool el2 = sysreg_read(CurrentEL) == 2 << 2, e2h = false;

	if (el2) {
		sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_TO_EL2);
		e2h = sysreg_read(hcr_el2) >> 34 & 1;
	}
	gic_enable();
	sysreg_write(cntv_ctl_el0, 1);
	sysreg_write(cntv_tval_el0, 1);
	expire(get(t + (e2h ? 96 : 64), 4));
	sysreg_write(cntp_ctl_el0, 1);
	sysreg_write(cntp_tval_el0, 1);
	expire(get(t + (e2h ? 72 : 56), 4));
	pass("timers interrupt as the GTDT says");
	if (get(t + 88, 4) &&
	    mmio_read32(get(t + get(t + 92, 4) + 12, 8) + 0xfcc) &&
	    mmio_read32(get(t + get(t + 92, 4) + 4, 8) + 0xfcc))
		pass("a watchdog has its two frames");
}

#define ICH_EN_UIE 3 /* on, and it interrupts as all list registers are empty */

static void maintenance(void)
{
	const unsigned intid = get(madt(0xb, 0) + 56, 4);

	if (sysreg_read(CurrentEL) != 2 << 2) {
		if (intid)
			fail("a maintenance interrupt without an EL2\n");
		return;
	}
	sysreg_write(ich_hcr_el2, ICH_EN_UIE);
	comes(intid);
	sysreg_write(ich_hcr_el2, 0);
	isb();
	gic_eoi(intid);
	pass("the GIC interrupts its EL2 for maintenance");
}

static void devices(void)
{
	const uint8_t *mcfg = table("MCFG"), *spcr = table("SPCR");

	if (mmio_read32(get(spcr + 44, 8) + 0xfe0) != 0x11)
		fail("no PL011\n");
	pass("SPCR has the PL011");
	if (mcfg && mmio_read32(get(mcfg + 44, 8)) == 0x00081b36)
		pass("MCFG has a host bridge");
}

int main(uint64_t fdt)
{
	(void)fdt;
	tables();
	psci();
	processors();
	gic();
	timers();
	maintenance();
	devices();
	return 0;
}
