/* SPDX-License-Identifier: MIT */
/*
 * What ACPICA's compiler makes of the tables: it takes them apart and puts them
 * together again without a complaint, and has what it had; and a namespace that
 * is written by hand is the machine's: tests/unit/golden/acpi.asl.
 */
#include <unistd.h>

#include "arm64/map.h"
#include "tests/unit/acpi_rig.h"

static void save(const char *path, const uint8_t *data, size_t len)
{
	FILE *f = fopen(path, "w");

	OK(f);
	EQ(fwrite(data, 1, len, f), len);
	EQ(fclose(f), 0);
}

static const char *slurp(const char *path, size_t *len)
{
	const size_t room = 1 << 20;
	char *text = test_room(room);
	FILE *f = fopen(path, "r");

	OK(f);
	*len = fread(text, 1, room - 1, f);
	fclose(f);
	return text;
}

/* What it says; a complaint has a line of its own, with a number. */
static void iasl(const char *args)
{
	char cmd[64];
	size_t len;
	const char *said;
	int status;

	snprintf(cmd, sizeof(cmd), "iasl %s >said 2>&1", args);
	status = system(cmd);
	said = slurp("said", &len);
	if (status || strstr(said, "Error ") || strstr(said, "Warning ") ||
	    strstr(said, "Remark ") || strstr(said, "Could not"))
		FAIL("%s: %s", cmd, said);
}

/* All but the header, which says who did it. */
static void is(const char *aml, const uint8_t *table)
{
	const size_t len = acpi_field(table + 4, 4);
	size_t size;
	const char *made = slurp(aml, &size);

	EQ(size, len);
	MEM_EQ(made, table, 9);
	MEM_EQ(made + 36, table + 36, len - 36);
}

/*
 * Whatever revision it reads, it writes some tables in that of its own time:
 * with longer GICCs, and a baud rate more.
 */
static bool is_rewritten(const uint8_t *table)
{
	return !memcmp(table, "APIC", 4) || !memcmp(table, "SPCR", 4);
}

static void round_trip(const uint8_t *table)
{
	save("table.dat", table, acpi_field(table + 4, 4));
	iasl("-d table.dat");
	if (is_rewritten(table))
		return;
	iasl("-oa -p again table.dsl");
	is("again.aml", table);
}

static struct acpi_rig r;

static void check(const struct machine *m)
{
	const uint8_t *t;
	unsigned i;

	EQ(chdir(test_dir()), 0);
	acpi_rig_make(&r, m);
	for (i = 0; (t = acpi_rig_nth(&r, i)); i++)
		round_trip(t);
	round_trip(acpi_rig_find(&r, "DSDT"));
	acpi_rig_unmake(&r);
}

static struct machine full(unsigned cpus)
{
	return (struct machine){
		.cpus = cpus,
		.ram_size = 1ull << 30,
		.gic = GIC_V3,
		.msi = MSI_ITS,
		.pmu = true,
		.el2 = true,
		.vhe = true,
		.has_exits = true,
		.has_watchdog = true,
		.has_pci = true,
		.ecam = { MAP_ECAM_BASE, MAP_ECAM_SIZE },
		.pci_high = { 0x8000000000, 0x80000000 },
		.has_virtio_mmio = true,
	};
}

TEST(tables_of_a_machine_with_all_that_there_is_are_taken_without_a_remark)
{
	struct machine m = full(3);

	check(&m);
}

TEST(tables_of_200_cpus_are_taken_without_a_remark)
{
	struct machine m = full(200);

	m.gicr2 = (struct range){ MAP_HIGH_GICR_BASE, 77 * MAP_GICR_STRIDE };
	check(&m);
}

TEST(tables_of_a_gicv2_are_taken_without_a_remark)
{
	struct machine m = { .cpus = 8,
			     .gic = GIC_V2,
			     .msi = MSI_V2M,
			     .has_pci = true,
			     .ecam = { MAP_ECAM_BASE, MAP_ECAM_SIZE },
			     .pci_high = { 0x100000000, 0x80000000 } };

	check(&m);
}

TEST(tables_of_high_configuration_space_are_taken_without_a_remark)
{
	struct machine m = full(1);

	m.ecam = (struct range){ MAP_HIGH_ECAM_BASE, MAP_HIGH_ECAM_SIZE };
	check(&m);
}

TEST(tables_of_a_machine_with_next_to_nothing_are_taken_without_a_remark)
{
	struct machine m = { .cpus = 1, .gic = GIC_V3 };

	check(&m);
}

TEST(the_namespace_is_what_the_golden_source_is_compiled_to)
{
	struct machine m = full(2);
	size_t len;
	const char *asl = slurp("tests/unit/golden/acpi.asl", &len);

	EQ(chdir(test_dir()), 0);
	save("golden.asl", (const uint8_t *)asl, len);
	iasl("-oa golden.asl");
	acpi_rig_make(&r, &m);
	is("golden.aml", acpi_rig_find(&r, "DSDT"));
	acpi_rig_unmake(&r);
}
