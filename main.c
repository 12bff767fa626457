/* SPDX-License-Identifier: MIT */
/* nestor: the table of subcommands, and nothing else. */
#include <stddef.h>

#include "cmd/cmd.h"

static const struct command *const commands[] = {
	&command_run,	     &command_ls,      &command_stat,
	&command_inspect,    &command_pause,   &command_resume,
	&command_stop,	     &command_wait,    &command_events,
	&command_console,    &command_logs,    &command_balloon,
	&command_rm,	     &command_caps,    &command_demo,
	&command_completion, &command_version, NULL,
};

int main(int argc, char **argv)
{
	return cmd_dispatch(commands, argc, argv);
}
