/* SPDX-License-Identifier: MIT */
/*
 * The tables that every architecture has, and the firmware's script.
 *
 * A table whose pointers the firmware fills in gets its checksum from it too;
 * all others have theirs.
 */
#include "machine/acpi.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/arch.h"
#include "machine/board_impl.h"
#include "devices/pci.h"

/* The header that all tables but the RSDP begin with (5.2.6). */
enum { AT_LENGTH = 4, AT_CHECKSUM = 9, HEADER = 36 };

#define OEM	   "NESTOR"
#define OEM_TABLE  "VIRT    "
#define OEM_LENGTH 6

static void put_header(struct aml *a, const char signature[4],
		       unsigned revision)
{
	aml_put_all(a, signature, 4);
	aml_put(a, 0, 4); /* length and checksum: see acpi_end() */
	aml_put(a, revision, 1);
	aml_put(a, 0, 1);
	aml_put_all(a, OEM OEM_TABLE, OEM_LENGTH + 8);
	aml_put(a, 1, 4);
	aml_put_all(a, "NSTR", 4);
	aml_put(a, 1, 4);
}

size_t acpi_begin(struct acpi *o, const char signature[4], unsigned revision)
{
	const size_t table = o->tables.size;

	assert(o->n < ACPI_TABLES_MAX);
	o->at[o->n++] = table;
	put_header(&o->tables, signature, revision);
	return table;
}

/* The length, and a checksum by which all bytes sum to 0. */
void acpi_end(struct acpi *o, size_t table)
{
	struct aml *a = &o->tables;
	uint8_t sum = 0;
	size_t i;

	aml_poke(a, table + AT_LENGTH, a->size - table, 4);
	for (i = table; i < a->size; i++)
		sum += a->data[i];
	aml_poke(a, table + AT_CHECKSUM, -sum, 1);
}

/* --- what the firmware is to do --------------------------------------------- */

enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

#define COMMAND_SIZE 128
#define FILE_NAME    56 /* the size of its field */

static void put_file(struct aml *a, const char *name)
{
	char field[FILE_NAME] = "";

	snprintf(field, sizeof(field), "%s", name);
	aml_put_all(a, field, sizeof(field));
}

static void fill_up(struct aml *a)
{
	static const uint8_t zero[COMMAND_SIZE];

	aml_put_all(a, zero, -a->size % COMMAND_SIZE);
}

/* Memory for a file, on a multiple of @align, in @zone, with its contents. */
static void allocate(struct acpi *o, const char *file, unsigned align,
		     unsigned zone)
{
	aml_put(&o->loader, ALLOCATE, 4);
	put_file(&o->loader, file);
	aml_put(&o->loader, align, 4);
	aml_put(&o->loader, zone, 1);
	fill_up(&o->loader);
}

/* The 8 bytes at @at of @in are an offset into the tables: add their address. */
static void add_pointer(struct acpi *o, const char *in, size_t at)
{
	aml_put(&o->loader, ADD_POINTER, 4);
	put_file(&o->loader, in);
	put_file(&o->loader, ACPI_FILE_TABLES);
	aml_put(&o->loader, at, 4);
	aml_put(&o->loader, 8, 1);
	fill_up(&o->loader);
}

/* The byte at @at, which is 0, makes @len bytes from @start sum to 0. */
static void add_checksum(struct acpi *o, const char *in, size_t at,
			 size_t start, size_t len)
{
	aml_put(&o->loader, ADD_CHECKSUM, 4);
	put_file(&o->loader, in);
	aml_put(&o->loader, at, 4);
	aml_put(&o->loader, start, 4);
	aml_put(&o->loader, len, 4);
	fill_up(&o->loader);
}

/* acpi_end() for a table that has pointers. */
static void end_by_loader(struct acpi *o, size_t table)
{
	const size_t len = o->tables.size - table;

	aml_poke(&o->tables, table + AT_LENGTH, len, 4);
	add_checksum(o, ACPI_FILE_TABLES, table + AT_CHECKSUM, table, len);
}

/* --- tables ----------------------------------------------------------------- */

static void put_cpus(struct aml *a, const struct machine *m)
{
	char name[16];
	unsigned i;

	for (i = 0; i < m->cpus; i++) {
		snprintf(name, sizeof(name), "C%03X", i);
		acpi_device(a, name, "ACPI0007", i);
		aml_end(a);
	}
}

