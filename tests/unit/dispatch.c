/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cmd/cmd.h"
#include "tests/unit/test.h"

/* What a command does that starts something: its child's status is its own. */
static int start_one(int argc, char **argv)
{
	int status;
	pid_t pid = fork();

	(void)argc;
	if (!pid)
		_exit(atoi(argv[1]));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static const struct command starts = {
	.name = "starts",
	.summary = "",
	.operands = "N",
	.run = start_one,
};
static const struct command *const table[] = { &starts, NULL };

TEST(a_caller_that_ignores_its_children_does_not_cost_us_the_status_of_ours)
{
	char *argv[] = { "nestor", "starts", "2", NULL };

	EQ(signal(SIGCHLD, SIG_IGN) == SIG_ERR, false);
	EQ(cmd_dispatch(table, 3, argv), 2);
	argv[2] = "4";
	EQ(cmd_dispatch(table, 3, argv), 4);
}
