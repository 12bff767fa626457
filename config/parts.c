/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes options that have parts, by their tables.
 *
 * A value is read into a struct of its own, and moves into the configuration
 * when all of it was good: an option that is refused changes nothing.
 */
#include "config/parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/suggest.h"
#include "config/values.h"
#include "core/log.h"

#define THING_MAX 128 /* bytes of a thing's struct */

/* An option while it is read. */
struct reading {
	const struct key *k;
	const struct parts *p;
	struct config *c;
	const char *dir;
	struct err *why;
	void *thing;
	unsigned given; /* a bit a row of p->rows */
};

void field_dump(const char *s, FILE *f)
{
	for (; *s; s++) {
		if (*s == ',')
			fputc(',', f);
		fputc(*s, f);
	}
}

char *field_next(char **rest)
{
	char *field = *rest, *to = field, *from = field;

	if (!field)
		return NULL;
	while (*from) {
		if (*from == ',' && *++from != ',') {
			*to = '\0';
			*rest = from;
			return field;
		}
		*to++ = *from++;
	}
	*to = '\0';
	*rest = NULL;
	return field;
}

static char *string_of(const struct part *row, const void *thing)
{
	return *(char *const *)((const char *)thing + row->at);
}

/* Does @row's field differ from what it is when nothing is given? */
static bool is_given(const struct parts *p, const struct part *row,
		     const void *thing)
{
	static const char zeroes[16];
	const char *blank =
		p->blank ? (const char *)p->blank + row->at : zeroes;

	return memcmp((const char *)thing + row->at, blank, row->type->size);
}

static void free_strings(const struct parts *p, const void *thing)
{
	const struct part *row;

	for (row = p->rows; row->name; row++)
		if (row->type->is_string)
			free(string_of(row, thing));
}

/* The @i-th thing of a list, or of the slots; else the only one. */
static void *thing_at(const struct parts *p, const struct config *c, unsigned i)
{
	char *at = (char *)c + p->at;

	if (p->shape == PARTS_LIST)
		at = *(char **)at;
	/* A list that is empty is NULL. */
	return i ? at + i * p->size : at;
}

static unsigned *count_of(const struct parts *p, const struct config *c)
{
	return (unsigned *)((char *)c + p->count);
}

/* How many there are, or could be. */
static unsigned things(const struct parts *p, const struct config *c)
{
	unsigned n = 0;

	if (p->shape == PARTS_LIST)
		return *count_of(p, c);
	while (p->slots && p->slots[n])
		n++;
	return n ? n : 1;
}

int parts_append(const struct parts *p, struct config *c, const void *thing)
{
	void **list = (void **)((char *)c + p->at), *more;
	unsigned *n = count_of(p, c);

	if (*n >= p->max)
		return -ENOSPC;
	more = reallocarray(*list, *n + 1, p->size);
	if (!more)
		return -ENOMEM;
	*list = more;
	memcpy((char *)more + *n * p->size, thing, p->size);
	++*n;
	return 0;
}

void parts_free(const struct key *k, struct config *c)
{
	const struct parts *p = k->parts;
	unsigned i;

	for (i = 0; i < things(p, c); i++)
		free_strings(p, thing_at(p, c, i));
	if (p->shape != PARTS_LIST)
		return;
	free(*(void **)((char *)c + p->at));
	*(void **)((char *)c + p->at) = NULL;
	*count_of(p, c) = 0;
}

/* In @buf the parts of @place, as "ro, serial=TEXT or transport=KIND". */
static const char *usage(const struct parts *p, enum part_place place,
			 char buf[256])
{
	const char *none = place == PART_KIND ? p->none : NULL;
	const struct part *row;
	FILE *f = fmemopen(buf, 256, "w");

	*buf = '\0';
	for (row = p->rows; f && row->name; row++) {
		const bool last = row[1].place != place || !row[1].name;

		if (row->place != place)
			continue;
		if (ftell(f))
			fputs(last && !none ? " or " : ", ", f);
		if (row->bare)
			fprintf(f, "%s, ", row->name);
		fprintf(f, "%s%s%s", row->name, row->arg ? "=" : "",
			row->arg ? row->arg : "");
		if (last && none)
			fprintf(f, " or %s", none);
	}
	if (f)
		fclose(f);
	return buf;
}

static bool is(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && !memcmp(name, text, len);
}

/* The row of a part that is named @len bytes of @name, or NULL. */
static const struct part *find(const struct parts *p, enum part_place place,
			       const char *name, size_t len)
{
	const struct part *row;

	for (row = p->rows; row->name; row++)
		if (row->place == place && is(row->name, name, len))
			return row;
	return NULL;
}

