/* SPDX-License-Identifier: MIT */
/* Scripts that complete the commands in @table, which ends with NULL. */
#pragma once

#include <stdio.h>

struct command;

void completion_bash(FILE *, const struct command *const *table);
void completion_zsh(FILE *, const struct command *const *table);
