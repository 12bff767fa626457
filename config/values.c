/* SPDX-License-Identifier: MIT */
/* Values of one piece: text, paths, numbers, sizes, flags. */
#include "config/values.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/keys.h"
#include "core/log.h"
#include "host/rundir.h"

#define MIB (1ull << 20)

#define MEMORY_MIN (32 * MIB)
#define MEMORY_MAX (1ull << 52) /* no IPA space is larger */
#define TOO_MUCH   "more than the 4096T that ARM64 can address"

/* The field of @k in @c: of type T, constant if @c is. */
#define FIELD(T, c, k)	((T *)((char *)(c) + (k)->field))
#define CFIELD(T, c, k) ((const T *)((const char *)(c) + (k)->field))

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

static int replace(char **field, char *with, struct err *why)
{
	if (!with)
		return err_no_memory(why);
	free(*field);
	*field = with;
	return 0;
}

static void string_free(const struct key *k, struct config *c)
{
	free(*FIELD(char *, c, k));
}

static int text_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	const char *s;

	(void)dir;
	for (s = value; *s; s++) {
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return err_set(why, -EINVAL,
				       "use letters, digits, '.', '_' and '-'");
	}
	if (!isalnum((unsigned char)*value))
		return err_set(why, -EINVAL, "start with a letter or a digit");
	if (s - value > VM_NAME_MAX)
		return err_set(why, -EINVAL, "use at most %d characters",
			       VM_NAME_MAX);
	return replace(FIELD(char *, c, k), strdup(value), why);
}

static void text_dump(const struct key *k, const struct config *c, FILE *f)
{
	const char *s = *CFIELD(char *, c, k);

	if (s)
		fprintf(f, "%s = %s\n", k->name, s);
}

const struct value_type value_text = { text_set, text_dump, string_free };

/* Is it one of the words that the key knows? ./host is a file. */
static bool is_choice(const struct key *k, const char *value)
{
	unsigned i;

	for (i = 0; k->choices && k->choices[i]; i++)
		if (!strcmp(value, k->choices[i]))
			return true;
	return false;
}

static int path_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	if (is_choice(k, value))
		dir = NULL;
	return replace(FIELD(char *, c, k), path_from(dir, value), why);
}

static void path_print(const struct key *k, const char *path, FILE *f)
{
	char *abs = path_absolute(path);

	fprintf(f, "%s = %s\n", k->name, abs ? abs : path);
	free(abs);
}

static void path_dump(const struct key *k, const struct config *c, FILE *f)
{
	const char *s = *CFIELD(char *, c, k);

	if (s && is_choice(k, s))
		text_dump(k, c, f);
	else if (s)
		path_print(k, s, f);
}

const struct value_type value_path = { path_set, path_dump, string_free };

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

static int paths_set(const struct key *k, struct config *c, const char *value,
		     const char *dir, struct err *why)
{
	return strlist_add(FIELD(struct strlist, c, k), path_from(dir, value))
		       ? err_no_memory(why)
		       : 0;
}

static void paths_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct strlist *l = CFIELD(struct strlist, c, k);
	unsigned i;

	for (i = 0; i < l->n; i++)
		path_print(k, l->s[i], f);
}

static void paths_free(const struct key *k, struct config *c)
{
	struct strlist *l = FIELD(struct strlist, c, k);

	while (l->n)
		free(l->s[--l->n]);
	free(l->s);
}

const struct value_type value_paths = { paths_set, paths_dump, paths_free };

static int envs_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	const size_t len = strcspn(value, "=");
	size_t i;

	(void)dir;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '_')
			break;
	if (!len || i < len || isdigit((unsigned char)*value))
		return err_set(why, -EINVAL, "not of the form NAME[=VALUE]");
	return strlist_add(FIELD(struct strlist, c, k), strdup(value))
		       ? err_no_memory(why)
		       : 0;
}

static void envs_dump(const struct key *k, const struct config *c, FILE *f)
{
	const struct strlist *l = CFIELD(struct strlist, c, k);
	unsigned i;

	for (i = 0; i < l->n; i++)
		fprintf(f, "%s = %s\n", k->name, l->s[i]);
}

