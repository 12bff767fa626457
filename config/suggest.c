/* SPDX-License-Identifier: MIT */
/* Spelling suggestions, by Levenshtein's distance. */
#include "config/suggest.h"

#include <string.h>

#define WORD_MAX 24
#define PREFIX	 3

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* How many letters to insert, remove or change: Levenshtein's distance. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), i, j;
	unsigned row[WORD_MAX + 1], diagonal, above;

	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

void suggest(struct suggestion *s, const char *name)
{
	const size_t len = strlen(s->word);
	unsigned d;

	if (len > WORD_MAX || len < 2 || strlen(name) > WORD_MAX)
		return;
	/* Who begins a word means it. */
	d = len >= PREFIX && !strncmp(s->word, name, len)
		    ? 0
		    : distance(s->word, name);
	if (d < (s->name ? s->distance : 3) && d < len) {
		s->distance = d;
		s->name = name;
	}
}
