/* SPDX-License-Identifier: MIT */
/*
 * What happens to a VM, told to the service manager: a unit of Type=notify has
 * started when the guest runs, and systemctl status says what it does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/run_impl.h"
#include "core/log.h"
#include "host/notify.h"

static const struct {
	const char *event, *status;
} statuses[] = {
	{ "paused", "Paused" },
	{ "resumed", "The guest runs" },
	{ "restarted", "The guest runs, after a restart" },
	{ "stopping", "The guest has been asked to power off" },
};

static int ended(int manager, json_t *end)
{
	const char *cause = "", *detail = NULL;

	json_unpack(end, "{s?s, s?s}", "cause", &cause, "detail", &detail);
	return notify_send(manager, "STOPPING=1\nSTATUS=Ended: %s%s%s\n", cause,
			   detail ? ", " : "", detail ? detail : "");
}

static void complain(int r)
{
	if (r < 0)
		log_warnx("telling the service manager: %s", strerror(-r));
}

void run_notify_open(struct run *r)
{
	complain(notify_open(&r->manager));
}

void run_notify(struct run *run, const char *event, json_t *data)
{
	const int manager = run->manager;
	unsigned i;
	int r = 0;

	if (!strcmp(event, "running"))
		r = notify_send(manager,
				"READY=1\nMAINPID=%d\nSTATUS=The guest runs\n",
				getpid());
	else if (!strcmp(event, "ended"))
		r = ended(manager, data);
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (!strcmp(event, statuses[i].event))
			r = notify_send(manager, "STATUS=%s\n",
					statuses[i].status);
	complain(r);
}
