/* SPDX-License-Identifier: MIT */
/*
 * A structure is a formatted area, then the texts that it numbers from 1, then
 * an empty text. Each builder below writes the formatted area front to back,
 * as the specification's table of that type has it.
 */
#include "machine/smbios.h"

#include <assert.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define KIB 1024u

/* Structure types; a handle is the type and two zeroes. */
enum {
	SYSTEM = 1,
	BASEBOARD = 2,
	CHASSIS = 3,
	PROCESSOR = 4,
	MEMORY_ARRAY = 16,
	MEMORY_DEVICE = 17,
	MEMORY_MAP = 19,
	BOOT = 32,
	END = 127,
};

#define HANDLE(type) ((type) << 8)
#define NO_HANDLE    0xfffe /* of an error structure */
#define NO_CACHE     0xffff
#define UNKNOWN	     2 /* of most enumerations */

#define MANUFACTURER "nestor"
/* Programs recognize a VM of KVM's by this. */
#define PRODUCT "KVM Virtual Machine"

/* One structure on its way into the tables. */
struct table {
	struct smbios *out;
	size_t start;
	unsigned ntexts;
	const char *text[SMBIOS_TEXTS];
};

static void put(struct table *t, uint64_t v, unsigned bytes)
{
	struct smbios *s = t->out;

	assert(s->size + bytes <= sizeof(s->tables));
	while (bytes--) {
		s->tables[s->size++] = v;
		v >>= 8;
	}
}

static void put8(struct table *t, uint8_t v)
{
	put(t, v, 1);
}

static void put16(struct table *t, uint16_t v)
{
	put(t, v, 2);
}

static void put32(struct table *t, uint32_t v)
{
	put(t, v, 4);
}

static void put64(struct table *t, uint64_t v)
{
	put(t, v, 8);
}

/* Its number, or 0 for none. */
static void put_text(struct table *t, const char *text)
{
	if (text)
		t->text[t->ntexts++] = text;
	put8(t, text ? t->ntexts : 0);
}

static void begin(struct table *t, struct smbios *out, uint8_t type)
{
	*t = (struct table){ .out = out, .start = out->size };
	put8(t, type);
	put8(t, 0); /* the length: see end() */
	put16(t, HANDLE(type));
}

static void end(struct table *t)
{
	unsigned i;
	const char *s;

	t->out->tables[t->start + 1] = t->out->size - t->start;
	for (i = 0; i < t->ntexts; i++) {
		for (s = t->text[i]; *s; s++)
			put8(t, *s);
		put8(t, 0);
	}
	if (!t->ntexts)
		put8(t, 0);
	put8(t, 0);
}

static const char *manufacturer(const struct smbios_config *c)
{
	const char *s = c->text[SMBIOS_MANUFACTURER];

	return s ? s : MANUFACTURER;
}

static const char *product(const struct smbios_config *c)
{
	const char *s = c->text[SMBIOS_PRODUCT];

	return s ? s : PRODUCT;
}

/* The first three fields of a UUID are little-endian numbers (7.2.1). */
static void put_uuid(struct table *t, const uint8_t u[16])
{
	static const uint8_t order[16] = { 3, 2, 1,  0,	 5,  4,	 7,  6,
					   8, 9, 10, 11, 12, 13, 14, 15 };
	unsigned i;

	for (i = 0; i < 16; i++)
		put8(t, u[order[i]]);
}

static void add_system(struct smbios *out, const struct smbios_config *c)
{
	struct table t;

	begin(&t, out, SYSTEM);
	put_text(&t, manufacturer(c));
	put_text(&t, product(c));
	put_text(&t, c->text[SMBIOS_VERSION]);
	put_text(&t, c->text[SMBIOS_SERIAL]);
	put_uuid(&t, c->uuid);
	put8(&t, 6); /* woken up by the power switch */
	put_text(&t, c->text[SMBIOS_SKU]);
	put_text(&t, c->text[SMBIOS_FAMILY]);
	end(&t);
}

static void add_baseboard(struct smbios *out, const struct smbios_config *c)
{
	struct table t;

	begin(&t, out, BASEBOARD);
	put_text(&t, manufacturer(c));
	put_text(&t, product(c));
	put_text(&t, NULL); /* version, serial number, asset tag */
	put_text(&t, NULL);
	put_text(&t, NULL);
	put8(&t, 1); /* a hosting board */
	put_text(&t, NULL);
	put16(&t, HANDLE(CHASSIS));
	put8(&t, 0x0a); /* a motherboard */
	put8(&t, 0);
	end(&t);
}

static void add_chassis(struct smbios *out, const struct smbios_config *c)
{
	struct table t;

	begin(&t, out, CHASSIS);
	put_text(&t, manufacturer(c));
	put8(&t, 1);	    /* of another kind */
	put_text(&t, NULL); /* version, serial number, asset tag */
	put_text(&t, NULL);
	put_text(&t, NULL);
	put8(&t, 3); /* at boot it was safe, and so were power and heat */
	put8(&t, 3);
	put8(&t, 3);
	put8(&t, UNKNOWN); /* security */
	put32(&t, 0);
	put8(&t, 0); /* height, power cords, elements, their length */
	put8(&t, 0);
	put8(&t, 0);
	put8(&t, 0);
	put_text(&t, NULL);
	end(&t);
}

