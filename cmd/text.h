/* SPDX-License-Identifier: MIT */
/*
 * What a guest wrote, made fit for a terminal or for JSON: nothing of it is
 * trusted to be text.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/*
 * text_utf8() - @s with U+FFFD in the place of what is no UTF-8
 *
 * malloc()ed and terminated, its length in *@out_len; NULL: no memory. NULs
 * stay.
 */
char *text_utf8(const char *s, size_t len, size_t *out_len);

/* The same as a JSON string; NULL: no memory. */
json_t *text_json(const char *s, size_t len);

/*
 * text_put() - show @s to a person
 *
 * Control characters, but tabs, are written as ^X, so that nothing in it moves
 * the cursor or changes the terminal.
 */
void text_put(FILE *, const char *s, size_t len);

/*
 * text_put_json() - @o (stolen), indented, and a newline
 *
 * Nothing if @rc is not 0: making @o has failed. 0 or -ENOMEM.
 */
int text_put_json(FILE *, json_t *o, int rc);
