/* SPDX-License-Identifier: MIT */
/* The kinds of value: how each becomes a field, and a text again. */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/parts.h"
#include "core/log.h"

#define MIB (1ull << 20)

#define MEMORY_MIN (32 * MIB)
#define MEMORY_MAX (1ull << 52) /* no IPA space is larger */

/* So much is hardly meant by who gives no unit: 32 Mi are as many bytes. */
#define BYTES_MEANT (32 * MIB * MIB - 1)

/* By malloc(), or NULL. */
__attribute__((format(printf, 1, 2))) static char *print(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

int digits_parse(const char *s, unsigned long long *val, const char **end)
{
	unsigned long long v = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *s - '0', &v))
			return -ERANGE;
	}
	*val = v;
	*end = s;
	return 0;
}

char *path_from(const char *dir, const char *text, size_t skip)
{
	return !dir || text[skip] == '/'
		       ? strdup(text)
		       : print("%.*s%s/%s", (int)skip, text, dir, text + skip);
}

char *path_absolute(const char *text, size_t skip)
{
	char cwd[PATH_MAX];

	return path_from(getcwd(cwd, sizeof(cwd)) ? cwd : NULL, text, skip);
}

int strlist_add(struct strlist *l, char *value)
{
	char **s = value ? reallocarray(l->s, l->n + 1, sizeof(*s)) : NULL;

	if (!s) {
		free(value);
		return -ENOMEM;
	}
	l->s = s;
	s[l->n++] = value;
	return 0;
}

char *value_text(const struct part *row, const void *field)
{
	const struct value_type *type = row->type;
	const char *s = type->is_string ? *(char *const *)field : NULL;

	if (type->text && (s || !type->is_string))
		return type->text(row, field);
	return s ? strdup(s) : NULL;
}

/* @s, made by malloc(), becomes the field, if it is not NULL. */
static int keep(const struct value *v, void *field, char *s)
{
	*(char **)field = s;
	return s ? 0 : err_no_memory(v->why);
}

/* --- text --- */

static int text_set(const struct value *v, void *field)
{
	const struct part *row = v->row;
	const char *s = v->text;

	for (; row->type->is && *s; s++)
		if (!isascii(*s) || !row->type->is((unsigned char)*s))
			return err_set(v->why, -EINVAL, "use %s in the %s",
				       row->type->chars, row->name);
	if (row->max && (!*v->text || strlen(v->text) > row->max))
		return err_set(v->why, -EINVAL,
			       "use 1 to %u characters in the %s", row->max,
			       row->name);
	return keep(v, field, strdup(v->text));
}

static int is_name(int c)
{
	return isalnum(c) || strchr("._-", c);
}

#define TEXT(...) sizeof(char *), .is_string = true, __VA_ARGS__
#define GRAPH	  .is = isgraph, .chars = "printable ASCII without blanks"
#define NAME	  .is = is_name, .chars = "letters, digits, '.', '_' and '-'"

const struct value_type value_any = { TEXT(.set = text_set) };
const struct value_type value_graph = { TEXT(.set = text_set, GRAPH) };
const struct value_type value_print = { TEXT(.set = text_set, .is = isprint,
					     .chars = "printable ASCII") };
const struct value_type value_name = { TEXT(.set = text_set, NAME) };

static int vm_name_set(const struct value *v, void *field)
{
	if (!isalnum((unsigned char)*v->text))
		return err_set(v->why, -EINVAL,
			       "start with a letter or a digit");
	return text_set(v, field);
}

const struct value_type value_vm_name = { TEXT(.set = vm_name_set, NAME) };

/* Names outside of opt/ are for the machine's own files (fw_cfg.rst). */
static int opt_name_set(const struct value *v, void *field)
{
	if (strncmp(v->text, "opt/", 4) != 0 || !v->text[4])
		return err_set(v->why, -EINVAL,
			       "the name must begin with opt/; others are the "
			       "machine's own");
	return text_set(v, field);
}

