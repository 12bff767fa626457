/* SPDX-License-Identifier: MIT */
/*
 * nestor wait: until a VM has ended, or has come into a state; then its status
 * is ours.
 *
 * A VM tells its end by an event. One that was killed tells nothing: its
 * connection ends, its lock is released, and the directory says the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "run/ending.h"
#include "cmd/opts.h"
#include "core/log.h"
#include "core/timer.h"

#define TIMEOUT_MAX 31536000

enum { FOR_END, FOR_READY, FOR_RUNNING, FOR_PAUSED };
static const char *const states[] = { "ended", "ready", "running", "paused",
				      NULL };

struct wait {
	const char *name, *runtime_dir;
	bool json;
	int state;
	unsigned seconds; /* 0: for ever */
	int64_t begin;	  /* mono_ms() */
};

/* Milliseconds that are left; -1: no end. */
static int left(const struct wait *w)
{
	int64_t ms;

	if (!w->seconds)
		return -1;
	ms = w->begin + w->seconds * 1000ll - mono_ms();
	return ms < 0 ? 0 : ms > 1000000000 ? 1000000000 : (int)ms;
}

static int report(const struct wait *w, const char *name,
		  const struct ending *end)
{
	json_t *o;

	if (w->json) {
		o = json_pack("{s:s, s:s}", "name", name, "state", "ended");
		json_object_update_new(o, ending_json(end));
		print_json(o);
	}
	if (w->state == FOR_END)
		return end->status;
	log_warnx("%s has ended (%s) before it was %s", name,
		  cause_name(end->cause), states[w->state]);
	return STATUS_FAILED;
}

static int report_state(const struct wait *w, const char *name)
{
	if (w->json)
		print_json(json_pack("{s:s, s:s}", "name", name, "state",
				     states[w->state]));
	return STATUS_OFF;
}

/* Is that the state, or the event of coming into it? */
static bool is_it(const struct wait *w, const char *word)
{
	switch (w->state) {
	case FOR_READY:
		/* Or it was, and has gone on. */
		return !strcmp(word, "ready") || !strcmp(word, "running") ||
		       !strcmp(word, "paused");
	case FOR_RUNNING:
		return !strcmp(word, "running") || !strcmp(word, "resumed");
	case FOR_PAUSED:
		return !strcmp(word, "paused");
	default:
		return false;
	}
}

/* Reads events up to the one that is waited for; the exit status, or -errno. */
static int follow(const struct wait *w, struct client *c, struct err *e)
{
	const struct vmref *vm = client_vm(c);
	const char *word = "";
	struct ending end;
	json_t *o;
	int r;

	r = client_call(c, "events", NULL, left(w), &o, e);
	while (r == 0) {
		word = "";
		json_unpack(o, "{s?s, s?s}", "state", &word, "event", &word);
		if (is_it(w, word)) {
			json_decref(o);
			return report_state(w, vm->name);
		}
		if (!strcmp(word, "ended") && ending_from(o, &end) == 0) {
			json_decref(o);
			/* When we return, it is gone. */
			vmref_await(vm);
			return report(w, vm->name, &end);
		}
		json_decref(o);
		r = client_event(c, left(w), &o, e);
	}
	if (r != -ENODATA && r != -ECONNRESET)
		return r;
	vmref_await(vm);
	ending_read(vm, &end);
	return report(w, vm->name, &end);
}

/* One that has ended before we came. */
static int look(const struct wait *w, struct err *e)
{
	struct vmref vm = { .dir = -1 };
	struct rundir *base;
	struct ending end;
	int r = rundir_open(w->runtime_dir, false, &base, e);

	if (r < 0)
		return r;
	r = rundir_find(base, w->name, &vm, e);
	if (r == 0) {
		ending_read(&vm, &end);
		r = report(w, vm.name, &end);
	}
	vmref_close(&vm);
	rundir_close(base);
	return r;
}

static int wait_for(const struct wait *w)
{
	struct client *c;
	struct err e;
	int r = client_open(w->runtime_dir, w->name, &c, &e);

	if (r == -ESRCH) {
		r = look(w, &e);
	} else if (r == 0) {
		r = follow(w, c, &e);
		client_close(c);
	}
	if (r >= 0)
		return r;
	if (r == -ETIMEDOUT) {
		log_warnx("%s is not %s after %u seconds", w->name,
			  states[w->state], w->seconds);
		return STATUS_TIMEOUT;
	}
	return client_status(r, &e);
}

static int set_state(struct wait *w, const char *value, struct err *e)
{
	for (w->state = 0; states[w->state]; w->state++)
		if (!strcmp(states[w->state], value))
			return 0;
	return err_set(e, -EINVAL,
		       "--for %s: give ended, ready, running or paused",
		       *value ? value : "''");
}

static int cmd_wait(int argc, char **argv)
{
	struct wait w = { .begin = mono_ms() };
	const char *value;
	struct opts o;
	struct err e;
	int r, bad = 0;

	opts_begin(&o, &command_wait, argc, argv);
	while (!bad && (r = opts_next(&o, &value, &e)) > 0) {
		if (r == 'j')
			w.json = true;
		else if (r == 'R')
			w.runtime_dir = value;
		else if (r == 'f')
			bad = set_state(&w, value, &e);
		else if (r == 't')
			bad = opts_number("timeout", value, 0, TIMEOUT_MAX,
					  &w.seconds, &e);
		else if (w.name)
			bad = err_set(&e, -EINVAL,
				      "wait takes one name, not '%s' too",
				      value);
		else
			w.name = value;
	}
	if (bad)
		return cmd_refuse(&e);
	if (r < 0)
		return opts_status(r, &e);
	if (!w.name) {
		err_set(&e, 0, "wait needs the name of a VM: see 'nestor ls'");
		return cmd_refuse(&e);
	}
	return wait_for(&w);
}

const struct command command_wait = {
	.name = "wait",
	.summary = "wait for the end of a VM, and end with its status",
	.operands = "NAME",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('f', "for", 0, "STATE",
			    "ended, ready, running or paused [ended]"),
			OPT('t', "timeout", 't', "SECONDS",
			    "then give up, with status 124; 0: never [0]"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 },
		},
	.run = cmd_wait,
	.about = "Wait until a VM has ended, and end with its exit status; or "
		 "until it is in another state, and end with 0. The VM may "
		 "have ended before.",
};
