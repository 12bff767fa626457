/* SPDX-License-Identifier: MIT */
/*
 * Matching regular expressions against console output as it arrives, line by
 * line, and the escape sequences of `--send`.
 */
#include "cmd/expect.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void expect_init(struct expect *x, uint64_t pos, bool line_begins)
{
	memset(x, 0, sizeof(*x));
	x->pos = x->cursor = pos;
	x->inside = !line_begins;
}

static bool is_blank(const char *s)
{
	return !s[strspn(s, " \t")];
}

static void next_line(struct expect *x)
{
	if (!is_blank(x->line))
		memcpy(x->last, x->line, x->len + 1);
	x->len = x->begin = 0;
	x->line[0] = 0;
	x->whole = x->inside = x->spent = false;
}

size_t expect_feed(struct expect *x, const char *buf, size_t len)
{
	size_t i;

	if (x->whole)
		next_line(x);
	for (i = 0; i < len && !x->whole; i++) {
		x->pos++;
		if (escape_has(&x->escape, buf[i]))
			continue;
		if (buf[i] == '\n') {
			x->whole = true;
		} else if (buf[i] && buf[i] != '\r') {
			x->line[x->len] = buf[i];
			x->after[x->len++] = x->pos;
			x->whole = x->len == EXPECT_LINE;
		}
	}
	x->line[x->len] = 0;
	return i;
}

bool expect_find(struct expect *x, const regex_t *re)
{
	int flags = x->inside || x->begin ? REG_NOTBOL : 0;
	regmatch_t m;

	if (!x->whole)
		flags |= REG_NOTEOL;
	if (x->spent || regexec(re, x->line + x->begin, 1, &m, flags))
		return false;
	x->found = x->begin + m.rm_so;
	x->begin += m.rm_eo;
	x->spent = x->whole && x->begin == x->len;
	if (x->spent)
		x->cursor = x->pos;
	else if (x->begin)
		x->cursor = x->after[x->begin - 1];
	return true;
}

const char *expect_last(const struct expect *x)
{
	return is_blank(x->line) ? x->last : x->line;
}

/* Up to @max digits of @base at *@s. */
static int number(const char **s, int base, int max)
{
	char digits[4] = "", *end;
	long n;

	strncat(digits, *s, max);
	n = strtol(digits, &end, base);
	if (end == digits || !isxdigit((unsigned char)digits[0]))
		return -EINVAL;
	*s += end - digits;
	return n & 0xff;
}

int expect_unescape(const char *s, char *out)
{
	static const char names[] = "nrtabfve\\\"'";
	static const char means[] = "\n\r\t\a\b\f\v\033\\\"'";
	const char *name;
	char *to = out;
	int n;

	while (*s) {
		if (*s != '\\') {
			*to++ = *s++;
			continue;
		}
		s++;
		name = *s ? strchr(names, *s) : NULL;
		if (name) {
			*to++ = means[name - names];
			s++;
			continue;
		}
		if (*s == 'x') {
			s++;
			n = number(&s, 16, 2);
		} else {
			n = number(&s, 8, 3);
		}
		if (n < 0)
			return n;
		*to++ = n;
	}
	return to - out;
}
