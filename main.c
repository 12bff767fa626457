/* SPDX-License-Identifier: MIT */
/* nestor: the table of subcommands, and nothing else. */
#include "cmd/cmd.h"

static const struct command commands[] = {
	{ "run", "boot a virtual machine", cmd_run, help_run },
	{ "caps", "say what this host can do, and why not", cmd_caps,
	  help_caps },
	{ "demo", "show nested virtualization, step by step", cmd_demo,
	  help_demo },
	{ "version", "print the version", cmd_version, help_version },
	{ 0 },
};

int main(int argc, char **argv)
{
	return cmd_dispatch(commands, argc, argv);
}
