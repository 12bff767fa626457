/* SPDX-License-Identifier: MIT */
/* What `nestor help run` says: the key table, for people. */
#include <assert.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/keys.h"

#define COLUMN 28 /* where the explanations start */

static const char *const groups[] = {
	[GROUP_BOOT] = "Boot",
	[GROUP_MACHINE] = "Machine",
	[GROUP_NESTED] = "Nested virtualization",
	[GROUP_DEVICES] = "Devices",
	[GROUP_LIFECYCLE] = "Lifecycle",
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
	{ STATUS_RESET, "the guest reset, under --no-reboot" },
	{ STATUS_PANIC, "the guest panicked" },
	{ STATUS_KVM, "KVM reported an internal error" },
	{ STATUS_TIMEOUT, "--timeout expired" },
	{ STATUS_SIGNAL, "plus N: signal N ended nestor" },
};

/* A flag that is on by default is shown by what switches it off. */
static void print_key(const struct key *k, FILE *f)
{
	bool no = !k->arg && k->def && !strcmp(k->def, "on");
	int n;

	n = k->letter ? fprintf(f, "  -%c, ", k->letter) : fprintf(f, "      ");
	n += fprintf(f, "--%s%s", no ? "no-" : "", k->name);
	if (k->bare)
		n += fprintf(f, "[=%s]", k->arg);
	else if (k->arg)
		n += fprintf(f, " %s", k->arg);
	if (n > COLUMN - 2) {
		fputc('\n', f);
		n = 0;
	}
	fprintf(f, "%*s%s", COLUMN - n, "", k->help);
	if (k->arg && k->def)
		fprintf(f, " [%s]", k->def);
	fputc('\n', f);
}

void help_run(FILE *f)
{
	const struct key *k;
	unsigned g, i;

	fputs("Usage: nestor run --kernel FILE [OPTION]...\n"
	      "Boot a virtual machine, and stay until it ends.\n",
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
