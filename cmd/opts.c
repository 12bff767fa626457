/* SPDX-License-Identifier: MIT */
/*
 * The option scanner of all subcommands but run: --name, --name=value, bundled
 * letters, and --.
 */
#include "cmd/opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config/suggest.h"
#include "config/values.h"
#include "core/log.h"

#define OPTS_MAX 24

void opts_begin(struct opts *o, const struct command *command, int argc,
		char **argv)
{
	*o = (struct opts){ .command = command,
			    .arg = argv + 1,
			    .end = argv + argc };
}

static int unknown(const struct opts *o, const char *arg, size_t len,
		   struct err *e)
{
	const char *names[OPTS_MAX + 1], *near;
	const struct opt *row;
	char word[64];
	unsigned n = 0;

	for (row = o->command->opts; row && row->name && n < OPTS_MAX; row++)
		names[n++] = row->name;
	names[n] = NULL;
	snprintf(word, sizeof(word), "%.*s", (int)len - 2, arg + 2);
	near = suggest(word, names);
	if (near)
		return err_set(e, -EINVAL,
			       "unknown option %s: did you mean --%s?", arg,
			       near);
	return err_set(e, -EINVAL,
		       "%s does not take '%s': see 'nestor help %s'",
		       o->command->name, arg, o->command->name);
}

static int help_asked(struct opts *o)
{
	command_help(o->command, stdout);
	return -ECANCELED;
}

/* @rest is the value if it came in the same argument. */
static int take(struct opts *o, const struct opt *row, const char *rest,
		const char **value, struct err *e)
{
	if (!row->arg && rest)
		return err_set(e, -EINVAL, "--%s takes no value", row->name);
	if (row->arg && !rest && o->arg == o->end)
		return err_set(e, -EINVAL, "--%s needs a value: --%s %s",
			       row->name, row->name, row->arg);
	*value = !row->arg ? NULL : rest ? rest : *o->arg++;
	return row->id;
}

static int long_option(struct opts *o, const char *arg, const char **value,
		       struct err *e)
{
	size_t len = strcspn(arg, "=");
	const char *rest = arg[len] ? arg + len + 1 : NULL;
	const struct opt *row = o->command->opts;

	if (!strcmp(arg, "--help"))
		return help_asked(o);
	for (; row && row->name; row++)
		if (strlen(row->name) == len - 2 &&
		    !memcmp(row->name, arg + 2, len - 2))
			return take(o, row, rest, value, e);
	return unknown(o, arg, len, e);
}

static int short_option(struct opts *o, const char **value, struct err *e)
{
	const char letter[] = { '-', *o->bundle++, '\0' };
	const char *rest = *o->bundle ? o->bundle : NULL;
	const struct opt *row = o->command->opts;

	o->bundle = rest;
	if (letter[1] == 'h')
		return help_asked(o);
	for (; row && row->name; row++) {
		if (row->letter != letter[1])
			continue;
		if (!row->arg)
			return take(o, row, NULL, value, e);
		o->bundle = NULL;
		return take(o, row, rest, value, e);
	}
	return err_set(e, -EINVAL,
		       "%s does not take '%s': see 'nestor help %s'",
		       o->command->name, letter, o->command->name);
}

int opts_next(struct opts *o, const char **value, struct err *e)
{
	const char *arg;

	*value = NULL;
	if (o->bundle)
		return short_option(o, value, e);
	if (o->arg == o->end)
		return 0;
	arg = *o->arg++;
	if (!o->literal && !strcmp(arg, "--")) {
		o->literal = true;
		return opts_next(o, value, e);
	}
	if (!o->literal && arg[0] == '-' && arg[1] == '-')
		return long_option(o, arg, value, e);
	if (!o->literal && arg[0] == '-' && arg[1]) {
		o->bundle = arg + 1;
		return short_option(o, value, e);
	}
	if (!o->command->operands)
		return err_set(e, -EINVAL,
			       "%s does not take '%s': see 'nestor help %s'",
			       o->command->name, arg, o->command->name);
	*value = arg;
	return OPT_OPERAND;
}

int opts_status(int r, const struct err *e)
{
	return r == -ECANCELED ? STATUS_OFF : cmd_refuse(e);
}

int opts_number(const char *name, const char *value, unsigned min, unsigned max,
		unsigned *out, struct err *e)
{
	unsigned long long n;
	const char *end;

	if (digits_parse(value, &n, &end) || *end || n < min || n > max)
		return err_set(e, -EINVAL,
			       "--%s %s: give a whole number from %u to %u",
			       name, *value ? value : "''", min, max);
	*out = n;
	return 0;
}