/* Where the namespace begins (5.2.11.1): not in the XSDT, but in the FADT. */
static size_t add_dsdt(struct acpi *o, const struct machine *m)
{
	const size_t table = acpi_begin(o, "DSDT", 2);

	o->n--;
	aml_scope(&o->tables, "\\_SB");
	put_cpus(&o->tables, m);
	board_add_acpi(&o->tables, m);
	aml_end(&o->tables);
	acpi_end(o, table);
	return table;
}

/* Fields of the FADT (5.2.9), and a flag. */
enum {
	FADT_FLAGS = 112,
	FADT_MINOR = 131,
	FADT_X_DSDT = 140,
	FADT_HYPERVISOR = 268,
	FADT_SIZE = 276,
};
#define HW_REDUCED (1u << 20)
#define HYPERVISOR 0x524f5453454eull /* "NESTOR" */

static void add_fadt(struct acpi *o, const struct machine *m, size_t dsdt)
{
	static const uint8_t zero[FADT_SIZE - HEADER];
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "FACP", 6);

	aml_put_all(a, zero, sizeof(zero));
	aml_poke(a, table + FADT_FLAGS, HW_REDUCED, 4);
	aml_poke(a, table + FADT_MINOR, 3, 1);
	aml_poke(a, table + FADT_X_DSDT, dsdt, 8);
	aml_poke(a, table + FADT_HYPERVISOR, HYPERVISOR, 8);
	arch_acpi_fadt(a, table, m);
	add_pointer(o, ACPI_FILE_TABLES, table + FADT_X_DSDT);
	end_by_loader(o, table);
}

/* A processor or what holds some (5.2.29.1), from @parent, an offset. */
#define NODE_SIZE	20
#define NODE_IS_PACKAGE 0x01u
#define NODE_HAS_UID	0x02u
#define NODE_IS_LEAF	0x08u
#define NODE_ALL_ALIKE	0x10u

static void put_node(struct aml *a, unsigned flags, size_t parent, unsigned uid)
{
	aml_put(a, 0, 1);
	aml_put(a, NODE_SIZE, 1);
	aml_put(a, 0, 2);
	aml_put(a, flags, 4);
	aml_put(a, parent, 4);
	aml_put(a, uid, 4);
	aml_put(a, 0, 4); /* no caches told of */
}

/* Cores of one package, as SMBIOS has them. */
static void add_pptt(struct acpi *o, const struct machine *m)
{
	const size_t table = acpi_begin(o, "PPTT", 2);
	unsigned i;

	put_node(&o->tables, NODE_IS_PACKAGE | NODE_ALL_ALIKE, 0, 0);
	for (i = 0; i < m->cpus; i++)
		put_node(&o->tables, NODE_HAS_UID | NODE_IS_LEAF, HEADER, i);
	acpi_end(o, table);
}

/* Configuration space (PCI Firmware Specification 3.3, 4.1.2). */
static void add_mcfg(struct acpi *o, const struct machine *m)
{
	const struct range *ecam = &m->ecam;
	const size_t table = acpi_begin(o, "MCFG", 1);

	aml_put(&o->tables, 0, 8);
	aml_put(&o->tables, ecam->base, 8);
	aml_put(&o->tables, 0, 2); /* segment */
	aml_put(&o->tables, 0, 1); /* first bus and last */
	aml_put(&o->tables, ecam->size / PCI_ECAM_BUS_SIZE - 1, 1);
	aml_put(&o->tables, 0, 4);
	acpi_end(o, table);
}

void acpi_register(struct aml *a, gpa_t at)
{
	aml_put(a, 0, 1); /* in memory */
	aml_put(a, 32, 1);
	aml_put(a, 0, 1);
	aml_put(a, 3, 1); /* accessed by 32 bits */
	aml_put(a, at, 8);
}

/* Both tables of serial ports name a kind so. */
#define SERIAL_PL011 3

/* The port of the console (Microsoft's SPCR specification 1.07). */
static void add_spcr(struct acpi *o)
{
	static const uint8_t no_pci_device[] = { 0xff, 0xff, 0xff, 0xff };
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "SPCR", 2);

	aml_put(a, SERIAL_PL011, 1);
	aml_put(a, 0, 3);
	acpi_register(a, arch_map.uart.base);
	aml_put(a, arch_acpi_spcr_interrupt, 1);
	aml_put(a, 0, 1); /* of a PC */
	aml_put(a, arch_acpi_gsi(arch_map.uart.line), 4);
	aml_put(a, 7,
		1); /* 115200 baud, no parity, 1 stop bit, no flow control */
	aml_put(a, 0, 1);
	aml_put(a, 1, 1);
	aml_put(a, 0, 1);
	aml_put(a, 0, 1); /* VT100 */
	aml_put(a, 0, 1);
	aml_put_all(a, no_pci_device, sizeof(no_pci_device));
	aml_put(a, 0, 3 + 4 + 1 + 4); /* and no flags */
	acpi_end(o, table);
}

