/* SPDX-License-Identifier: MIT */
/* UTF-8 validation and escaping of what a guest wrote. */
#include "cmd/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How long a valid character of UTF-8 at @s is; 0: there is none. */
static size_t character(const uint8_t *s, size_t len)
{
	size_t n = s[0] < 0x80	 ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;
	size_t i;

	if (!n || n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, surrogates, and what is above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

char *text_utf8(const char *s, size_t len, size_t *out_len)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + len;
	char *out = malloc(3 * len + 1), *to = out;
	size_t n;

	if (!out)
		return NULL;
	while (p < end) {
		n = character(p, end - p);
		if (n) {
			memcpy(to, p, n);
			to += n;
			p += n;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			p++;
		}
	}
	*to = 0;
	*out_len = to - out;
	return out;
}

json_t *text_json(const char *s, size_t len)
{
	size_t n;
	char *text = text_utf8(s, len, &n);
	json_t *o = text ? json_stringn_nocheck(text, n) : NULL;

	free(text);
	return o;
}

/* A character that a terminal shows and does not obey; C1 controls are none. */
static bool is_shown(const uint8_t *s, size_t n)
{
	if (n == 1)
		return *s == '\t' || (*s >= 0x20 && *s != 0x7f);
	return n && !(s[0] == 0xc2 && s[1] < 0xa0);
}

void text_put(FILE *f, const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + len;
	size_t n;

	for (; p < end; p += n ? n : 1) {
		n = character(p, end - p);
		if (is_shown(p, n))
			fwrite(p, 1, n, f);
		else if (n == 1)
			fprintf(f, "^%c", *p ^ 0x40);
		else
			fputc('?', f);
	}
}

int text_put_json(FILE *f, json_t *o, int rc)
{
	if (!rc)
		rc = json_dumpf(o, f, JSON_INDENT(2));
	json_decref(o);
	if (rc)
		return -ENOMEM;
	fputc('\n', f);
	return 0;
}
