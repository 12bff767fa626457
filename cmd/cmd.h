/* SPDX-License-Identifier: MIT */
/*
 * The subcommands, as main.c lists them, and what they share.
 *
 * A command gets its own name in argv[0] and returns an enum status; only
 * commands print to the user and decide how the process ends.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "run/exit.h"

struct err;
struct opt;

/* One subcommand; its file defines it as command_NAME. */
struct command {
	const char *name;
	const char *summary;	/* below 60 characters, for `nestor help` */
	const char *operands;	/* as "NAME..."; NULL: it takes none */
	bool vm;		/* its operands are VMs */
	const struct opt *opts; /* up to an empty row, beside --help */
	int (*run)(int argc, char **argv);
	/* Instead, for one that needs to know all commands. */
	int (*run_with)(const struct command *const *table, int argc,
			char **argv);
	const char *about; /* paragraphs of its help, wrapped there */
	/* Prints all of its help, instead; may be NULL. */
	void (*help)(FILE *);
};

extern const struct command command_run, command_ls, command_stat,
	command_inspect, command_pause, command_resume, command_stop,
	command_wait, command_events, command_console, command_logs,
	command_balloon, command_rm, command_caps, command_demo,
	command_completion, command_version;

/*
 * cmd_dispatch() - run the command that argv[1] names
 *
 * @table ends with NULL. Answers `help [COMMAND]`, --help and
 * --version itself. The process's exit status; STATUS_FAILED too if standard
 * output could not be written.
 */
int cmd_dispatch(const struct command *const *table, int argc, char **argv);

/* What `nestor help COMMAND` says: of its table, if it has no words of its own. */
void command_help(const struct command *, FILE *);

/* Print the sentence in @e on standard error; STATUS_USAGE. */
int cmd_refuse(const struct err *e);

/* The key table, as `nestor help run` shows it. */
void help_run(FILE *);

/*
 * put_wrapped() - @text broken between words, within 78 columns
 *
 * The first line begins where the caller stands, which is at @column (below
 * 78), and the others below it.
 */
void put_wrapped(FILE *, unsigned column, const char *text);
