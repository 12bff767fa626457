/* SPDX-License-Identifier: MIT */
/*
 * The one table of configuration keys.
 *
 * A key is an option of `nestor run` (--cpus 4) and a line of a configuration
 * file (cpus = 4) alike. The table generates the parsing of both, --help,
 * --dump-config and the list that the manual is checked against; to add a key
 * is to add a row.
 *
 * A key without an argument is a flag: --rng and --no-rng, `rng = on` and
 * `rng = off`.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "config/scan.h"
#include "core/config.h"

struct err;
struct parts;
struct value_type;

/* As --help groups them. */
enum key_group {
	GROUP_BOOT,
	GROUP_MACHINE,
	GROUP_NESTED,
	GROUP_DEVICES,
	GROUP_LIFECYCLE,
	GROUP_COMMAND,
	GROUP_CONFIG,
	GROUP_COUNT
};

/*
 * What giving it does; all but KEY_SETS belong on the command line only.
 * KEY_RUNS says how to run the VM, not what it is.
 */
enum key_role { KEY_SETS, KEY_RUNS, KEY_READS_FILE, KEY_DUMPS, KEY_HELPS };

struct key {
	const char *name;
	char letter; /* -k, or 0 */
	enum key_group group;
	enum key_role role;
	const char *arg;  /* what --help calls the value; NULL: a flag */
	const char *def;  /* as it would stand in a file; NULL: unset */
	const char *help; /* of the form that --help shows */
	const struct value_type *type; /* for KEY_SETS and KEY_RUNS */
	size_t field;		       /* the type's field in struct config, */
	bool list;		       /* or a struct strlist of them */
	const struct parts *parts;     /* instead of that */
	unsigned min, max;	       /* for numbers */
	/* By the enum's value, or for a path, words that are none; then NULL. */
	const char *const *choices;
	const char *bare; /* the value of --name alone: then only --name=VALUE
			     gives another */
};

#define KEYS_MAX 80

extern const struct key keys[];
extern const unsigned nkeys; /* below KEYS_MAX */

/* That of @len bytes of @name, or NULL. */
const struct key *key_find(const char *name, size_t len);

/* What was probably meant, or NULL. */
const char *key_suggest(const char *name);

/* It as an option of a command line, whose id is its number here from 1 on. */
struct opt key_opt(const struct key *);

/*
 * key_set() - give a key a value: a list grows, anything else is replaced
 *
 * A relative path in @value is taken from the directory @dir (NULL: the
 * current one). -errno with the reason in @why, which names neither the key nor
 * the value.
 */
int key_set(const struct key *, struct config *, const char *value,
	    const char *dir, struct err *why);

/*
 * text_check() - may @text stand on a line of a configuration file?
 *
 * -EINVAL with the reason in @why if there is a control character in it.
 */
int text_check(const char *text, struct err *why);

/* Lines `key = value` that key_set() takes back; none if it is unset. */
void key_dump(const struct key *, const struct config *, FILE *);

/* Every default. -ENOMEM with @e. */
int config_init(struct config *, struct err *e);

/* Frees what is in it, leaves it empty. */
void config_free(struct config *);

/*
 * config_check() - do the values go together?
 *
 * -EINVAL with a sentence in @e.
 */
int config_check(const struct config *, struct err *e);

/*
 * config_dump() - write it as a configuration file that reads back the same
 *
 * Paths become absolute, so that the file may be kept anywhere.
 */
void config_dump(const struct config *, FILE *);
