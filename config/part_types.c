/* SPDX-License-Identifier: MIT */
/*
 * The kinds of part that an option can have: how a text becomes a field of a
 * struct and is written again. config/parts.c does the rest.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/parts.h"
#include "config/values.h"
#include "core/log.h"

static int flag_set(const struct part_value *v, void *field)
{
	(void)v;
	*(bool *)field = true;
	return 0;
}

const struct part_type part_flag = { sizeof(bool), .set = flag_set };

/* --- text --- */

/* @s, made by malloc(), becomes the field. */
static int keep(const struct part_value *v, void *field, char *s)
{
	*(char **)field = s;
	return s ? 0 : err_no_memory(v->why);
}

static int text_set(const struct part_value *v, void *field)
{
	const struct part *row = v->row;
	const char *s = v->text;

	for (; row->type->is && *s; s++)
		if (!isascii(*s) || !row->type->is((unsigned char)*s))
			return err_set(v->why, -EINVAL, "use %s in the %s",
				       row->type->chars, row->name);
	if (row->max && (!*v->text || strlen(v->text) > row->max))
		return err_set(v->why, -EINVAL,
			       "%s '%s' has not 1 to %u characters", row->name,
			       v->text, row->max);
	return keep(v, field, strdup(v->text));
}

static int is_name(int c)
{
	return isalnum(c) || strchr("._-", c);
}

#define TEXT(...) sizeof(char *), .is_string = true, __VA_ARGS__
#define GRAPH	  .is = isgraph, .chars = "printable ASCII without blanks"

const struct part_type part_any = { TEXT(.set = text_set) };
const struct part_type part_graph = { TEXT(.set = text_set, GRAPH) };
const struct part_type part_print = { TEXT(.set = text_set, .is = isprint,
					   .chars = "printable ASCII") };
const struct part_type part_name = {
	TEXT(.set = text_set, .is = is_name,
	     .chars = "letters, digits, '.', '_' and '-'")
};

/* Names outside of opt/ are for the machine's own files (fw_cfg.rst). */
static int opt_name_set(const struct part_value *v, void *field)
{
	if (strncmp(v->text, "opt/", 4) != 0 || !v->text[4])
		return err_set(v->why, -EINVAL,
			       "the name must begin with opt/; others are the "
			       "machine's own");
	return text_set(v, field);
}

const struct part_type part_opt_name = { TEXT(.set = opt_name_set, GRAPH) };

/* The kernel's own rule: dev_valid_name(). */
static int tap_set(const struct part_value *v, void *field)
{
	const char *s = v->text;

	while (*s && *s != '/' && *s != ':' && !isspace((unsigned char)*s))
		s++;
	if (*s || s == v->text || s - v->text >= IFNAMSIZ ||
	    !strcmp(v->text, ".") || !strcmp(v->text, ".."))
		return err_set(v->why, -EINVAL,
			       "'%s' is no interface name of at most %d "
			       "characters",
			       v->text, IFNAMSIZ - 1);
	return keep(v, field, strdup(v->text));
}

const struct part_type part_tap = { TEXT(.set = tap_set) };

static int path_set(const struct part_value *v, void *field)
{
	return keep(v, field, path_from(v->dir, v->text));
}

static char *path_text(const struct part *row, const void *field)
{
	(void)row;
	return path_absolute(*(char *const *)field);
}

const struct part_type part_path = { TEXT(.set = path_set, .text = path_text) };

/* --- numbers and words --- */

static int number_set(const struct part_value *v, void *field)
{
	const struct part *row = v->row;
	unsigned long long n;
	const char *end;

	if (digits_parse(v->text, &n, &end) || *end || n < row->min ||
	    n > row->max)
		return err_set(v->why, -EINVAL, "%s '%s'; give %s=%u to %s=%u",
			       row->bad, v->text, row->name, row->min,
			       row->name, row->max);
	*(uint32_t *)field = n;
	return 0;
}

static char *number_text(const struct part *row, const void *field)
{
	char *s;

	(void)row;
	return asprintf(&s, "%u", *(const uint32_t *)field) < 0 ? NULL : s;
}

const struct part_type part_number = { sizeof(uint32_t), .set = number_set,
				       .text = number_text };

static int fd_parse(const struct part_value *v, const char *s, int min, int *fd)
{
	unsigned long long n;
	const char *end;

	if (digits_parse(s, &n, &end) || *end || n > INT_MAX)
		return err_set(v->why, -EINVAL,
			       "'%s' is no file descriptor's number", s);
	if ((int)n < min)
		return err_set(v->why, -EINVAL,
			       "file descriptor %s is a standard stream", s);
	*fd = n;
	return 0;
}

static int inherited_set(const struct part_value *v, void *field)
{
	return fd_parse(v, v->text, 3, field);
}

const struct part_type part_fd = { sizeof(int), .set = inherited_set,
				   .text = number_text };

