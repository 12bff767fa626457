/* SPDX-License-Identifier: MIT */
/*
 * The options of a subcommand: one table a command, which its parsing, its
 * --help and the shells' completions are made of. `nestor run` has the keys of
 * config/keys.h instead, which can stand in files too.
 */
#pragma once

#include <stdbool.h>

struct command;
struct err;

/* What a value or an operand is, for a shell to complete. */
enum opt_kind { OPT_PLAIN, OPT_FILE, OPT_DIR, OPT_VM };

struct opt {
	int id; /* what opts_next() returns: a letter, above 0 */
	const char *name;
	char letter;	 /* -f, or 0 */
	const char *arg; /* what --help calls the value; NULL: a flag */
	const char *help;
	enum opt_kind kind;
};

/* Rows that many commands have. */
#define OPT_JSON                                                    \
	{                                                           \
		'j', "json", 0, NULL, "print JSON, for programs", 0 \
	}
#define OPT_RUNTIME_DIR                                                       \
	{                                                                     \
		'R', "runtime-dir", 0, "DIR", "where the VMs are registered", \
			OPT_DIR                                               \
	}

/* An operand, in opts_next()'s value. */
#define OPT_OPERAND 0x100

/* How far a command line has been read; opts_begin() fills it. */
struct opts {
	const struct command *command;
	char **arg, **end;
	const char *bundle; /* what is left of -abc */
	bool literal;	    /* behind -- */
};

void opts_begin(struct opts *, const struct command *, int argc, char **argv);

/*
 * opts_next() - the next option's id, with its value (NULL: a flag), or
 * OPT_OPERAND
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
