/* SPDX-License-Identifier: MIT */
/*
 * The kinds of value that a configuration key can have, or a part of one
 * (config/parts.h): how a text becomes a field of a struct, and is written again.
 *
 * Numbers are read strictly: decimal digits and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"

struct err;
struct part;

/* One that is read. */
struct value {
	const struct part *row;
	const char *text;
	const char *dir; /* where relative paths begin; NULL: here */
	struct err *why;
};

struct value_type {
	size_t size; /* of the field, at most VALUE_SIZE_MAX */
	/*
	 * 0; or -errno with a sentence in @v->why that names neither the key nor
	 * the value. @field holds the former value, which stays its owner's.
	 */
	int (*set)(const struct value *v, void *field);
	/* What set() takes back, by malloc(); NULL: the field is that text. */
	char *(*text)(const struct part *, const void *field);
	bool is_string;	     /* a char *, by malloc() */
	int (*is)(int);	     /* of text: may it have this character? */
	const char *chars;   /* which those are; or what kind of bytes */
	const char *example; /* of bytes */
};

#define VALUE_SIZE_MAX 16

/* char *; the row's max is in characters, 0: any. */
extern const struct value_type value_any;      /* any text */
extern const struct value_type value_print;    /* printable ASCII */
extern const struct value_type value_graph;    /* without blanks too */
extern const struct value_type value_name;     /* fit for a file's name */
extern const struct value_type value_vm_name;  /* the same, but for its begin */
extern const struct value_type value_opt_name; /* opt/NAME of fw_cfg */
extern const struct value_type value_env;      /* NAME[=VALUE] */
extern const struct value_type value_params;   /* joined to the former */
extern const struct value_type value_path;     /* the row's words are none */
extern const struct value_type value_tap;      /* an interface's name */
extern const struct value_type value_backend;  /* of a console port */
/* The row's min and max bound numbers, and min is the first of the words. */
extern const struct value_type value_number; /* uint32_t */
extern const struct value_type value_slot;   /* the same, and one more */
extern const struct value_type value_size;   /* uint64_t, whole MiB */
extern const struct value_type value_fd;     /* int, no standard stream */
extern const struct value_type value_flag;   /* bool: on, off */
extern const struct value_type value_word;   /* an enum, by its words */
extern const struct value_type value_alias;  /* the same, never written */
extern const struct value_type value_mac;    /* uint8_t [6] */
extern const struct value_type value_uuid;   /* uint8_t [16] */

/* The text of a field, by malloc(); NULL: it is not set, or no memory. */
char *value_text(const struct part *, const void *field);

/*
 * strlist_add() - append @value, made by malloc(), which the list then owns
 *
 * 0; or -ENOMEM, also if @value is NULL, and it is freed.
 */
int strlist_add(struct strlist *l, char *value);

/*
 * path_from() - the path behind @skip bytes of @text as seen from the current
 * directory, when it was written down in @dir (NULL: the current one)
 *
 * All of @text, the caller's to free(); NULL: no memory.
 */
char *path_from(const char *dir, const char *text, size_t skip);

/* The same, absolute. */
char *path_absolute(const char *text, size_t skip);

/* Decimal digits up to *@end. 0; -EINVAL if none; -ERANGE. */
int digits_parse(const char *s, unsigned long long *val, const char **end);
