/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables as a firmware would have them in memory, field by field; and
 * whether they say what the device tree says.
 */
#include <libfdt.h>
#include <sys/uio.h>

#include "arm64/map.h"
#include "machine/fdt.h"
#include "tests/unit/acpi_rig.h"

static struct acpi_rig r;

/* The plain machine that each test varies. */
static struct machine plain(void)
{
	return (struct machine){
		.cpus = 1,
		.ram_size = 1ull << 30,
		.gic = GIC_V3,
	};
}

/* All that there can be on a GICv3. */
static struct machine full(unsigned cpus)
{
	struct machine m = plain();

	m.cpus = cpus;
	m.pmu = m.el2 = m.vhe = m.has_pci = m.has_exits = true;
	m.has_watchdog = true;
	m.msi = MSI_ITS;
	m.ecam = (struct range){ MAP_ECAM_BASE, MAP_ECAM_SIZE };
	m.pci_high = (struct range){ 0x100000000, 0x80000000 };
	m.has_virtio_mmio = true;
	if (cpus > MAP_GICR_CPUS)
		m.gicr2 = (struct range){ MAP_HIGH_GICR_BASE,
					  (cpus - MAP_GICR_CPUS) *
						  MAP_GICR_STRIDE };
	return m;
}

static uint64_t get(const uint8_t *table, unsigned at, unsigned bytes)
{
	OK(table && at + bytes <= acpi_field(table + 4, 4));
	return acpi_field(table + at, bytes);
}

/* Structure number @n of @kind in the MADT; NULL behind the last. */
static const uint8_t *madt(unsigned kind, unsigned n)
{
	const uint8_t *t = acpi_rig_find(&r, "APIC");
	uint64_t at = 44;

	while (at < get(t, 4, 4)) {
		const uint8_t *s = t + at;

		OK(get(t, at + 1, 1) >= 4);
		at += s[1];
		OK(at <= get(t, 4, 4));
		if (s[0] == kind && !n--)
			return s;
	}
	return NULL;
}

/* --- the script --- */

static void check_whole(const struct machine *m, unsigned ntables)
{
	uint64_t size = 0;
	const uint8_t *t;
	unsigned n;

	acpi_rig_make(&r, m);
	MEM_EQ(r.rsdp, "RSD PTR ", 8);
	EQ(r.rsdp[15], 2);
	EQ(acpi_field(r.rsdp + 20, 4), r.files.rsdp.size);
	EQ(acpi_sum(r.rsdp, 20), 0);
	EQ(acpi_sum(r.rsdp, r.files.rsdp.size), 0);
	for (n = 0; (t = acpi_rig_nth(&r, n)); n++) {
		size += get(t, 4, 4);
		/* Each table once, and all by its signature. */
		EQ((uintptr_t)acpi_rig_find(
			   &r, (char[5]){ t[0], t[1], t[2], t[3] }),
		   (uintptr_t)t);
	}
	EQ(n, ntables);
	/* To each of the XSDT's, to the XSDT and to the DSDT. */
	EQ(r.pointers, n + 2);
	size += get(acpi_rig_find(&r, "DSDT"), 4, 4) +
		get(acpi_rig_xsdt(&r), 4, 4);
	EQ(size, r.files.tables.size);
	acpi_rig_unmake(&r);
}

TEST(the_script_makes_whole_tables_of_the_files_and_leaves_nothing_over)
{
	static const unsigned cpus[] = { 1, 8, 123, 124, 150, 512 };
	struct machine m = plain();
	unsigned i;

	check_whole(&m, 6);
	for (i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		m = full(cpus[i]);
		check_whole(&m, 8);
	}
}

/* --- tables --- */

TEST(the_fadt_says_hardware_reduced_and_psci_by_hvc_or_from_el2_by_smc)
{
	struct machine m = plain();
	const uint8_t *t;

	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "FACP");
	EQ(get(t, 4, 4), 276);
	EQ(get(t, 8, 1), 6);
	EQ(get(t, 131, 1), 3);
	EQ(get(t, 112, 4), 1 << 20);
	EQ(get(t, 129, 2), 3);
	EQ(get(t, 40, 4), 0);
	MEM_EQ(acpi_rig_find(&r, "DSDT"), "DSDT", 4);
	acpi_rig_unmake(&r);
	m.el2 = true;
	acpi_rig_make(&r, &m);
	EQ(get(acpi_rig_find(&r, "FACP"), 129, 2), 1);
	acpi_rig_unmake(&r);
}

