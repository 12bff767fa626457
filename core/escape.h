/* SPDX-License-Identifier: MIT */
/*
 * Escape sequences of terminals, as programs print them: colours, titles, where
 * the cursor is (ECMA-48, 5.4 and 5.6). Enough is understood to leave them out.
 */
#pragma once

#include <stdbool.h>

/* Zeroed: not within one. */
struct escape {
	int next;
};

/*
 * escape_has() - is @c, which follows what was asked about before, part of one?
 *
 * An end of a line is none, and ends what has not ended.
 */
bool escape_has(struct escape *, char c);
