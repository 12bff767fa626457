/* SPDX-License-Identifier: MIT */
/* From argv to a subcommand, and the help that spans them. */
#include "cmd/cmd.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "config/suggest.h"
#include "core/log.h"
#include "run/version.h"

static void help_short(const struct command *const *table, FILE *f)
{
	fputs("Usage: nestor COMMAND [OPTION]...\n"
	      "Run virtual machines on ARM64 Linux with KVM.\n\n",
	      f);
	for (; *table; table++)
		fprintf(f, "  %-10s %s\n", (*table)->name, (*table)->summary);
	fprintf(f, "  %-10s %s\n", "help", "explain a command");
	fputs("\nExample: nestor run --kernel Image --memory 1G\n"
	      "'nestor help COMMAND' says more, nestor(1) says all.\n",
	      f);
}

static const struct command *find(const struct command *const *table,
				  const char *name)
{
	for (; *table; table++) {
		if (!strcmp((*table)->name, name))
			return *table;
	}
	return NULL;
}

static int unknown(const struct command *const *table, const char *name)
{
	struct suggestion near = { .word = name };
	struct err e;

	for (; *table; table++)
		suggest(&near, (*table)->name);
	suggest(&near, "help");
	if (near.name)
		err_set(&e, 0, "unknown command '%s': did you mean '%s'?", name,
			near.name);
	else
		err_set(&e, 0, "unknown command '%s': see 'nestor help'", name);
	return cmd_refuse(&e);
}

static int help(const struct command *const *table, int argc, char **argv)
{
	const struct command *c;
	struct err e;

	if (argc > 2) {
		err_set(&e, 0, "help explains one command at a time, not '%s'",
			argv[2]);
		return cmd_refuse(&e);
	}
	if (argc < 2 || !strcmp(argv[1], "help")) {
		help_short(table, stdout);
		return STATUS_OFF;
	}
	c = find(table, argv[1]);
	if (!c)
		return unknown(table, argv[1]);
	command_help(c, stdout);
	return STATUS_OFF;
}

static int dispatch(const struct command *const *table, int argc, char **argv)
{
	const struct command *c;
	struct err e;

	if (argc < 2) {
		help_short(table, stderr);
		return STATUS_USAGE;
	}
	if (!strcmp(argv[1], "help"))
		return help(table, argc - 1, argv + 1);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(table, 1, argv);
	if (!strcmp(argv[1], "--version")) {
		puts("nestor " NESTOR_VERSION);
		return STATUS_OFF;
	}
	c = find(table, argv[1]);
	if (c)
		return c->run ? c->run(argc - 1, argv + 1)
			      : c->run_with(table, argc - 1, argv + 1);
	if (argv[1][0] != '-')
		return unknown(table, argv[1]);
	err_set(&e, 0,
		"option %s comes before any command: try 'nestor run %s'",
		argv[1], argv[1]);
	return cmd_refuse(&e);
}

int cmd_dispatch(const struct command *const *table, int argc, char **argv)
{
	int status;

	/*
	 * If our parent left it ignored, our children's statuses would be lost.
	 */
	signal(SIGCHLD, SIG_DFL);
	status = dispatch(table, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		log_warn("cannot write to standard output");
		if (status == STATUS_OFF)
			status = STATUS_FAILED;
	}
	return status;
}

int cmd_refuse(const struct err *e)
{
	log_errorx("%s", e->text);
	return STATUS_USAGE;
}