static int word_set(const struct part_value *v, void *field)
{
	const char *const *words = v->row->words, *name = v->row->name;
	char list[128] = "";
	size_t n = 0;
	unsigned i;

	for (i = 1; words[i]; i++) {
		if (!strcmp(v->text, words[i])) {
			*(unsigned *)field = i;
			return 0;
		}
		n += snprintf(list + n, sizeof(list) - n, "%s%s=%s",
			      i == 1	     ? ""
			      : words[i + 1] ? ", "
					     : " or ",
			      name, words[i]);
	}
	return err_set(v->why, -EINVAL, "unknown %s '%s'; use %s", name,
		       v->text, list);
}

static char *word_text(const struct part *row, const void *field)
{
	return strdup(row->words[*(const unsigned *)field]);
}

const struct part_type part_word = { sizeof(unsigned), .set = word_set,
				     .text = word_text };

/* --- bytes in hexadecimal --- */

#define MAC_COLONS   0x3eu  /* a bit for each byte that has one before it */
#define UUID_HYPHENS 0x550u /* 8-4-4-4-12 digits */

/* Is @s all of @n bytes in hexadecimal, with @separator where @at says? */
static bool hex_parse(const char *s, uint8_t *to, unsigned n, char separator,
		      unsigned at)
{
	char pair[3] = "";
	unsigned i;

	for (i = 0; i < n; i++, s += 2) {
		if ((at & 1u << i) && *s++ != separator)
			return false;
		if (!isxdigit((unsigned char)s[0]) ||
		    !isxdigit((unsigned char)s[1]))
			return false;
		memcpy(pair, s, 2);
		to[i] = strtoul(pair, NULL, 16);
	}
	return !*s;
}

static char *hex_text(const uint8_t *from, unsigned n, char separator,
		      unsigned at)
{
	char *s = malloc(3 * n + 1), *to = s;
	unsigned i;

	for (i = 0; s && i < n; i++) {
		if (at & 1u << i)
			*to++ = separator;
		to += sprintf(to, "%02x", from[i]);
	}
	return s;
}

static const uint8_t zeroes[16];

static int mac_set(const struct part_value *v, void *field)
{
	uint8_t *mac = field;

	if (!hex_parse(v->text, mac, 6, ':', MAC_COLONS))
		return err_set(
			v->why, -EINVAL,
			"not a MAC address; write mac=52:54:00:12:34:56");
	if ((mac[0] & 1) || !memcmp(mac, zeroes, 6))
		return err_set(v->why, -EINVAL,
			       "a card cannot have a group's or an all-zero "
			       "MAC address; try mac=52:54:00:12:34:56");
	return 0;
}

static char *mac_text(const struct part *row, const void *field)
{
	(void)row;
	return hex_text(field, 6, ':', MAC_COLONS);
}

const struct part_type part_mac = { 6, .set = mac_set, .text = mac_text };

static int uuid_set(const struct part_value *v, void *field)
{
	if (!hex_parse(v->text, field, 16, '-', UUID_HYPHENS))
		return err_set(v->why, -EINVAL,
			       "not a UUID; write uuid="
			       "123e4567-e89b-12d3-a456-426614174000");
	if (!memcmp(field, zeroes, 16))
		return err_set(v->why, -EINVAL,
			       "the UUID of zeroes means that there is none");
	return 0;
}

static char *uuid_text(const struct part *row, const void *field)
{
	(void)row;
	return hex_text(field, 16, '-', UUID_HYPHENS);
}

const struct part_type part_uuid = { 16, .set = uuid_set, .text = uuid_text };

/* --- the back end of a console port --- */

/* Of one that names a path: where that begins; else NULL. */
static const char *backend_path(const char *spec)
{
	bool has = !strncmp(spec, "file:", 5) || !strncmp(spec, "unix:", 5);

	return has ? spec + 5 : NULL;
}

/* @spec with @path, which is free()d, in the place of its own. */
static char *backend_with(const char *spec, char *path)
{
	char *s;

	if (!path || asprintf(&s, "%.5s%s", spec, path) < 0)
		s = NULL;
	free(path);
	return s;
}

static int backend_set(const struct part_value *v, void *field)
{
	const char *path = backend_path(v->text);
	int fd;

	if (path && !*path)
		return err_set(v->why, -EINVAL, "no path after '%s'", v->text);
	if (path)
		return keep(v, field,
			    backend_with(v->text, path_from(v->dir, path)));
	if (!strncmp(v->text, "fd:", 3)) {
		if (fd_parse(v, v->text + 3, 0, &fd))
			return -EINVAL;
	} else if (strcmp(v->text, "pty") && strcmp(v->text, "null")) {
		return err_set(v->why, -EINVAL,
			       "unknown back end '%s'; use file:PATH, "
			       "unix:PATH, pty, fd:N or null",
			       v->text);
	}
	return keep(v, field, strdup(v->text));
}

static char *backend_text(const struct part *row, const void *field)
{
	const char *spec = *(char *const *)field, *path = backend_path(spec);

	(void)row;
	return path ? backend_with(spec, path_absolute(path)) : strdup(spec);
}

const struct part_type part_backend = { TEXT(.set = backend_set,
					     .text = backend_text) };
