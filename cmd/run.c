/* SPDX-License-Identifier: MIT */
/*
 * nestor run: options into a configuration, and that into a VM.
 */
#include "cmd/cmd.h"

#include <signal.h>

#include "config/keys.h"
#include "config/options.h"
#include "core/log.h"
#include "run/run.h"

static int cmd_run(int argc, char **argv)
{
	struct config cfg;
	struct err e = { "" };
	int wish, status = STATUS_OFF;

	/* A limit on the size of files is an error as a full disk is one. */
	signal(SIGXFSZ, SIG_IGN);
	wish = config_parse(argc, argv, &cfg, &e);
	if (wish < 0)
		return cmd_refuse(&e);
	if (wish == CONFIG_HELP) {
		help_run(stdout);
		return STATUS_OFF;
	}
	if (cfg.debug)
		log_level = LOG_DEBUG;
	if (wish == CONFIG_DUMP)
		config_dump(&cfg, stdout);
	else
		status = run_vm(&cfg, &e);
	if (status && e.text[0])
		cmd_refuse(&e);
	config_free(&cfg);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "boot a virtual machine",
	.run = cmd_run,
	.help = help_run,
};
