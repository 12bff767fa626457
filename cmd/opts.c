/* SPDX-License-Identifier: MIT */
/* What the options of all subcommands but run have in common. */
#include "cmd/opts.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "config/values.h"
#include "core/log.h"

void opts_begin(struct opts *o, const struct command *command, int argc,
		char **argv)
{
	*o = (struct opts){ .command = command,
			    .scan = { .command = command->name,
				      .opts = command->opts,
				      .arg = argv + 1,
				      .end = argv + argc } };
}

int opts_next(struct opts *o, const char **value, struct err *e)
{
	int r = scan_next(&o->scan, e);

	*value = o->scan.value;
	if (r == OPT_HELP) {
		command_help(o->command, stdout);
		return -ECANCELED;
	}
	if (r == OPT_OPERAND && !o->command->operands)
		return err_set(e, -EINVAL,
			       "%s does not take '%s': see 'nestor help %s'",
			       o->command->name, *value, o->command->name);
	return r;
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
