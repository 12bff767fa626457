/* SPDX-License-Identifier: MIT */
/*
 * The one scanner of command lines: --name VALUE, --name=VALUE, -nVALUE, flags
 * bundled as -abc, --no-name, and "--", behind which all are operands.
 *
 * It goes by a table of options, which --help and the shells' completions are
 * made of too, and knows nothing of what they mean. Every table has --help.
 */
#pragma once

#include <stdbool.h>

struct err;

/* What a value or an operand is, for a shell to complete. */
enum opt_kind { OPT_PLAIN, OPT_FILE, OPT_DIR, OPT_VM };

/* Has a flag a form --no-NAME? SHOWN: and that is the one for people. */
enum opt_no { OPT_NO_NONE, OPT_NO_TOO, OPT_NO_SHOWN };

struct opt {
	int id; /* what scan_next() returns: above 0, below OPT_OPERAND */
	const char *name;
	char letter;	 /* -f, or 0 */
	const char *arg; /* what --help calls the value; NULL: a flag */
	const char *help;
	enum opt_kind kind;
	enum opt_no no;
	const char *bare; /* the value of --name alone: then only --name=VALUE
			     gives another */
	const char *const *words; /* that the value may be, NULL; or NULL */
};

/* What scan_next() returns beside that. */
#define OPT_OPERAND 0x100
#define OPT_HELP    0x101

extern const struct opt opt_help;

/* How far a command line has been read. It owns nothing, and may be copied. */
struct scan {
	const char *command;	/* whose `nestor help` errors refer to */
	const struct opt *opts; /* up to an empty row; or NULL */
	char **arg, **end;	/* what is left */
	const char *bundle;	/* what is left of -abc */
	bool literal;		/* behind "--" */
	/* Of the option or operand that scan_next() returned: */
	const char *value; /* of a flag "on" or "off" */
	char spelled[32];  /* the option, as the user wrote it */
	const struct opt
		*bare; /* the last option, if it had no value but that */
};

/*
 * scan_next() - the next option's id, or OPT_HELP, or OPT_OPERAND
 *
 * 0 at the end; -EINVAL with a sentence in @e.
 */
int scan_next(struct scan *, struct err *e);