const struct value_type value_envs = { envs_set, envs_dump, paths_free };

static int params_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	char **field = FIELD(char *, c, k);
	size_t len;
	char *s;

	(void)dir;
	value += strspn(value, " \t");
	for (len = strlen(value); len > 0; len--) {
		if (!strchr(" \t", value[len - 1]))
			break;
	}
	if (!len)
		return 0;
	if (asprintf(&s, "%s%s%.*s", *field ? *field : "", *field ? " " : "",
		     (int)len, value) < 0)
		return err_no_memory(why);
	return replace(field, s, why);
}

const struct value_type value_params = { params_set, text_dump, string_free };

static int number_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	unsigned long long v;
	const char *end;
	int rc = digits_parse(value, &v, &end);

	(void)dir;
	if (rc == -EINVAL || (!rc && *end))
		return err_set(why, -EINVAL, "not a whole number");
	if (rc || v < k->min || v > k->max)
		return err_set(why, -EINVAL, "not in the range %u to %u",
			       k->min, k->max);
	*FIELD(unsigned, c, k) = v;
	return 0;
}

static void number_dump(const struct key *k, const struct config *c, FILE *f)
{
	fprintf(f, "%s = %u\n", k->name, *CFIELD(unsigned, c, k));
}

const struct value_type value_number = { number_set, number_dump, NULL };

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

static int size_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	unsigned long long v;
	uint64_t more = 0;
	const char *end;
	int shift, part = 0, rc = digits_parse(value, &v, &end);

	(void)dir;
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
	*FIELD(uint64_t, c, k) = v;
	return 0;
}

static void size_dump(const struct key *k, const struct config *c, FILE *f)
{
	fprintf(f, "%s = %lluM\n", k->name, *CFIELD(uint64_t, c, k) / MIB);
}

const struct value_type value_size = { size_set, size_dump, NULL };

/* 1 or 0; or -EINVAL. */
static int on_off(const char *value, struct err *why)
{
	if (!strcmp(value, "on"))
		return 1;
	return strcmp(value, "off")
		       ? err_set(why, -EINVAL, "neither 'on' nor 'off'")
		       : 0;
}

static int flag_set(const struct key *k, struct config *c, const char *value,
		    const char *dir, struct err *why)
{
	const int on = on_off(value, why);

	(void)dir;
	if (on >= 0)
		*FIELD(bool, c, k) = on;
	return on < 0 ? on : 0;
}

static void flag_dump(const struct key *k, const struct config *c, FILE *f)
{
	fprintf(f, "%s = %s\n", k->name, *CFIELD(bool, c, k) ? "on" : "off");
}

const struct value_type value_flag = { flag_set, flag_dump, NULL };

/* --no-reboot, an older word for --on-reset stop. */
static int reboot_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	const int on = on_off(value, why);

	(void)dir;
	if (on >= 0)
		*FIELD(enum policy, c, k) = on ? POLICY_RESTART : POLICY_STOP;
	return on < 0 ? on : 0;
}

static void reboot_dump(const struct key *k, const struct config *c, FILE *f)
{
	(void)k;
	(void)c;
	(void)f;
}

const struct value_type value_reboot = { reboot_set, reboot_dump, NULL };

static int choice_set(const struct key *k, struct config *c, const char *value,
		      const char *dir, struct err *why)
{
	char list[80];
	size_t n = 0;
	unsigned i;

	(void)dir;
	for (i = 0; k->choices[i]; i++) {
		if (!strcmp(value, k->choices[i])) {
			*FIELD(unsigned, c, k) = i;
			return 0;
		}
		n += snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
			      k->choices[i]);
	}
	return err_set(why, -EINVAL, "not one of %s", list);
}

static void choice_dump(const struct key *k, const struct config *c, FILE *f)
{
	fprintf(f, "%s = %s\n", k->name, k->choices[*CFIELD(unsigned, c, k)]);
}

const struct value_type value_choice = { choice_set, choice_dump, NULL };