const struct value_type value_opt_name = { TEXT(.set = opt_name_set, GRAPH) };

static int env_set(const struct value *v, void *field)
{
	const char *s = v->text;

	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	if (s == v->text || (*s && *s != '=') ||
	    isdigit((unsigned char)*v->text))
		return err_set(v->why, -EINVAL, "not of the form NAME[=VALUE]");
	return text_set(v, field);
}

const struct value_type value_env = { TEXT(.set = env_set) };

/* The kernel's own rule: dev_valid_name(). */
static int tap_set(const struct value *v, void *field)
{
	const size_t len = strcspn(v->text, "/: \t\n\v\f\r");

	if (v->text[len] || !len || len >= IFNAMSIZ || !strcmp(v->text, ".") ||
	    !strcmp(v->text, ".."))
		return err_set(v->why, -EINVAL,
			       "'%s' is no interface name of at most %d "
			       "characters",
			       v->text, IFNAMSIZ - 1);
	return text_set(v, field);
}

const struct value_type value_tap = { TEXT(.set = tap_set) };

static int params_set(const struct value *v, void *field)
{
	const char *former = *(char **)field;
	const char *text = v->text + strspn(v->text, " \t");
	size_t len = strlen(text);

	while (len && strchr(" \t", text[len - 1]))
		len--;
	return len ? keep(v, field,
			  print("%s%s%.*s", former ? former : "",
				former ? " " : "", (int)len, text))
		   : 0;
}

const struct value_type value_params = { TEXT(.set = params_set) };

/* Is it one of the words that the row knows? ./host is a file. */
static bool is_word(const struct part *row, const char *text)
{
	const char *const *word = row->words;

	while (word && *word && strcmp(*word, text) != 0)
		word++;
	return word && *word;
}

static int path_set(const struct value *v, void *field)
{
	const char *dir = is_word(v->row, v->text) ? NULL : v->dir;

	return keep(v, field, path_from(dir, v->text, 0));
}

static char *path_text(const struct part *row, const void *field)
{
	const char *path = *(char *const *)field;

	return is_word(row, path) ? strdup(path) : path_absolute(path, 0);
}

const struct value_type value_path = { TEXT(.set = path_set,
					    .text = path_text) };

/* --- numbers and words --- */

static int number_set(const struct value *v, void *field)
{
	unsigned long long n;
	const char *end;
	int rc = digits_parse(v->text, &n, &end);

	if (rc == -EINVAL || (!rc && *end))
		return err_set(v->why, -EINVAL, "not a whole number");
	if (rc || n < v->row->min || n > v->row->max)
		return err_set(v->why, -EINVAL, "not in the range %u to %u",
			       v->row->min, v->row->max);
	*(uint32_t *)field = n;
	return 0;
}

static char *number_text(const struct part *row, const void *field)
{
	(void)row;
	return print("%u", *(const uint32_t *)field);
}

const struct value_type value_number = { sizeof(uint32_t), .set = number_set,
					 .text = number_text };

/* A field that is 0 has none. */
static int slot_set(const struct value *v, void *field)
{
	int r = number_set(v, field);

	if (!r)
		++*(uint32_t *)field;
	return r;
}

static char *slot_text(const struct part *row, const void *field)
{
	(void)row;
	return print("%u", *(const uint32_t *)field - 1);
}

const struct value_type value_slot = { sizeof(uint32_t), .set = slot_set,
				       .text = slot_text };

static int fd_parse(const struct value *v, const char *s, unsigned min, int *fd)
{
	unsigned long long n;
	const char *end;

	if (digits_parse(s, &n, &end) || *end || n > INT_MAX)
		return err_set(v->why, -EINVAL,
			       "'%s' is no file descriptor's number", s);
	if (n < min)
		return err_set(v->why, -EINVAL,
			       "file descriptor %s is a standard stream", s);
	*fd = n;
	return 0;
}

