/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables of the machine (ACPI 6.3, hardware-reduced), for a firmware
 * that hands them on. They describe what the device tree does, which stays
 * there for the firmware itself; but not the PL031, which a UEFI keeps to itself
 * as the clock of its runtime services.
 *
 * Where the tables will lie, the firmware decides: what has to be changed then,
 * it is told by a script (QEMU's hw/acpi/bios-linker-loader.c has the format,
 * EDK2's OvmfPkg/AcpiPlatformDxe runs it).
 */
#pragma once

#include "machine/aml.h"
#include "machine/machine.h"

/* As fw_cfg names them; the script does, too. */
#define ACPI_FILE_TABLES "etc/acpi/tables"
#define ACPI_FILE_RSDP	 "etc/acpi/rsdp"
#define ACPI_FILE_LOADER "etc/table-loader"

#define ACPI_TABLES_MAX 12

struct acpi {
	struct aml tables, rsdp, loader; /* the files */
	size_t at[ACPI_TABLES_MAX];	 /* tables that the XSDT lists */
	unsigned n;
};

/*
 * acpi_build() - describe @m
 *
 * 0, and acpi_free() frees the files; or -ENOMEM.
 */
int acpi_build(const struct machine *m, struct acpi *out);
void acpi_free(struct acpi *);

/*
 * For what writes a table: its header, and then all else by aml_put(), to be
 * ended by acpi_end() with what acpi_begin() has returned.
 */
size_t acpi_begin(struct acpi *, const char signature[4], unsigned revision);
void acpi_end(struct acpi *, size_t table);

/* A register in memory, of 32 bits, accessed as such (5.2.3.2). */
void acpi_register(struct aml *, gpa_t at);

/*
 * For what writes a device: its beginning, to be ended by aml_end(), and its
 * only resources: memory at @at, and its line if it has one.
 */
void acpi_device(struct aml *, const char *name, const char *hid, unsigned uid);
void acpi_resources(struct aml *, const struct place *at, bool edge);
