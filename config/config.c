/* SPDX-License-Identifier: MIT */
/* Values into a struct config by their keys, out of it, and their end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/parts.h"
#include "config/values.h"
#include "core/log.h"

int text_check(const char *text, struct err *why)
{
	const unsigned char *s;

	for (s = (const unsigned char *)text; *s; s++) {
		if ((*s < ' ' && *s != '\t') || *s == 0x7f)
			return err_set(why, -EINVAL,
				       "contains a control character, which "
				       "no configuration can hold; leave it "
				       "out");
	}
	return 0;
}

/* What no value may hold: it could not stand on a line of a file. */
static int check_value(const struct key *k, const char *value, struct err *why)
{
	size_t len = strlen(value);
	int rc = text_check(value, why);

	if (rc || k->type == &value_params)
		return rc;
	if (!len)
		return err_set(why, -EINVAL, "empty; give %s",
			       k->arg ? k->arg : "on or off");
	if (strchr(" \t", value[0]) || strchr(" \t", value[len - 1]))
		return err_set(why, -EINVAL, "starts or ends with a blank");
	return 0;
}

/* A key whose value is one piece is like an option's only part. */
static struct part part_of(const struct key *k)
{
	return (struct part){ .name = k->name,
			      .place = PART_WHOLE,
			      .type = k->type,
			      .min = k->min,
			      .max = k->max,
			      .words = k->choices };
}

static void *field_of(const struct key *k, const struct config *c)
{
	return (char *)c + k->field;
}

static int set_field(const struct key *k, struct config *c, const char *value,
		     const char *dir, struct err *why)
{
	const struct part row = part_of(k);
	const struct value v = { &row, value, dir, why };
	union {
		char bytes[VALUE_SIZE_MAX];
		char *string;
	} new = { 0 };
	void *field = field_of(k, c);
	char **former = field;
	int rc;

	if (!k->list)
		memcpy(&new, field, k->type->size);
	rc = k->type->set(&v, &new);
	if (rc)
		return rc;
	if (k->list)
		return strlist_add(field, new.string) ? err_no_memory(why) : 0;
	if (k->type->is_string && *former != new.string)
		free(*former);
	memcpy(field, &new, k->type->size);
	return 0;
}

int key_set(const struct key *k, struct config *c, const char *value,
	    const char *dir, struct err *why)
{
	int rc = check_value(k, value, why);

	if (rc)
		return rc;
	return k->parts ? parts_set(k, c, value, dir, why)
			: set_field(k, c, value, dir, why);
}

int config_init(struct config *c, struct err *e)
{
	const struct key *k;
	int rc;

	*c = (struct config){ 0 };
	for (k = keys; k < keys + nkeys; k++) {
		if (k->role != KEY_SETS || !k->def)
			continue;
		rc = key_set(k, c, k->def, NULL, e);
		if (rc) {
			config_free(c);
			return rc;
		}
	}
	return 0;
}

static void strlist_free(struct strlist *l)
{
	while (l->n)
		free(l->s[--l->n]);
	free(l->s);
}

void config_free(struct config *c)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++) {
		if (k->parts)
			parts_free(k, c);
		else if (k->list)
			strlist_free(field_of(k, c));
		else if (k->type && k->type->is_string)
			free(*(char **)field_of(k, c));
	}
	strlist_free(&c->command.argv);
	*c = (struct config){ 0 };
}

static void dump_field(const struct part *row, const void *field, FILE *f)
{
	char *text = value_text(row, field);

	if (text)
		fprintf(f, "%s = %s\n", row->name, text);
	free(text);
}

void key_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct part row = part_of(k);
	const struct strlist *l = field_of(k, c);
	unsigned i;

	if (k->parts)
		parts_dump(k, c, f);
	else if (!k->list)
		dump_field(&row, l, f);
	for (i = 0; k->list && i < l->n; i++)
		dump_field(&row, &l->s[i], f);
}

void config_dump(const struct config *c, FILE *f)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++)
		if (k->role == KEY_SETS)
			key_dump(k, c, f);
}