/* The port for debuggers (Microsoft's DBG2 specification): the same. */
static void add_dbg2(struct acpi *o)
{
	static const char path[] = "\\_SB." UART_NAME;
	const unsigned header = 22, address = header, length = address + 12,
		       name = length + 4, end = name + sizeof(path);
	struct aml *a = &o->tables;
	const size_t table = acpi_begin(o, "DBG2", 0);

	aml_put(a, HEADER + 8, 4); /* where the ports stand, and how many */
	aml_put(a, 1, 4);
	aml_put(a, 0, 1); /* revision */
	aml_put(a, end, 2);
	aml_put(a, 1, 1); /* registers */
	aml_put(a, sizeof(path), 2);
	aml_put(a, name, 2);
	aml_put(a, 0, 2 + 2); /* vendor's data: none */
	aml_put(a, 0x8000, 2);
	aml_put(a, SERIAL_PL011, 2);
	aml_put(a, 0, 2);
	aml_put(a, address, 2);
	aml_put(a, length, 2);
	acpi_register(a, arch_map.uart.base);
	aml_put(a, arch_map.uart.size, 4);
	aml_put_all(a, path, sizeof(path));
	acpi_end(o, table);
}

/* The list of all the others (5.2.8). */
static size_t add_xsdt(struct acpi *o)
{
	const unsigned n = o->n;
	const size_t table = acpi_begin(o, "XSDT", 1);
	unsigned i;

	for (i = 0; i < n; i++) {
		add_pointer(o, ACPI_FILE_TABLES, o->tables.size);
		aml_put(&o->tables, o->at[i], 8);
	}
	end_by_loader(o, table);
	return table;
}

/* What all is found by (5.2.5.3); the first 20 bytes have a checksum, too. */
static void build_rsdp(struct acpi *o, size_t xsdt)
{
	struct aml *a = &o->rsdp;

	aml_put_all(a, "RSD PTR ", 8);
	aml_put(a, 0, 1);
	aml_put_all(a, OEM, OEM_LENGTH);
	aml_put(a, 2, 1); /* revision */
	aml_put(a, 0, 4); /* no RSDT */
	aml_put(a, HEADER, 4);
	aml_put(a, xsdt, 8);
	aml_put(a, 0, 1 + 3);
	add_pointer(o, ACPI_FILE_RSDP, 24);
	add_checksum(o, ACPI_FILE_RSDP, 8, 0, 20);
	add_checksum(o, ACPI_FILE_RSDP, 32, 0, HEADER);
}

int acpi_build(const struct machine *m, struct acpi *o)
{
	*o = (struct acpi){ 0 };
	allocate(o, ACPI_FILE_TABLES, 64, ZONE_HIGH);
	allocate(o, ACPI_FILE_RSDP, 16, ZONE_FSEG);
	add_fadt(o, m, add_dsdt(o, m));
	arch_acpi_tables(o, m);
	add_pptt(o, m);
	if (m->has_pci)
		add_mcfg(o, m);
	add_spcr(o);
	add_dbg2(o);
	build_rsdp(o, add_xsdt(o));
	if (!aml_failed(&o->tables) && !aml_failed(&o->rsdp) &&
	    !aml_failed(&o->loader))
		return 0;
	acpi_free(o);
	return -ENOMEM;
}

void acpi_free(struct acpi *o)
{
	free(o->tables.data);
	free(o->rsdp.data);
	free(o->loader.data);
}

/* --- devices ---------------------------------------------------------------- */

void acpi_device(struct aml *a, const char *name, const char *hid, unsigned uid)
{
	aml_device(a, name);
	aml_name_id(a, "_HID", hid);
	aml_name_int(a, "_UID", uid);
}

void acpi_resources(struct aml *a, const struct place *at, bool edge)
{
	aml_resources(a, "_CRS");
	aml_res_memory(a, at->base, at->size);
	if (at->line)
		aml_res_interrupt(a, arch_acpi_gsi(at->line), edge);
	aml_resources_end(a);
}