/* GICC's and GICR's fields: ACPI 6.3, tables 5-60 and 5-63. */
TEST(the_madt_has_each_cpu_of_150_and_two_regions_of_redistributors)
{
	struct machine m = full(150);
	unsigned i;

	acpi_rig_make(&r, &m);
	for (i = 0; i < 150; i++) {
		const uint8_t *c = madt(0xb, i);

		EQ(c[1], 80);
		EQ(acpi_field(c + 4, 4), i);
		EQ(acpi_field(c + 8, 4), i);
		EQ(acpi_field(c + 12, 4), 1);
		EQ(acpi_field(c + 20, 4), 23);
		EQ(acpi_field(c + 32, 8), 0);
		EQ(acpi_field(c + 56, 4), 25);
		EQ(acpi_field(c + 60, 8), 0);
		EQ(acpi_field(c + 68, 8), (i / 16) << 8 | i % 16);
	}
	EQ(madt(0xb, 150), NULL);
	EQ(madt(0xc, 0)[20], 3);
	EQ(acpi_field(madt(0xc, 0) + 8, 8), 0x08000000);
	EQ(madt(0xc, 1), NULL);
	EQ(acpi_field(madt(0xe, 0) + 4, 8), 0x080a0000);
	EQ(acpi_field(madt(0xe, 0) + 12, 4), 0x00f60000);
	EQ(acpi_field(madt(0xe, 1) + 4, 8), 0x4000000000);
	EQ(acpi_field(madt(0xe, 1) + 12, 4), 27 * 0x20000);
	EQ(madt(0xe, 2), NULL);
	EQ(acpi_field(madt(0xf, 0) + 8, 8), 0x08080000);
	EQ(madt(0xd, 0), NULL);
	acpi_rig_unmake(&r);
}

TEST(a_gicv2_has_its_cpu_interface_and_takes_messages_by_a_frame)
{
	struct machine m = plain();

	m.gic = GIC_V2;
	m.cpus = 8;
	m.has_pci = true;
	m.msi = MSI_V2M;
	acpi_rig_make(&r, &m);
	EQ(madt(0xc, 0)[20], 2);
	EQ(acpi_field(madt(0xb, 7) + 32, 8), 0x08010000);
	EQ(acpi_field(madt(0xb, 7) + 20, 4), 0); /* no PMU */
	EQ(acpi_field(madt(0xb, 7) + 56, 4), 0); /* no EL2 */
	EQ(madt(0xb, 8), NULL);
	EQ(madt(0xe, 0), NULL);
	EQ(madt(0xf, 0), NULL);
	EQ(acpi_field(madt(0xd, 0) + 8, 8), 0x08020000);
	EQ(acpi_field(madt(0xd, 0) + 16, 4), 1);
	EQ(acpi_field(madt(0xd, 0) + 20, 2), 64);
	EQ(acpi_field(madt(0xd, 0) + 22, 2), 80);
	EQ(acpi_rig_find(&r, "IORT"), NULL);
	OK(acpi_rig_find(&r, "MCFG"));
	acpi_rig_unmake(&r);
}

TEST(who_takes_no_messages_is_not_told_of)
{
	struct machine m = plain();

	m.msi = MSI_ITS; /* ... but for PCI */
	acpi_rig_make(&r, &m);
	EQ(madt(0xf, 0), NULL);
	EQ(acpi_rig_find(&r, "IORT"), NULL);
	EQ(acpi_rig_find(&r, "MCFG"), NULL);
	acpi_rig_unmake(&r);
	m.has_pci = true;
	m.msi = MSI_NONE;
	acpi_rig_make(&r, &m);
	EQ(madt(0xf, 0), NULL);
	EQ(acpi_rig_find(&r, "IORT"), NULL);
	OK(acpi_rig_find(&r, "MCFG"));
	acpi_rig_unmake(&r);
}

TEST(the_gtdt_has_the_timers_that_there_are_and_the_watchdog)
{
	struct machine m = plain();
	const uint8_t *t;
	unsigned i;

	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "GTDT");
	EQ(get(t, 4, 4), 104);
	EQ(get(t, 36, 8), -1);
	for (i = 0; i < 4; i++) {
		EQ(get(t, 48 + 8 * i, 4), ((int[]){ 29, 30, 27, 26 })[i]);
		EQ(get(t, 52 + 8 * i, 4), 4);
	}
	EQ(get(t, 88, 4), 0);
	EQ(get(t, 96, 8), 0);
	acpi_rig_unmake(&r);
	m = full(1);
	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "GTDT");
	EQ(get(t, 4, 4), 132);
	EQ(get(t, 88, 4), 1);
	EQ(get(t, 92, 4), 104);
	EQ(get(t, 96, 4), 28);
	EQ(get(t, 100, 4), 4);
	EQ(get(t, 104, 1), 1);
	EQ(get(t, 105, 2), 28);
	EQ(get(t, 108, 8), 0x09110000);
	EQ(get(t, 116, 8), 0x09100000);
	EQ(get(t, 124, 4), 42);
	EQ(get(t, 128, 4), 0);
	acpi_rig_unmake(&r);
	m.vhe = false;
	acpi_rig_make(&r, &m);
	EQ(get(acpi_rig_find(&r, "GTDT"), 96, 8), 0);
	acpi_rig_unmake(&r);
}