static int fd_set_inherited(const struct value *v, void *field)
{
	return fd_parse(v, v->text, STDERR_FILENO + 1, field);
}

const struct value_type value_fd = { sizeof(int), .set = fd_set_inherited,
				     .text = number_text };

#define DIGITS "0123456789"

/* log2 of the unit that is all of @s; -1 if it is none. */
static int unit_shift(const char *s)
{
	static const char units[] = "KMGT";
	const char *at = strchr(units, *s ? toupper((unsigned char)*s) : 'M');

	return !at || (*s && s[1]) ? -1 : 10 * (1 + (int)(at - units));
}

/*
 * Digits up to @end, perhaps with a point among them, times 2^@shift. Rounded
 * down if that is no whole number, and then *@rest is true; MEMORY_MAX + 1 at
 * the most.
 */
static uint64_t scaled(const char *s, const char *end, int shift, bool *rest)
{
	/* What is cut off beyond this is less than a byte, of any unit. */
	const unsigned __int128 room = (unsigned __int128)1 << 82;
	unsigned __int128 v = 0, scale = 1;
	bool fraction = false;

	for (*rest = false; s < end; s++) {
		if (*s == '.') {
			fraction = true;
		} else if (v < room) {
			v = v * 10 + *s - '0';
			scale *= fraction ? 10 : 1;
		} else if (!fraction) {
			return MEMORY_MAX + 1;
		} else {
			*rest |= *s != '0';
		}
	}
	v <<= shift;
	*rest |= v % scale != 0;
	v /= scale;
	return v > MEMORY_MAX ? MEMORY_MAX + 1 : v;
}

static int size_set(const struct value *value, void *field)
{
	const char *s = value->text, *end = s + strspn(s, DIGITS);
	const char *unit = s + strspn(s, "." DIGITS);
	const int shift = unit_shift(unit);
	const char *in_mib = *unit ? "" : "; a number without a unit is in MiB";
	struct err *why = value->why;
	uint64_t v;
	bool rest;

	if (*end == '.')
		end += 1 + strspn(end + 1, DIGITS);
	if (isdigit((unsigned char)*s) && shift < 0)
		return err_set(why, -EINVAL,
			       "unknown unit '%s'; use K, M, G or T", unit);
	if (!isdigit((unsigned char)*s) || end != unit || end[-1] == '.')
		return err_set(why, -EINVAL, "not a size; write 512M or 1.5G");
	v = scaled(s, end, shift, &rest);
	if (v > MEMORY_MAX)
		return err_set(why, -EINVAL,
			       "more than the 4096T that ARM64 can address%s",
			       in_mib);
	if (v < MEMORY_MIN)
		return err_set(why, -EINVAL, "less than the minimum of %lluM%s",
			       MEMORY_MIN / MIB, in_mib);
	if (!*unit && v > BYTES_MEANT)
		return err_set(why, -EINVAL,
			       "would be %lluT%s, so add one if that is meant",
			       (unsigned long long)v >> 40, in_mib);
	if (rest || v % MIB)
		return err_set(why, -EINVAL,
			       "not a multiple of 1M; use %lluM instead",
			       v / MIB + 1);
	*(uint64_t *)field = v;
	return 0;
}

static char *size_text(const struct part *row, const void *field)
{
	(void)row;
	return print("%lluM", *(const uint64_t *)field / MIB);
}

const struct value_type value_size = { sizeof(uint64_t), .set = size_set,
				       .text = size_text };

static int flag_set(const struct value *v, void *field)
{
	const bool on = !strcmp(v->text, "on");

	if (!on && strcmp(v->text, "off") != 0)
		return err_set(v->why, -EINVAL, "neither 'on' nor 'off'");
	*(bool *)field = on;
	return 0;
}

