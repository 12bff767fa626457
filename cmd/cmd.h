/* SPDX-License-Identifier: MIT */
/*
 * The subcommands, as main.c lists them, and what they share.
 *
 * A command gets its own name in argv[0] and returns an enum status; only
 * commands print to the user and decide how the process ends.
 */
#pragma once

#include <stdio.h>

#include "cmd/exit.h"

struct err;

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	void (*help)(FILE *);
};

/*
 * cmd_dispatch() - run the command that argv[1] names
 *
 * @table ends with an empty row. Answers `help [COMMAND]`, --help and
 * --version itself. The process's exit status; STATUS_FAILED too if standard
 * output could not be written.
 */
int cmd_dispatch(const struct command *table, int argc, char **argv);

/* Print the sentence in @e on standard error; STATUS_USAGE. */
int cmd_refuse(const struct err *e);

/*
 * cmd_plain() - the options of a command that has a few flags, or none
 *
 * 0: go on, bit N of *@given says whether @flags[N] was there (the list ends
 * with NULL); 1: --help was asked for and answered by @help; -EINVAL with a
 * sentence in @e.
 */
int cmd_plain(int argc, char **argv, const char *const *flags, unsigned *given,
	      void (*help)(FILE *), struct err *e);

int cmd_run(int argc, char **argv);
int cmd_caps(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_version(int argc, char **argv);

void help_run(FILE *);
void help_caps(FILE *);
void help_demo(FILE *);
void help_version(FILE *);

/*
 * put_wrapped() - @text broken between words, within 78 columns
 *
 * The first line begins where the caller stands, which is at @column (below
 * 78), and the others below it.
 */
void put_wrapped(FILE *, unsigned column, const char *text);

/*
 * suggest() - the name in @names (NULL-terminated) nearest to @word, if it is
 * near enough to be what was meant; else NULL
 */
const char *suggest(const char *word, const char *const *names);