TEST(a_requester_id_is_the_its_device_id)
{
	struct machine m = full(1);
	const uint8_t *t;

	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "IORT");
	EQ(get(t, 36, 4), 2);
	EQ(get(t, 40, 4), 48);
	/* the ITS group, whose only one is the MADT's */
	EQ(get(t, 48, 1), 0);
	EQ(get(t, 48 + 16, 4), 1);
	EQ(get(t, 48 + 20, 4), acpi_field(madt(0xf, 0) + 4, 4));
	/* the root complex, and its map */
	EQ(get(t, 72, 1), 2);
	EQ(get(t, 72 + 1, 2), 56);
	EQ(get(t, 72 + 8, 4), 1);
	EQ(get(t, 72 + 12, 4), 36);
	EQ(get(t, 72 + 16, 4), 1);
	EQ(get(t, 72 + 23, 1), 3);
	EQ(get(t, 108, 4), 0);
	EQ(get(t, 112, 4), 0xffff);
	EQ(get(t, 116, 4), 0);
	EQ(get(t, 120, 4), 48);
	EQ(get(t, 4, 4), 128);
	acpi_rig_unmake(&r);
}

TEST(configuration_space_and_serial_port_are_where_they_are)
{
	struct machine m = full(1);
	const uint8_t *t;

	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "MCFG");
	EQ(get(t, 44, 8), 0x3f000000);
	EQ(get(t, 52, 4), 0x0f000000); /* segment 0, buses 0 to 15 */
	EQ(get(t, 4, 4), 60);
	t = acpi_rig_find(&r, "SPCR");
	EQ(get(t, 4, 4), 80);
	EQ(get(t, 36, 1), 3);
	EQ(get(t, 44, 8), 0x09000000);
	EQ(get(t, 52, 1), 8);
	EQ(get(t, 54, 4), 33);
	t = acpi_rig_find(&r, "DBG2");
	EQ(get(t, 44 + 18 - 6, 2), 0x8000);
	EQ(get(t, 44 + 22 + 4, 8), 0x09000000);
	STR_EQ((const char *)t + 44 + get(t, 44 + 6, 2), "\\_SB.COM0");
	acpi_rig_unmake(&r);
	m.ecam = (struct range){ MAP_HIGH_ECAM_BASE, MAP_HIGH_ECAM_SIZE };
	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "MCFG");
	EQ(get(t, 44, 8), 0x4010000000);
	EQ(get(t, 52, 4), 0xff000000);
	acpi_rig_unmake(&r);
}

TEST(the_cpus_are_the_leaves_of_one_package)
{
	struct machine m = full(150);
	const uint8_t *t;
	unsigned i;

	acpi_rig_make(&r, &m);
	t = acpi_rig_find(&r, "PPTT");
	EQ(get(t, 4, 4), 36 + 151 * 20);
	EQ(get(t, 40, 4), 0x11);
	EQ(get(t, 44, 4), 0);
	for (i = 0; i < 150; i++) {
		EQ(get(t, 56 + 20 * i + 4, 4), 0x0a);
		EQ(get(t, 56 + 20 * i + 8, 4), 36);
		EQ(get(t, 56 + 20 * i + 12, 4), i);
	}
	acpi_rig_unmake(&r);
}

/* --- beside the tree --- */

static bool tables_have(uint64_t v, unsigned bytes)
{
	return memmem(r.files.tables.data, r.files.tables.size, &v, bytes);
}

/* Where a node is, and its interrupt if it has one, stands in a table. */
static void check_node(const void *fdt, int node)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	int len;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &len);

	if (!reg || len < 16 || !strncmp(name, "memory", 6) ||
	    !strncmp(name, "pl031", 5))
		return;
	for (; len >= 16; len -= 16, reg += 4) {
		/* What is high is so in all tables that have it. */
		const bool high = fdt32_ld(reg);

		if (!tables_have((uint64_t)fdt32_ld(reg) << 32 |
					 fdt32_ld(reg + 1),
				 high ? 8 : 4))
			FAIL("no table has %s", name);
	}
	reg = fdt_getprop(fdt, node, "interrupts", &len);
	if (reg && !fdt32_ld(reg) && !tables_have(fdt32_ld(reg + 1) + 32, 4))
		FAIL("no table has the interrupt of %s", name);
}

static void check_tree(const struct machine *m)
{
	size_t size;
	void *fdt;
	int node, depth = 0, n = 0;

	acpi_rig_make(&r, m);
	EQ(fdt_build(m, &fdt, &size), 0);
	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, &depth)) {
		if (depth == 1 ||
		    (depth == 2 &&
		     !strncmp("its", fdt_get_name(fdt, node, NULL), 3)))
			check_node(fdt, node), n++;
	}
	LT(10, n);
	free(fdt);
	acpi_rig_unmake(&r);
}

TEST(whatever_the_tree_has_the_tables_have)
{
	struct machine m = full(200);

	check_tree(&m);
	m = plain();
	m.gic = GIC_V2;
	check_tree(&m);
}
