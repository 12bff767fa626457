/* SPDX-License-Identifier: MIT */
/*
 * The options of a subcommand: one table a command, which its parsing, its
 * --help and the shells' completions are made of. `nestor run` has the keys of
 * config/keys.h instead, which can stand in files too.
 */
#pragma once

#include "config/scan.h"

struct command;

/* A row; what is behind the help may have fields of its own. */
#define OPT(ID, NAME, LETTER, ARG, ...)                                       \
	{                                                                     \
		.id = (ID), .name = (NAME), .letter = (LETTER), .arg = (ARG), \
		.help = __VA_ARGS__                                           \
	}

/* Rows that many commands have. */
#define OPT_JSON OPT('j', "json", 0, NULL, "print JSON, for programs")
#define OPT_RUNTIME_DIR                                                   \
	OPT('R', "runtime-dir", 0, "DIR", "where the VMs are registered", \
	    .kind = OPT_DIR)

/* A command line that is being read; opts_begin() fills it. */
struct opts {
	const struct command *command;
	struct scan scan;
};

void opts_begin(struct opts *, const struct command *, int argc, char **argv);

/*
 * opts_next() - the next option's id, with its value (of a flag "on"), or
 * OPT_OPERAND with that
 *
 * 0 at the end; -ECANCELED when --help was asked for, which has been printed;
 * -EINVAL with a sentence in @e.
 */
int opts_next(struct opts *, const char **value, struct err *e);

/* The exit status for what opts_next() returned below 0. */
int opts_status(int r, const struct err *e);

/*
 * opts_number() - @value as a whole number of @min to @max
 *
 * -EINVAL with a sentence in @e that names the option --@name.
 */
int opts_number(const char *name, const char *value, unsigned min, unsigned max,
		unsigned *out, struct err *e);