static int set_part(struct reading *r, const struct part *row,
		    const char *value)
{
	const unsigned bit = 1u << (row - r->p->rows);
	const size_t len = strlen(value);
	struct err why;
	int rc;

	if (r->given & bit)
		return err_set(r->why, -EINVAL,
			       "'%s' is given twice; leave one out", row->name);
	/* At the end of a dumped line it would be lost. */
	if (len && strchr(" \t", value[len - 1]))
		return err_set(r->why, -EINVAL, "'%s' ends with a blank",
			       value);
	r->given |= bit;
	rc = row->type->set(&(struct value){ row, value, r->dir, r->why },
			    (char *)r->thing + row->at);
	/* What keys have too does not name the part. */
	if (!rc || (row->type != &value_number && row->type != &value_slot &&
		    row->type != &value_word))
		return rc;
	why = *r->why;
	return err_set(r->why, rc, "%s=%s: %s", row->name, value, why.text);
}

static int unknown(const struct reading *r, const char *field, size_t len)
{
	const char *what = r->p->rows->place == PART_NAMED ? "field" : "flag";
	char buf[256], word[32];
	struct suggestion near = { .word = word };
	const struct part *row;

	snprintf(word, sizeof(word), "%.*s", (int)len, field);
	/* Names of two letters are near to anything. */
	for (row = r->p->rows; row->name; row++)
		if (row->place == PART_NAMED && strlen(row->name) > 3)
			suggest(&near, row->name);
	if (near.name)
		return err_set(r->why, -EINVAL,
			       "unknown %s '%s': did you mean '%s'?", what,
			       field, near.name);
	return err_set(r->why, -EINVAL, "unknown %s '%s'; use %s", what, field,
		       usage(r->p, PART_NAMED, buf));
}

/* name=VALUE, or a flag's name. */
static int read_named(struct reading *r, const char *field)
{
	const size_t len = strcspn(field, "=");
	const struct part *row = find(r->p, PART_NAMED, field, len);

	if (!row)
		return unknown(r, field, len);
	if (!row->arg && field[len])
		return err_set(r->why, -EINVAL, "'%s': %s takes no value",
			       field, row->name);
	if (row->arg && !field[len])
		return err_set(r->why, -EINVAL, "%s needs a value: %s=%s",
			       row->name, row->name, row->arg);
	return set_part(r, row, field[len] ? field + len + 1 : "on");
}

static int read_kind(struct reading *r, const char *field)
{
	const size_t len = strcspn(field, "=");
	const struct part *row = find(r->p, PART_KIND, field, len);
	char buf[256];

	if (row && field[len])
		return set_part(r, row, field + len + 1);
	if (row && row->bare)
		return 0;
	return err_set(r->why, -EINVAL, "unknown %s '%s'; use %s", r->k->name,
		       field, usage(r->p, PART_KIND, buf));
}

/* The label before the '=', which no thing has yet; *@rest is behind it. */
static int read_label(struct reading *r, char **rest)
{
	const struct part *row = r->p->rows;
	char *label = *rest, *eq = strchr(label, '=');
	unsigned i;

	if (!eq || eq == label || !eq[1])
		return err_set(r->why, -EINVAL, "not of the form %s",
			       r->k->arg);
	*eq = '\0';
	*rest = eq + 1;
	for (i = 0; i < things(r->p, r->c); i++)
		if (!strcmp(string_of(row, thing_at(r->p, r->c, i)), label))
			return err_set(r->why, -EEXIST, "two %ss named '%s'",
				       r->p->noun, label);
	return set_part(r, row, label);
}

/* In *@to the slot that *@rest is for, and its name cut off. */
static int read_slot(struct reading *r, char **rest, void **to)
{
	const char *const *slots = r->p->slots;
	size_t len = strcspn(*rest, "=");
	unsigned i = 0;

	while (slots[i] && !is(slots[i], *rest, len))
		i++;
	if (!slots[i] || !(*rest)[len])
		return err_set(r->why, -EINVAL,
			       "not of the form %s=FILE or %s=FILE", slots[0],
			       slots[1]);
	*to = thing_at(r->p, r->c, i);
	if (string_of(r->p->rows, *to))
		return err_set(r->why, -EEXIST,
			       "there is a %s already, '%s'; a hypervisor "
			       "takes one",
			       slots[i], string_of(r->p->rows, *to));
	*rest += len + 1;
	return 0;
}

