/* SPDX-License-Identifier: MIT */
/*
 * A firmware that is handed ACPI tables: it does what the script says, and looks
 * at what it gets. Addresses are those of this program, so that a table is
 * where a pointer says.
 */
#pragma once

#include "machine/acpi.h"
#include "tests/unit/test.h"

struct acpi_rig {
	struct acpi files;
	uint8_t *rsdp, *tables; /* as they lie in memory; NULL: not yet */
	unsigned pointers;	/* that were added to */
};

static inline uint64_t acpi_field(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

static inline uint8_t acpi_sum(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum += *p++;
	return sum;
}

/* The file of that name, which has been allocated, and its size. */
static inline uint8_t *acpi_rig_file(struct acpi_rig *r, const uint8_t *name,
				     size_t *size)
{
	const bool tables = !strcmp((const char *)name, ACPI_FILE_TABLES);

	if (!tables)
		STR_EQ((const char *)name, ACPI_FILE_RSDP);
	*size = tables ? r->files.tables.size : r->files.rsdp.size;
	OK(tables ? r->tables : r->rsdp);
	return tables ? r->tables : r->rsdp;
}

static inline void acpi_rig_allocate(struct acpi_rig *r, const uint8_t *cmd)
{
	const char *name = (const char *)cmd + 4;
	const bool tables = !strcmp(name, ACPI_FILE_TABLES);
	const struct aml *from = tables ? &r->files.tables : &r->files.rsdp;
	uint8_t **to = tables ? &r->tables : &r->rsdp;

	STR_EQ(name, tables ? ACPI_FILE_TABLES : ACPI_FILE_RSDP);
	EQ(*to, NULL);
	/* The RSDP on a multiple of 16 in the first MiB, as BIOSes had it. */
	EQ(acpi_field(cmd + 60, 4), tables ? 64 : 16);
	EQ(cmd[64], tables ? 1 : 2);
	*to = test_room(from->size);
	memcpy(*to, from->data, from->size);
}

static inline void acpi_rig_add_pointer(struct acpi_rig *r, const uint8_t *cmd)
{
	const uint64_t at = acpi_field(cmd + 116, 4);
	size_t size, of;
	uint8_t *p = acpi_rig_file(r, cmd + 4, &size);
	uint8_t *to = acpi_rig_file(r, cmd + 60, &of);
	uint64_t v;

	EQ(cmd[120], 8);
	OK(at + 8 <= size);
	v = acpi_field(p + at, 8);
	LT(v, of);
	v += (uintptr_t)to;
	memcpy(p + at, &v, 8);
	r->pointers++;
}

static inline void acpi_rig_add_checksum(struct acpi_rig *r, const uint8_t *cmd)
{
	const uint64_t at = acpi_field(cmd + 60, 4),
		       start = acpi_field(cmd + 64, 4),
		       len = acpi_field(cmd + 68, 4);
	size_t size;
	uint8_t *p = acpi_rig_file(r, cmd + 4, &size);

	OK(at >= start && at < start + len && start + len <= size);
	EQ(p[at], 0);
	p[at] = -acpi_sum(p + start, len);
}

/* Builds the tables of @m, and runs the script from its beginning. */
static inline void acpi_rig_make(struct acpi_rig *r, const struct machine *m)
{
	static void (*const run[])(struct acpi_rig *,
				   const uint8_t *) = { NULL, acpi_rig_allocate,
							acpi_rig_add_pointer,
							acpi_rig_add_checksum };
	const struct aml *script = &r->files.loader;
	size_t at;

	*r = (struct acpi_rig){ 0 };
	EQ(acpi_build(m, &r->files), 0);
	EQ(script->size % 128, 0);
	for (at = 0; at < script->size; at += 128) {
		const uint64_t what = acpi_field(script->data + at, 4);

		OK(what > 0 && what < sizeof(run) / sizeof(run[0]));
		run[what](r, script->data + at);
	}
}

static inline void acpi_rig_unmake(struct acpi_rig *r)
{
	acpi_free(&r->files);
}

/* A whole table at @gpa, whose bytes sum to 0. */
static inline const uint8_t *acpi_rig_table(const struct acpi_rig *r,
					    uint64_t gpa)
{
	const uint8_t *t = (const uint8_t *)(uintptr_t)gpa,
		      *end = r->tables + r->files.tables.size;

	OK(t >= r->tables && end - t >= 36);
	OK((uint64_t)(end - t) >= acpi_field(t + 4, 4));
	EQ(acpi_sum(t, acpi_field(t + 4, 4)), 0);
	return t;
}

static inline const uint8_t *acpi_rig_xsdt(const struct acpi_rig *r)
{
	const uint8_t *t = acpi_rig_table(r, acpi_field(r->rsdp + 24, 8));

	MEM_EQ(t, "XSDT", 4);
	return t;
}

/* Table number @i of the XSDT's, NULL behind the last. */
static inline const uint8_t *acpi_rig_nth(const struct acpi_rig *r, unsigned i)
{
	const uint8_t *x = acpi_rig_xsdt(r);

	return 36 + 8 * i < acpi_field(x + 4, 4)
		       ? acpi_rig_table(r, acpi_field(x + 36 + 8 * i, 8))
		       : NULL;
}

/* The table with that signature; the DSDT, too, which the FADT has. */
static inline const uint8_t *acpi_rig_find(const struct acpi_rig *r,
					   const char *signature)
{
	const uint8_t *t;
	unsigned i;

	if (!strcmp(signature, "DSDT")) {
		t = acpi_rig_find(r, "FACP");
		return acpi_rig_table(r, acpi_field(t + 140, 8));
	}
	for (i = 0; (t = acpi_rig_nth(r, i)); i++)
		if (!memcmp(t, signature, 4))
			return t;
	return NULL;
}
