/* SPDX-License-Identifier: MIT */
/*
 * Options that have parts: disk = FILE,ro,serial=TEXT.
 *
 * Such an option is a table with a row for each part (config/parts_table.c). From
 * the table one piece of code (parts.c) parses the option, dumps it, and finds
 * parts that are unknown, missing or given twice; --help, the shells'
 * completions and the check of the manual go by its rows too. To add a part is
 * to add a row.
 *
 * A comma separates parts, and two commas stand for one in a part.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct config;
struct err;
struct key;
struct value_type;

/* Where a part stands. Rows come in the order of this enum, but PART_NAMED. */
enum part_place {
	PART_NAMED,  /* anywhere behind the others: name=VALUE, or name alone */
	PART_LABEL,  /* before the first '='; no two things have the same one */
	PART_FIRST,  /* without its name; must be given */
	PART_SECOND, /* the same behind that, but it may be left out */
	PART_WHOLE,  /* as PART_FIRST, up to the end: commas are its own */
	PART_KIND,   /* one of these comes first: name=VALUE */
};

struct part {
	const char *name;
	enum part_place place;
	const struct value_type *type;
	size_t at;	   /* its field in the thing's struct */
	const char *arg;   /* what --help calls the value; NULL: a flag */
	const char *help;  /* NULL: the option's own says it */
	unsigned min, max; /* as config/values.h says, and so the words */
	const char *const *words; /* by the enum's value, then NULL */
	bool bare;		  /* PART_KIND: the value may be left out */
};

/* What becomes of an option that is given again. */
enum parts_shape {
	PARTS_LIST,  /* one more of them */
	PARTS_ONE,   /* it takes the place of the former */
	PARTS_ADD,   /* its parts take the place of those they are named like */
	PARTS_SLOTS, /* the label says which of a few, each given once */
};

struct parts {
	enum parts_shape shape;
	const char *noun; /* one thing, in "two %ss named" */
	size_t at, count; /* in struct config: the thing or a pointer to the
			      list, and the list's length */
	size_t size;	  /* of the thing's struct */
	unsigned max;	  /* of a list */
	const char *const *slots; /* PARTS_SLOTS: what the label says, NULL */
	const void *blank; /* the struct when nothing is given; NULL: zeroes */
	const char *none;  /* a value that empties the list, or NULL */
	const struct part *rows; /* up to an empty one */
};

extern const char *const transport_words[]; /* by enum transport_kind */

extern const struct parts parts_disk, parts_network, parts_port, parts_share,
	parts_vsock, parts_module, parts_domain, parts_fw_cfg, parts_smbios;

/*
 * What key_set(), config_dump() and config_free() do with a key of parts
 */
int parts_set(const struct key *, struct config *c, const char *value,
	      const char *dir, struct err *why);
void parts_dump(const struct key *, const struct config *c, FILE *);
void parts_free(const struct key *, struct config *c);

/*
 * parts_append() - one more thing to a list of @c, which then owns its strings
 *
 * 0; -ENOSPC if the list is full; -ENOMEM.
 */
int parts_append(const struct parts *, struct config *c, const void *thing);

/* Write a part, doubling its commas. */
void field_dump(const char *s, FILE *);

/* Cut the next part off *@rest, its commas halved in place; NULL: no more. */
char *field_next(char **rest);
