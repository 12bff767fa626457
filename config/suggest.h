/* SPDX-License-Identifier: MIT */
/* What a misspelt word was meant to be. */
#pragma once

struct suggestion {
	const char *word;
	const char *name;  /* the nearest so far; NULL: none was near enough */
	unsigned distance; /* how near */
};

/* Weigh @name, which stays the caller's; the first of the nearest counts. */
void suggest(struct suggestion *, const char *name);
