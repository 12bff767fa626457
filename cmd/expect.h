/* SPDX-License-Identifier: MIT */
/*
 * Looking for regular expressions in a stream of console output, a line at a
 * time: what comes after a match is looked through for the next one.
 *
 * Carriage returns, NULs and escape sequences (colours) are not part of a line.
 * One of more than EXPECT_LINE characters counts as several.
 *
 * One thread; never waits.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/escape.h"

#define EXPECT_LINE 4096u

struct expect {
	uint64_t pos;	 /* of the next byte of the stream */
	uint64_t cursor; /* where the last match ended; first: the beginning */
	bool whole;	 /* the line has ended */
	bool inside;	 /* the line began before the stream did */
	bool spent;	 /* matched to the end of a whole line: no more of it */
	struct escape escape;
	size_t len;   /* of the line as far as it has come */
	size_t found; /* where the last match in it began */
	size_t begin; /* and where it ended */
	char line[EXPECT_LINE + 1];
	uint64_t after[EXPECT_LINE]; /* positions behind its characters */
	char last[EXPECT_LINE + 1];  /* the last line that was not blank */
};

/* A stream from @pos on, where a line begins or not. */
void expect_init(struct expect *, uint64_t pos, bool line_begins);

/*
 * expect_feed() - give it more of the stream, as far as the end of a line
 *
 * How many of the @len bytes were taken: at least one. What they complete is
 * to be looked at by expect_find() before the next are given.
 */
size_t expect_feed(struct expect *, const char *buf, size_t len);

/*
 * expect_find() - does the line, as far as it has come, match behind the last
 * match?
 *
 * @re is compiled with REG_NEWLINE. Its $ stands for the end of a line that
 * has ended. If it matches, the cursor is behind it.
 */
bool expect_find(struct expect *, const regex_t *re);

/* The last line that is not blank, finished or not; "" if there was none. */
const char *expect_last(const struct expect *);

/*
 * expect_unescape() - @text with C's escapes resolved, into @out (as long)
 *
 * \n \r \t \a \b \f \v \e \\ \" \' \xHH \NNN. The length, or -EINVAL.
 */
int expect_unescape(const char *text, char *out);
