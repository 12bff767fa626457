/* SPDX-License-Identifier: MIT */
/*
 * From a command line and configuration files to a struct config.
 *
 * Files are read first, in the order given, then options apply: an option
 * wins over a file, and adds to a list that a file began.
 */
#pragma once

#include <stddef.h>

#include "core/config.h"

struct err;

/* What the user wants done with the configuration. */
enum config_wish {
	CONFIG_RUN = 0,
	CONFIG_HELP, /* print the help; the config is empty */
	CONFIG_DUMP, /* print it with config_dump() */
};

/*
 * config_parse() - the command line of `nestor run`; argv[0] is skipped
 *
 * An enum config_wish, and then @c is the caller's to config_free(); or -errno
 * with a sentence in @e, and @c is empty.
 */
int config_parse(int argc, char **argv, struct config *c, struct err *e);

/*
 * config_parse_text() - a configuration file's contents
 *
 * @text is @len bytes, not terminated, and @name is what errors call it; its
 * directory is where relative paths start. -errno with a sentence in @e;
 * lines before the bad one have taken effect.
 */
int config_parse_text(const char *name, const char *text, size_t len,
		      struct config *c, struct err *e);
