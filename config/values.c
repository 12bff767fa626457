/* SPDX-License-Identifier: MIT */
/* The kinds of value: text, paths, numbers, sizes, words; and what they share. */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/parts.h"
#include "core/log.h"

#define MIB (1ull << 20)

#define MEMORY_MIN (32 * MIB)
#define MEMORY_MAX (1ull << 52) /* no IPA space is larger */
#define TOO_MUCH   "more than the 4096T that ARM64 can address"

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

char *path_from(const char *dir, const char *path)
{
	char *s;

	if (!dir || *path == '/')
		return strdup(path);
	return asprintf(&s, "%s/%s", dir, path) < 0 ? NULL : s;
}

char *path_absolute(const char *path)
{
	char cwd[PATH_MAX];

	return path_from(getcwd(cwd, sizeof(cwd)) ? cwd : NULL, path);
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

	if (type->is_string && !*(char *const *)field)
		return NULL;
	return type->text ? type->text(row, field)
			  : strdup(*(char *const *)field);
}

int value_keep(const struct value *v, void *field, char *s)
{
	*(char **)field = s;
	return s ? 0 : err_no_memory(v->why);
}

/* --- text --- */

int value_set_text(const struct value *v, void *field)
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
	return value_keep(v, field, strdup(v->text));
}

static int is_name(int c)
{
	return isalnum(c) || strchr("._-", c);
}

#define TEXT(...) sizeof(char *), .is_string = true, __VA_ARGS__
#define GRAPH	  .is = isgraph, .chars = "printable ASCII without blanks"
#define NAME	  .is = is_name, .chars = "letters, digits, '.', '_' and '-'"

const struct value_type value_any = { TEXT(.set = value_set_text) };
const struct value_type value_graph = { TEXT(.set = value_set_text, GRAPH) };
const struct value_type value_print = {
	TEXT(.set = value_set_text, .is = isprint, .chars = "printable ASCII")
};
const struct value_type value_name = { TEXT(.set = value_set_text, NAME) };

static int vm_name_set(const struct value *v, void *field)
{
	if (!isalnum((unsigned char)*v->text))
		return err_set(v->why, -EINVAL,
			       "start with a letter or a digit");
	return value_set_text(v, field);
}

const struct value_type value_vm_name = { TEXT(.set = vm_name_set, NAME) };

/* Names outside of opt/ are for the machine's own files (fw_cfg.rst). */
static int opt_name_set(const struct value *v, void *field)
{
	if (strncmp(v->text, "opt/", 4) != 0 || !v->text[4])
		return err_set(v->why, -EINVAL,
			       "the name must begin with opt/; others are the "
			       "machine's own");
	return value_set_text(v, field);
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
	return value_set_text(v, field);
}

const struct value_type value_env = { TEXT(.set = env_set) };

static int params_set(const struct value *v, void *field)
{
	const char *former = *(char **)field;
	const char *text = v->text + strspn(v->text, " \t");
	size_t len = strlen(text);
	char *s;

	while (len && strchr(" \t", text[len - 1]))
		len--;
	if (!len)
		return 0;
	if (asprintf(&s, "%s%s%.*s", former ? former : "", former ? " " : "",
		     (int)len, text) < 0)
		s = NULL;
	return value_keep(v, field, s);
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
	return value_keep(
		v, field,
		path_from(is_word(v->row, v->text) ? NULL : v->dir, v->text));
}

static char *path_text(const struct part *row, const void *field)
{
	const char *path = *(char *const *)field;

	return is_word(row, path) ? strdup(path) : path_absolute(path);
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
	char *s;

	(void)row;
	return asprintf(&s, "%u", *(const uint32_t *)field) < 0 ? NULL : s;
}

const struct value_type value_number = { sizeof(uint32_t), .set = number_set,
					 .text = number_text };

/* log2 of the unit that @letter stands for; -1 if it is none. */
static int unit_shift(char letter)
{
	switch (toupper((unsigned char)letter)) {
	case 'K':
		return 10;
	case 'M':
	case '\0':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	}
	return -1;
}

/*
 * What is behind the point, in MiB: "5" of 1.5G is 512. -EINVAL if there are no
 * digits; -ERANGE if that is no whole number, and *@mib is rounded down.
 */
static int fraction_parse(const char **s, int shift, uint64_t *mib)
{
	/* 2^-20 of the largest unit is 1M, and has so many digits. */
	const unsigned digits_max = 20;
	unsigned __int128 value = 0, scale = 1, product;
	const size_t len = strspn(*s, "0123456789");
	size_t used = len, i;

	if (!len)
		return -EINVAL;
	while (used && (*s)[used - 1] == '0')
		used--;
	for (i = 0; i < used && i < digits_max; i++, scale *= 10)
		value = value * 10 + (*s)[i] - '0';
	*s += len;
	product = shift < 20 ? 0 : value << (shift - 20);
	*mib = product / scale;
	return used > digits_max || product % scale || (value && shift < 20)
		       ? -ERANGE
		       : 0;
}

#define DECIMAL ".0123456789"

/* The unit behind the digits and the fraction at @s, or 0. */
static char unit_of(const char *s)
{
	s += strspn(s, DECIMAL);
	return *s && s[1] ? '?' : *s;
}

static int size_set(const struct value *value, void *field)
{
	struct err *why = value->why;
	unsigned long long v;
	uint64_t more = 0;
	const char *end;
	int shift, part = 0, rc = digits_parse(value->text, &v, &end);

	if (rc == -EINVAL)
		return err_set(why, -EINVAL, "not a size; write 512M or 1.5G");
	shift = rc ? 0 : unit_shift(unit_of(end));
	if (shift < 0)
		return err_set(why, -EINVAL,
			       "unknown unit '%s'; use K, M, G or T",
			       end + strspn(end, DECIMAL));
	if (!rc && *end == '.') {
		end++;
		part = fraction_parse(&end, shift, &more);
	}
	if (part == -EINVAL || (!rc && *end == '.'))
		return err_set(why, -EINVAL, "not a size; write 512M or 1.5G");
	if (rc || v > MEMORY_MAX >> shift)
		return err_set(why, -EINVAL, TOO_MUCH);
	v = (v << shift) + more * MIB;
	if (v > MEMORY_MAX)
		return err_set(why, -EINVAL, TOO_MUCH);
	if (v < MEMORY_MIN)
		return err_set(why, -EINVAL, "less than the minimum of %lluM",
			       MEMORY_MIN / MIB);
	if (part || v % MIB)
		return err_set(why, -EINVAL,
			       "not a multiple of 1M; use %lluM instead",
			       v / MIB + 1);
	*(uint64_t *)field = v;
	return 0;
}

static char *size_text(const struct part *row, const void *field)
{
	char *s;

	(void)row;
	if (asprintf(&s, "%lluM", *(const uint64_t *)field / MIB) < 0)
		return NULL;
	return s;
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

static char *no_text(const struct part *row, const void *field)
{
	(void)row;
	(void)field;
	return NULL;
}

const struct value_type value_alias = { sizeof(unsigned), .set = word_set,
					.text = no_text };
