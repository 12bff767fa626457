/* SPDX-License-Identifier: MIT */
/* The kinds of value that only devices have; config/values.c has the others. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/values.h"
#include "core/log.h"

#define TEXT(...) sizeof(char *), .is_string = true, __VA_ARGS__

/* The kernel's own rule: dev_valid_name(). */
static int tap_set(const struct value *v, void *field)
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
	return value_keep(v, field, strdup(v->text));
}

const struct value_type value_tap = { TEXT(.set = tap_set) };

static int fd_parse(const struct value *v, const char *s, int min, int *fd)
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

static int inherited_set(const struct value *v, void *field)
{
	return fd_parse(v, v->text, 3, field);
}

static char *fd_text(const struct part *row, const void *field)
{
	char *s;

	(void)row;
	return asprintf(&s, "%d", *(const int *)field) < 0 ? NULL : s;
}

const struct value_type value_fd = { sizeof(int), .set = inherited_set,
				     .text = fd_text };

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

static int mac_set(const struct value *v, void *field)
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

const struct value_type value_mac = { 6, .set = mac_set, .text = mac_text };

static int uuid_set(const struct value *v, void *field)
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

const struct value_type value_uuid = { 16, .set = uuid_set, .text = uuid_text };

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

static int backend_set(const struct value *v, void *field)
{
	const char *path = backend_path(v->text);
	int fd;

	if (path && !*path)
		return err_set(v->why, -EINVAL, "no path after '%s'", v->text);
	if (path)
		return value_keep(
			v, field,
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
	return value_keep(v, field, strdup(v->text));
}

static char *backend_text(const struct part *row, const void *field)
{
	const char *spec = *(char *const *)field, *path = backend_path(spec);

	(void)row;
	return path ? backend_with(spec, path_absolute(path)) : strdup(spec);
}

const struct value_type value_backend = { TEXT(.set = backend_set,
					       .text = backend_text) };
