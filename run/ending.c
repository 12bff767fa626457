/* SPDX-License-Identifier: MIT */
/* The table of causes, and an ending as JSON and back. */
#include "run/ending.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "run/exit.h"
#include "host/rundir.h"

static const struct {
	const char *name;
	int status;
} causes[] = {
	[CAUSE_FAILED] = { "failed", STATUS_FAILED },
	[CAUSE_POWEROFF] = { "poweroff", STATUS_OFF },
	[CAUSE_QUIT] = { "quit", STATUS_OFF },
	[CAUSE_RESET] = { "reset", STATUS_RESET },
	[CAUSE_PANIC] = { "panic", STATUS_PANIC },
	[CAUSE_KVM] = { "kvm-error", STATUS_KVM },
	[CAUSE_WATCHDOG] = { "watchdog", STATUS_WATCHDOG },
	[CAUSE_STOPPED] = { "stopped", STATUS_STOPPED },
	[CAUSE_TIMEOUT] = { "timeout", STATUS_TIMEOUT },
	[CAUSE_SIGNAL] = { "signal", STATUS_SIGNAL },
	[CAUSE_COMMAND] = { "command", STATUS_OFF },
	[CAUSE_KILLED] = { "killed", STATUS_SIGNAL + SIGKILL },
};
static_assert(sizeof(causes) / sizeof(*causes) == CAUSES,
	      "each cause has a name and a status");

struct ending ending_of(enum cause cause)
{
	return (struct ending){ .cause = cause,
				.status = causes[cause].status };
}

const char *cause_name(enum cause cause)
{
	return causes[cause].name;
}

json_t *ending_json(const struct ending *end)
{
	json_t *o = json_pack("{s:s, s:i}", "cause", cause_name(end->cause),
			      "status", end->status);

	if (end->detail[0])
		json_object_set_new(o, "detail", json_string(end->detail));
	return o;
}

int ending_from(json_t *o, struct ending *end)
{
	const char *name, *detail = "";
	unsigned i;
	int status;

	if (json_unpack(o, "{s:s, s:i, s?s}", "cause", &name, "status", &status,
			"detail", &detail) < 0)
		return -EINVAL;
	for (i = 0; i < CAUSES && strcmp(name, causes[i].name); i++)
		;
	if (i == CAUSES)
		return -EINVAL;
	end->cause = i;
	end->status = status;
	snprintf(end->detail, sizeof(end->detail), "%s", detail);
	return 0;
}

void ending_read(const struct vmref *ref, struct ending *end)
{
	json_t *o = vmref_json(ref, "end.json");

	if (!o || ending_from(o, end) < 0) {
		*end = ending_of(CAUSE_KILLED);
		snprintf(end->detail, sizeof(end->detail),
			 "nestor ended without a word: SIGKILL, no memory, or "
			 "a crash");
	}
	json_decref(o);
}
