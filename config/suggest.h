/* SPDX-License-Identifier: MIT */
/* What a misspelt word was to be. */
#pragma once

/*
 * suggest() - the name in @names (NULL-terminated) nearest to @word, if it is
 * near enough to be what was meant; else NULL
 */
const char *suggest(const char *word, const char *const *names);
