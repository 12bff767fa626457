/* SPDX-License-Identifier: MIT */
/*
 * The kinds of value that a configuration key can have: how each is read,
 * written and freed.
 *
 * Numbers are read strictly: decimal digits and nothing else. In a value made
 * of parts (config/parts.h) a comma separates and two commas stand for one.
 */
#pragma once

#include <stdio.h>

#include "core/config.h"

struct err;
struct key;

struct value_type {
	/* As key_set(). On failure the config is as before. */
	int (*set)(const struct key *, struct config *, const char *value,
		   const char *dir, struct err *why);
	/* Lines `key = value` that set() would take back; none if unset. */
	void (*dump)(const struct key *, const struct config *, FILE *);
	/* May be NULL. */
	void (*free)(const struct key *, struct config *);
};

extern const struct value_type value_text;  /* name, bounded character set */
extern const struct value_type value_path;  /* char *; key's choices stay */
extern const struct value_type value_paths; /* struct strlist */
extern const struct value_type value_envs;  /* struct strlist of NAME[=VALUE] */
extern const struct value_type value_params; /* char *, joined by blanks */
extern const struct value_type value_number; /* unsigned, key's min .. max */
extern const struct value_type value_size;   /* uint64_t, whole MiB */
extern const struct value_type value_flag;   /* bool */
extern const struct value_type value_reboot; /* enum policy, not dumped */
extern const struct value_type value_choice; /* an enum; key's choices */
extern const struct value_type value_parts;  /* as key's parts say */

/*
 * strlist_add() - append @value, made by malloc(), which the list then owns
 *
 * 0; or -ENOMEM, also if @value is NULL, and it is freed.
 */
int strlist_add(struct strlist *l, char *value);

/*
 * path_from() - @path as seen from the current directory, when it was written
 * down in @dir (NULL: the current one). The caller's to free(); NULL: no memory.
 */
char *path_from(const char *dir, const char *path);

/* The same, absolute. */
char *path_absolute(const char *path);

/* Decimal digits up to *@end. 0; -EINVAL if none; -ERANGE. */
int digits_parse(const char *s, unsigned long long *val, const char **end);

/* Write a field of a comma-separated value, doubling its commas. */
void field_dump(const char *s, FILE *);

/*
 * field_next() - cut the next field off *@rest, halving its commas in place
 *
 * NULL when there are no more.
 */
char *field_next(char **rest);