/* All CPUs as cores of one: a machine has no sockets to tell them apart. */
static void add_processor(struct smbios *out, const struct machine *m)
{
	const uint8_t few = m->cpus < 0xff ? m->cpus : 0xff;
	struct table t;

	begin(&t, out, PROCESSOR);
	put_text(&t, "CPU 0");
	put8(&t, 3);	/* a central processor */
	put8(&t, 0xfe); /* whose family stands below */
	put_text(&t, MANUFACTURER);
	put64(&t, 0);	    /* no identifier */
	put_text(&t, NULL); /* version */
	put8(&t, 0);	    /* voltage, clock, speeds: unknown */
	put16(&t, 0);
	put16(&t, 0);
	put16(&t, 0);
	put8(&t, 0x41); /* there is one, and it is enabled */
	put8(&t, UNKNOWN);
	put16(&t, NO_CACHE);
	put16(&t, NO_CACHE);
	put16(&t, NO_CACHE);
	put_text(&t, NULL); /* serial number, asset tag, part number */
	put_text(&t, NULL);
	put_text(&t, NULL);
	put8(&t, few); /* cores, enabled ones, threads */
	put8(&t, few);
	put8(&t, few);
	put16(&t, 0x04);  /* 64 bits */
	put16(&t, 0x101); /* ARMv8 */
	put16(&t, m->cpus);
	put16(&t, m->cpus);
	put16(&t, m->cpus);
	end(&t);
}

static void add_memory_array(struct smbios *out, const struct machine *m)
{
	struct table t;

	begin(&t, out, MEMORY_ARRAY);
	put8(&t, 1);	       /* located elsewhere */
	put8(&t, 3);	       /* system memory */
	put8(&t, 3);	       /* no error correction */
	put32(&t, 0x80000000); /* its capacity stands below */
	put16(&t, NO_HANDLE);
	put16(&t, 1); /* device */
	put64(&t, m->ram_size);
	end(&t);
}

static void add_memory_device(struct smbios *out, const struct machine *m)
{
	uint64_t mib = m->ram_size / MIB;
	struct table t;

	begin(&t, out, MEMORY_DEVICE);
	put16(&t, HANDLE(MEMORY_ARRAY));
	put16(&t, NO_HANDLE);
	put16(&t, 0xffff); /* widths: unknown */
	put16(&t, 0xffff);
	put16(&t, mib < 0x7fff ? mib : 0x7fff);
	put8(&t, 1); /* of another form, and of no set */
	put8(&t, 0);
	put_text(&t, "DIMM 0");
	put_text(&t, NULL); /* bank */
	put8(&t, 7);	    /* RAM */
	put16(&t, 1 << 1);  /* of another kind */
	put16(&t, 0);	    /* speed */
	put_text(&t, MANUFACTURER);
	put_text(&t, NULL); /* serial number, asset tag, part number */
	put_text(&t, NULL);
	put_text(&t, NULL);
	put8(&t, 0); /* ranks */
	put32(&t, mib < 0x7fff ? 0 : mib < 0x7fffffff ? mib : 0x7fffffff);
	put16(&t, 0); /* speed, voltages */
	put16(&t, 0);
	put16(&t, 0);
	put16(&t, 0);
	end(&t);
}

/* Addresses in KiB where they fit, and in bytes where they do not. */
static void add_memory_map(struct smbios *out, const struct machine *m)
{
	const uint64_t last = arch_map.ram + m->ram_size - 1;
	const bool fits = last / KIB < 0xffffffff;
	struct table t;

	begin(&t, out, MEMORY_MAP);
	put32(&t, fits ? arch_map.ram / KIB : 0xffffffff);
	put32(&t, fits ? last / KIB : 0xffffffff);
	put16(&t, HANDLE(MEMORY_ARRAY));
	put8(&t, 1); /* device in each row */
	put64(&t, fits ? 0 : arch_map.ram);
	put64(&t, fits ? 0 : last);
	end(&t);
}

static void add_boot(struct smbios *out)
{
	struct table t;

	begin(&t, out, BOOT);
	put32(&t, 0);
	put16(&t, 0);
	put8(&t, 0); /* no errors */
	end(&t);
}

static void add_end(struct smbios *out)
{
	struct table t;

	begin(&t, out, END);
	end(&t);
}

/* The sum of all bytes is 0 (5.2.2). */
static void build_anchor(struct smbios *s)
{
	static const uint8_t anchor[sizeof(s->anchor)] = {
		'_', 'S', 'M', '3', '_', 0, sizeof(s->anchor), 3, 0, 0, 1,
	};
	unsigned i;
	uint8_t sum = 0;

	memcpy(s->anchor, anchor, sizeof(anchor));
	for (i = 0; i < 4; i++)
		s->anchor[12 + i] = s->size >> i * 8;
	for (i = 0; i < sizeof(s->anchor); i++)
		sum += s->anchor[i];
	s->anchor[5] = -sum;
}

void smbios_build(const struct machine *m, const struct smbios_config *c,
		  struct smbios *out)
{
	out->size = 0;
	add_system(out, c);
	add_baseboard(out, c);
	add_chassis(out, c);
	add_processor(out, m);
	add_memory_array(out, m);
	add_memory_device(out, m);
	add_memory_map(out, m);
	add_boot(out);
	add_end(out);
	build_anchor(out);
}
