/* SPDX-License-Identifier: MIT */
/*
 * Reading a CPU template: lines of REGISTER.FIELD = VALUE. Only the form is
 * checked here, without KVM; arm64/cpu_apply.c finds out what the host allows.
 */
#include "arm64/cpu.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/infile.h"
#include "core/log.h"

/* Far more than a file of CPU_LINES_MAX lines with comments. */
#define SIZE_MAX_FILE (1u << 20)

/* A word of the file in a message: cut, and nothing that a terminal obeys. */
#define WORD 60
static const char *printable(const char *s, char *buf)
{
	size_t i;

	for (i = 0; s[i] && i < WORD - 1; i++)
		buf[i] = isprint((unsigned char)s[i]) ? s[i] : '?';
	buf[i] = '\0';
	return buf;
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	for (n = strlen(s); n && strchr(" \t\r", s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

/* Decimal, or hexadecimal with 0x. */
static bool parse_value(const char *s, uint64_t *val)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*val = strtoull(s, &end, s[1] == 'x' || s[1] == 'X' ? 16 : 10);
	return !*end && !errno;
}

static int bad_name(const struct cpu_template *t, unsigned number,
		    const char *name, int why, struct err *e)
{
	char word[WORD];

	if (why == -ENOENT)
		return err_set(
			e, -EINVAL,
			"--cpu %.200s:%u: there is no ID register '%s'; "
			"'nestor caps --cpu' prints those that there are",
			t->path, number, printable(name, word));
	return err_set(
		e, -EINVAL,
		"--cpu %.200s:%u: '%s' is no field of that register; write "
		"REGISTER.FIELD as 'nestor caps --cpu' does, or "
		"REGISTER[MSB:LSB]",
		t->path, number, printable(name, word));
}

static int parse_field(const struct cpu_template *t, struct cpu_line *l,
		       char *text, struct err *e)
{
	char *equals = strchr(text, '='), *name, *value, word[WORD];
	int r;

	if (!equals)
		return err_set(e, -EINVAL,
			       "--cpu %.200s:%u: no '=' in '%s'; write "
			       "REGISTER.FIELD = VALUE",
			       t->path, l->number, printable(text, word));
	*equals = '\0';
	name = trim(text);
	value = trim(equals + 1);
	r = idfield_parse(name, &l->field);
	if (r < 0)
		return bad_name(t, l->number, name, r, e);
	if (!parse_value(value, &l->value))
		return err_set(
			e, -EINVAL,
			"--cpu %.200s:%u: '%s' is no number; write it with "
			"digits, or as 0xf",
			t->path, l->number, printable(value, word));
	if (l->value > idfield_mask(&l->field) >> l->field.lsb)
		return err_set(
			e, -EINVAL,
			"--cpu %.200s:%u: %s has %u bits, which %s does not "
			"fit",
			t->path, l->number, printable(name, word),
			l->field.width, value);
	return 0;
}

static int parse_line(struct cpu_template *t, char *text, unsigned number,
		      struct err *e)
{
	struct cpu_line *l = &t->line[t->n];
	char name[IDFIELD_NAME];
	unsigned i;
	int r;

	text[strcspn(text, "#")] = '\0';
	text = trim(text);
	if (!*text)
		return 0;
	if (t->n == CPU_LINES_MAX)
		return err_set(
			e, -E2BIG,
			"--cpu %.200s: more than %u fields; a CPU has fewer, "
			"so give another file",
			t->path, CPU_LINES_MAX);
	l->number = number;
	r = parse_field(t, l, text, e);
	if (r < 0)
		return r;
	for (i = 0; i < t->n; i++) {
		if (idfield_overlap(&t->line[i].field, &l->field))
			return err_set(e, -EINVAL,
				       "--cpu %.200s:%u: %s is set in line %u "
				       "already; leave one of them out",
				       t->path, number,
				       idfield_name(&l->field, name),
				       t->line[i].number);
	}
	t->n++;
	return 0;
}

int cpu_template_parse(const char *path, char *text, struct cpu_template **out,
		       struct err *e)
{
	struct cpu_template *t = calloc(1, sizeof(*t));
	unsigned number = 0;
	char *line;
	int r = 0;

	if (t)
		t->line = calloc(CPU_LINES_MAX, sizeof(*t->line));
	if (!t || !t->line) {
		cpu_template_free(t);
		return err_no_memory(e);
	}
	t->path = path;
	while (!r && (line = strsep(&text, "\n")))
		r = parse_line(t, line, ++number, e);
	if (r < 0) {
		cpu_template_free(t);
		return r;
	}
	*out = t;
	return 0;
}

int cpu_template_load(const char *path, struct cpu_template **t, struct err *e)
{
	struct infile f;
	char *text;
	int r = infile_open(&f, "--cpu", path, e);

	if (r < 0)
		return r;
	if (f.size > SIZE_MAX_FILE) {
		r = infile_err(&f, e, -EFBIG,
			       "has %llu bytes, and is no CPU template; give "
			       "what 'nestor caps --cpu' printed",
			       (unsigned long long)f.size);
		infile_close(&f);
		return r;
	}
	text = malloc(f.size + 1);
	r = text ? infile_read(&f, 0, text, f.size, e) : err_no_memory(e);
	if (!r && memchr(text, '\0', f.size))
		r = infile_err(&f, e, -EINVAL,
			       "is no text; give what 'nestor caps --cpu' "
			       "printed");
	if (!r) {
		text[f.size] = '\0';
		r = cpu_template_parse(path, text, t, e);
	}
	infile_close(&f);
	free(text);
	return r;
}

void cpu_template_free(struct cpu_template *t)
{
	if (t)
		free(t->line);
	free(t);
}
