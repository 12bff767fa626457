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
struct part_type;

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
	const struct part_type *type;
	size_t at;	   /* its field in the thing's struct */
	const char *arg;   /* what --help calls the value; NULL: a flag */
	const char *help;  /* NULL: the option's own says it */
	unsigned min, max; /* of a number; characters of a text, 0: any */
	const char *const *words; /* by the enum's value from 1 on, then NULL */
	const char *bad; /* what is wrong with a number that is out of range */
	bool bare;	 /* PART_KIND: the value may be left out */
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

/* A part that is read. */
struct part_value {
	const struct part *row;
	const char *text;
	const char *dir; /* where relative paths begin; NULL: here */
	struct err *why;
};

/* How a part's text becomes a field and back; see config/part_types.c. */
struct part_type {
	size_t size; /* of the field */
	/* 0; or -errno with a sentence in @v->why. */
	int (*set)(const struct part_value *v, void *field);
	/* What set() takes back, by malloc(); NULL: the field is that text. */
	char *(*text)(const struct part *, const void *field);
	bool is_string;	   /* a char *, which the thing owns */
	int (*is)(int);	   /* of text: may it have this character? */
	const char *chars; /* which those are */
};

extern const struct part_type part_flag;     /* bool */
extern const struct part_type part_path;     /* char * */
extern const struct part_type part_any;	     /* char *, any text */
extern const struct part_type part_print;    /* char *, printable ASCII */
extern const struct part_type part_graph;    /* char *, without blanks too */
extern const struct part_type part_name;     /* char *, fit for a file's name */
extern const struct part_type part_opt_name; /* char *, opt/NAME of fw_cfg */
extern const struct part_type part_tap;	     /* char *, an interface's name */
extern const struct part_type part_backend;  /* char *, of a console port */
extern const struct part_type part_number;   /* uint32_t, min to max */
extern const struct part_type part_fd;	     /* int, no standard stream */
extern const struct part_type part_word;     /* an enum, by its words */
extern const struct part_type part_mac;	     /* uint8_t [6] */
extern const struct part_type part_uuid;     /* uint8_t [16] */

extern const char *const transport_words[]; /* by enum transport_kind */

extern const struct parts parts_disk, parts_network, parts_port, parts_share,
	parts_vsock, parts_module, parts_fw_cfg, parts_smbios;

/*
 * parts_append() - one more thing to a list of @c, which then owns its strings
 *
 * 0; -ENOSPC if the list is full; -ENOMEM.
 */
int parts_append(const struct parts *, struct config *c, const void *thing);

/*
 * parts_usage() - what may follow, as "ro, serial=TEXT or transport=KIND"
 *
 * Of the rows whose place is @place, in @buf of @size bytes, which it returns.
 */
const char *parts_usage(const struct parts *, enum part_place place, char *buf,
			size_t size);