static char *flag_text(const struct part *row, const void *field)
{
	(void)row;
	return strdup(*(const bool *)field ? "on" : "off");
}

const struct value_type value_flag = { sizeof(bool), .set = flag_set,
				       .text = flag_text };

static int word_set(const struct value *v, void *field)
{
	const char *const *words = v->row->words;
	char list[80];
	size_t n = 0;
	unsigned i;

	for (i = v->row->min; words[i]; i++) {
		if (!strcmp(v->text, words[i])) {
			*(unsigned *)field = i;
			return 0;
		}
		n += snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
			      words[i]);
	}
	return err_set(v->why, -EINVAL, "not one of %s", list);
}

static char *word_text(const struct part *row, const void *field)
{
	return strdup(row->words[*(const unsigned *)field]);
}

const struct value_type value_word = { sizeof(unsigned), .set = word_set,
				       .text = word_text };
const struct value_type value_alias = { sizeof(unsigned), .set = word_set };

/* --- bytes in hexadecimal, which stand as in the type's example --- */

static int hex_set(const struct value *v, void *field)
{
	const struct value_type *type = v->row->type;
	const char *s = v->text, *like = type->example;
	uint8_t *to = field;

	while (*like &&
	       (isxdigit((unsigned char)*like) ? isxdigit((unsigned char)*s)
					       : *s == *like))
		s++, like++;
	if (*s || *like)
		return err_set(v->why, -EINVAL, "not a %s; write %s=%s",
			       type->chars, v->row->name, type->example);
	for (s = v->text; *s; s++)
		if (isxdigit((unsigned char)*s))
			sscanf(s++, "%2hhx", to++);
	return 0;
}

static char *hex_text(const struct part *row, const void *field)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = field;
	char *text = strdup(row->type->example), *s;

	for (s = text; s && *s; s++) {
		if (isxdigit((unsigned char)*s)) {
			*s++ = digits[*from >> 4];
			*s = digits[*from++ & 15];
		}
	}
	return text;
}

#define HEX(SIZE, ...) SIZE, .text = hex_text, __VA_ARGS__

static const uint8_t zeroes[16];

static int mac_set(const struct value *v, void *field)
{
	uint8_t *mac = field;
	int rc = hex_set(v, mac);

	if (!rc && ((mac[0] & 1) || !memcmp(mac, zeroes, 6)))
		rc = err_set(v->why, -EINVAL,
			     "a card cannot have a group's or an all-zero "
			     "MAC address; try mac=%s",
			     v->row->type->example);
	return rc;
}

const struct value_type value_mac = { HEX(6, .set = mac_set,
					  .chars = "MAC address",
					  .example = "52:54:00:12:34:56") };

static int uuid_set(const struct value *v, void *field)
{
	int rc = hex_set(v, field);

	if (!rc && !memcmp(field, zeroes, 16))
		rc = err_set(v->why, -EINVAL,
			     "the UUID of zeroes means that there is none");
	return rc;
}

const struct value_type value_uuid = { HEX(
	16, .set = uuid_set, .chars = "UUID",
	.example = "123e4567-e89b-12d3-a456-426614174000") };

/* --- the back end of a console port --- */

/* Where the path in it begins; 0: it has none. */
static size_t backend_path(const char *s)
{
	return strncmp(s, "file:", 5) && strncmp(s, "unix:", 5) ? 0 : 5;
}

static int backend_set(const struct value *v, void *field)
{
	const size_t at = backend_path(v->text);
	int fd;

	if (at && !v->text[at])
		return err_set(v->why, -EINVAL, "no path after '%s'", v->text);
	if (at)
		return keep(v, field, path_from(v->dir, v->text, at));
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
	const char *spec = *(char *const *)field;
	const size_t at = backend_path(spec);

	(void)row;
	return at ? path_absolute(spec, at) : strdup(spec);
}

const struct value_type value_backend = { TEXT(.set = backend_set,
					       .text = backend_text) };