/* What stands without a name, and then what has one. */
static int read_parts(struct reading *r, char *rest)
{
	const struct part *row = r->p->rows;
	char *field;
	int rc = row->place == PART_LABEL  ? read_label(r, &rest)
		 : row->place == PART_KIND ? read_kind(r, field_next(&rest))
					   : 0;

	for (; !rc && rest && row->name && row->place != PART_NAMED; row++) {
		if (row->place == PART_LABEL || row->place == PART_KIND)
			continue;
		field = rest;
		if (row->place == PART_WHOLE)
			rest = NULL;
		else
			field_next(&rest);
		if (!*field && row->place != PART_SECOND)
			return err_set(r->why, -EINVAL, "no %s named",
				       row->name);
		rc = set_part(r, row, field);
	}
	if (!rc && rest && row > r->p->rows && row[-1].place == PART_SECOND)
		return err_set(r->why, -EINVAL,
			       "'%s' follows the %s after a comma; two commas "
			       "stand for one",
			       rest, row[-1].name);
	while (!rc && (field = field_next(&rest)))
		rc = read_named(r, field);
	return rc;
}

/* What was read moves into @to, over what is there. */
static void move(const struct reading *r, void *to)
{
	const struct parts *p = r->p;
	const struct part *row;

	for (row = p->rows; row->name; row++) {
		if (p->shape == PARTS_ADD &&
		    !(r->given & 1u << (row - p->rows)))
			continue;
		if (row->type->is_string)
			free(string_of(row, to));
		memcpy((char *)to + row->at, (char *)r->thing + row->at,
		       row->type->size);
	}
}

static int read_thing(struct reading *r, char *text)
{
	const struct parts *p = r->p;
	void *to = thing_at(p, r->c, 0);
	int rc = p->slots ? read_slot(r, &text, &to) : 0;

	if (!rc)
		rc = read_parts(r, text);
	if (!rc && p->shape != PARTS_LIST)
		move(r, to);
	else if (!rc)
		rc = parts_append(p, r->c, r->thing);
	return rc == -ENOSPC
		       ? err_set(r->why, rc,
				 "one too many; there is room for %u", p->max)
		       : rc;
}

int parts_set(const struct key *k, struct config *c, const char *value,
	      const char *dir, struct err *why)
{
	_Alignas(max_align_t) char thing[THING_MAX] = { 0 };
	struct reading r = { k, k->parts, c, dir, why, .thing = thing };
	char *text;
	int rc;

	if (r.p->none && !strcmp(value, r.p->none)) {
		parts_free(k, c);
		return 0;
	}
	if (r.p->blank)
		memcpy(thing, r.p->blank, r.p->size);
	text = strdup(value);
	rc = text ? read_thing(&r, text) : -ENOMEM;
	if (rc)
		free_strings(r.p, thing);
	free(text);
	return rc == -ENOMEM ? err_no_memory(why) : rc;
}

/* --- writing --- */

/* "name=TEXT", as its place has it. */
static void put_part(const struct part *row, const void *thing, FILE *f)
{
	const bool named = row->place == PART_NAMED || row->place == PART_KIND;
	char *text = value_text(row, (const char *)thing + row->at);

	if (named)
		fprintf(f, "%s%s", row->name, row->arg && text ? "=" : "");
	if (text && (row->place == PART_WHOLE || row->place == PART_LABEL))
		fputs(text, f);
	else if (text && (row->arg || !named))
		field_dump(text, f);
	if (row->place == PART_LABEL)
		fputc('=', f);
	free(text);
}

/* The kind that is given, or the one that needs no value. */
static const struct part *kind_of(const struct parts *p, const void *thing)
{
	const struct part *row, *bare = NULL;

	for (row = p->rows; row->place == PART_KIND; row++) {
		if (is_given(p, row, thing))
			return row;
		if (row->bare)
			bare = row;
	}
	return bare;
}

static void put_thing(const struct key *k, const char *slot, const void *thing,
		      FILE *f)
{
	const struct parts *p = k->parts;
	const struct part *row, *before = NULL;

	for (row = p->rows; row->name; row++) {
		if (row->place == PART_KIND ? row != kind_of(p, thing)
					    : !is_given(p, row, thing))
			continue;
		if (!before || p->shape == PARTS_ADD)
			fprintf(f, "%s = %s%s", k->name, slot ? slot : "",
				slot ? "=" : "");
		else if (before->place != PART_LABEL)
			fputc(',', f);
		put_part(row, thing, f);
		if (p->shape == PARTS_ADD)
			fputc('\n', f);
		before = row;
	}
	if (before && p->shape != PARTS_ADD)
		fputc('\n', f);
}

void parts_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct parts *p = k->parts;
	const void *thing;
	unsigned i;

	for (i = 0; i < things(p, c); i++) {
		thing = thing_at(p, c, i);
		/* One whose first part is missing was not given. */
		if (p->rows->place == PART_FIRST && !string_of(p->rows, thing))
			continue;
		put_thing(k, p->slots ? p->slots[i] : NULL, thing, f);
	}
}
