/* SPDX-License-Identifier: MIT */
/*
 * The byte code of ACPI's namespace, AML (ACPI 6.5, chapter 20), and the
 * resource descriptors in it (6.4), written front to back.
 *
 * What holds others, as a device or a package does, is begun by the function of
 * its name and ended by aml_end(); its length then is the shortest that does.
 * An operator is put before its operands. For want of memory, and if more is
 * nested than AML_DEPTH, all that is put is dropped, and aml_failed() says so.
 *
 * A name is a segment of 4 characters or fewer, or a path of these, as
 * "\\_SB.PCI0": what is shorter is filled up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH 8

struct aml {
	uint8_t *data; /* malloc()ed */
	size_t size, room;
	bool failed;
	unsigned depth;
	size_t open[AML_DEPTH]; /* where the contents begin */
};

bool aml_failed(const struct aml *);

/* @bytes of them, little-endian; and as they are. */
void aml_put(struct aml *, uint64_t v, unsigned bytes);
void aml_put_all(struct aml *, const void *data, size_t len);

/* What was put @at stands there already: other @bytes instead. */
void aml_poke(struct aml *, size_t at, uint64_t v, unsigned bytes);

/* Objects. An identifier of 7 characters is an EISA one, of 8 a string. */
void aml_int(struct aml *, uint64_t v);
void aml_string(struct aml *, const char *s);
void aml_id(struct aml *, const char *id);
void aml_buffer(struct aml *, const void *data, size_t len);
void aml_path(struct aml *, const char *name);

/* The object that follows has that name; or is this number, or identifier. */
void aml_name(struct aml *, const char *name);
void aml_name_int(struct aml *, const char *name, uint64_t v);
void aml_name_id(struct aml *, const char *name, const char *id);

/* To be ended. A package has @n objects; a method runs once at a time. */
void aml_scope(struct aml *, const char *name);
void aml_device(struct aml *, const char *name);
void aml_method(struct aml *, const char *name, unsigned args);
void aml_package(struct aml *, unsigned n);
void aml_if(struct aml *);
void aml_end(struct aml *);

/* Operators (20.2.5). One that calculates has its target last. */
enum aml_op {
	AML_LOCAL0 = 0x60,
	AML_ARG0 = 0x68, /* the others follow */
	AML_STORE = 0x70,
	AML_AND = 0x7b,
	AML_OR = 0x7d,
	AML_NOTIFY = 0x86,
	AML_DWORD_FIELD = 0x8a, /* buffer, offset, name */
	AML_NOT = 0x92,
	AML_EQUAL = 0x93,
	AML_RETURN = 0xa4,
};
void aml_op(struct aml *, enum aml_op);

/* Descriptors between aml_resources() and aml_resources_end(). */
void aml_resources(struct aml *, const char *name);
void aml_resources_end(struct aml *);

/* Memory below 4 GiB, and a level or an edge, high and not shared. */
void aml_res_memory(struct aml *, uint32_t base, uint32_t size);
void aml_res_interrupt(struct aml *, uint32_t gsi, bool edge);

/* What a bridge has, for those below it or itself, of addresses of @bytes. */
enum aml_space { AML_SPACE_MEMORY, AML_SPACE_IO, AML_SPACE_BUS };
struct aml_window {
	enum aml_space space;
	unsigned bytes; /* 2, 4, 8 */
	uint64_t first, size;
	uint64_t offset; /* to be added for what the CPU uses */
};
/* @own: it is consumed, and not handed on (6.4.3.5.1). */
void aml_res_window(struct aml *, const struct aml_window *, bool own);

/* Events by the rise of input @pin of the GPIO controller @source. */
void aml_res_gpio_event(struct aml *, unsigned pin, const char *source);
