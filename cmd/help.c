/* SPDX-License-Identifier: MIT */
/* What `nestor help COMMAND` says: its options' table, for people. */
#include <assert.h>
#include <string.h>

#include "cmd/cmd.h"
#include "config/keys.h"
#include "config/parts.h"
#include "cmd/opts.h"

#define COLUMN 28 /* where the explanations start */

static const char *const groups[] = {
	[GROUP_BOOT] = "Boot",
	[GROUP_MACHINE] = "Machine",
	[GROUP_NESTED] = "Nested virtualization",
	[GROUP_DEVICES] = "Devices",
	[GROUP_LIFECYCLE] = "Lifecycle",
	[GROUP_COMMAND] = "The command behind '--'",
	[GROUP_CONFIG] = "Configuration",
};
static_assert(sizeof(groups) / sizeof(*groups) == GROUP_COUNT,
	      "each group has a heading");

static const struct {
	enum status status;
	const char *text;
} statuses[] = {
	{ STATUS_OFF, "the guest powered off" },
	{ STATUS_FAILED, "nestor failed" },
	{ STATUS_USAGE, "what was given cannot be used" },
	{ STATUS_RESET, "the guest reset, under --on-reset stop" },
	{ STATUS_PANIC, "the guest panicked" },
	{ STATUS_KVM, "KVM reported an internal error" },
	{ STATUS_WATCHDOG,
	  "the guest's watchdog bit, under --on-watchdog stop" },
	{ STATUS_STOPPED, "nestor stop ended it by force" },
	{ STATUS_TIMEOUT, "--timeout expired" },
	{ STATUS_LOST, "the VM ended without its command's status" },
	{ STATUS_NOEXEC, "the command cannot be executed" },
	{ STATUS_NOFILE, "the command was not found" },
	{ STATUS_SIGNAL, "plus N: signal N ended nestor" },
};

/* A flag that is on by default is shown by what switches it off. */
static void print_option(const struct opt *o, FILE *f)
{
	const char *before = o->bare ? "[=" : o->arg ? " " : "";
	int n = o->letter ? fprintf(f, "  -%c, ", o->letter)
			  : fprintf(f, "      ");

	n += fprintf(f, "--%s%s%s%s%s", o->no == OPT_NO_SHOWN ? "no-" : "",
		     o->name, before, o->arg ? o->arg : "", o->bare ? "]" : "");
	if (n > COLUMN - 2) {
		fputc('\n', f);
		n = 0;
	}
	fprintf(f, "%*s%s", COLUMN - n, "", o->help);
}

/* The parts of an option that need a word. */
static void print_parts(const struct parts *p, FILE *f)
{
	const struct part *row;
	char name[32];

	for (row = p->rows; row->name; row++) {
		if (!row->help)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", row->name,
			 row->arg ? "=" : "", row->arg ? row->arg : "");
		fprintf(f, "          %-*s%s\n", COLUMN - 10, name, row->help);
	}
}

static void print_key(const struct key *k, FILE *f)
{
	const struct opt o = key_opt(k);

	print_option(&o, f);
	if (k->arg && k->def)
		fprintf(f, " [%s]", k->def);
	fputc('\n', f);
	if (k->parts)
		print_parts(k->parts, f);
}

static void print_opts(const struct opt *o, FILE *f)
{
	for (; o && o->name; o++) {
		print_option(o, f);
		fputc('\n', f);
	}
}

void command_help(const struct command *c, FILE *f)
{
	if (c->help) {
		c->help(f);
		return;
	}
	fprintf(f, "Usage: nestor %s%s%s%s\n", c->name,
		c->opts ? " [OPTION]..." : "", c->operands ? " " : "",
		c->operands ? c->operands : "");
	put_wrapped(f, 0, c->about);
	if (c->opts)
		fputc('\n', f);
	print_opts(c->opts, f);
}

void help_run(FILE *f)
{
	const struct key *k;
	unsigned g, i;

	fputs("Usage: nestor run --kernel FILE [OPTION]... [-- COMMAND "
	      "[ARG]...]\n"
	      "Boot a virtual machine, and stay until it ends; or run COMMAND\n"
	      "in one, and exit with its status.\n",
	      f);
	for (g = 0; g < GROUP_COUNT; g++) {
		fprintf(f, "\n%s:\n", groups[g]);
		for (k = keys; k < keys + nkeys; k++) {
			if (k->group == g)
				print_key(k, f);
		}
	}
	fputs("\nEvery flag has both forms: --rng and --no-rng.\n"
	      "On the terminal, Ctrl-a x quits and Ctrl-a h shows more keys.\n"
	      "\nExample:\n"
	      "  nestor run -k Image -i initrd.gz -c 2 -m 1G -d root.img \\\n"
	      "      -n tap -p 'root=/dev/vda quiet'\n"
	      "\nExit status:\n",
	      f);
	for (i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		fprintf(f, "  %3d  %s\n", statuses[i].status, statuses[i].text);
}
