/* SPDX-License-Identifier: MIT */
/* nestor stat, inspect and events: what a VM is, does, and has to say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "run/ending.h"
#include "cmd/opts.h"
#include "run/stats.h"
#include "core/log.h"

#define WATCH_MAX 86400

struct wish {
	const char *name, *runtime_dir;
	bool json, el2;
	unsigned seconds; /* --watch; 0: once */
};

static int parse(const struct command *self, int argc, char **argv,
		 struct wish *w)
{
	const char *value;
	struct opts o;
	struct err e;
	int r, bad = 0;

	*w = (struct wish){ 0 };
	opts_begin(&o, self, argc, argv);
	while (!bad && (r = opts_next(&o, &value, &e)) > 0) {
		if (r == 'j')
			w->json = true;
		else if (r == 'R')
			w->runtime_dir = value;
		else if (r == 'e')
			w->el2 = true;
		else if (r == 'w')
			bad = opts_number("watch", value, 1, WATCH_MAX,
					  &w->seconds, &e);
		else if (w->name)
			bad = err_set(&e, -EINVAL,
				      "%s takes one name, not '%s' too",
				      self->name, value);
		else
			w->name = value;
	}
	if (!bad && r == 0 && !w->name)
		bad = err_set(&e, -EINVAL,
			      "%s needs the name of a VM: see 'nestor ls'",
			      self->name);
	if (bad)
		return cmd_refuse(&e);
	return r < 0 ? opts_status(r, &e) : -1;
}

static void print_stats(json_t *status, json_t *stats)
{
	const char *name = "", *state = "";
	json_int_t rss = 0;
	double up = 0, cpu = 0;

	json_unpack(status, "{s?s, s?s, s?F}", "name", &name, "state", &state,
		    "uptime", &up);
	json_unpack(stats, "{s?{s?I, s?F}}", "process", "rss", &rss, "cpu",
		    &cpu);
	printf("%s: %s, up %.1f s, %.1f s of CPU, %lld MiB resident\n", name,
	       state, up, cpu, (long long)rss >> 20);
	stats_print(stats, stdout);
}

static int show(struct client *c, const struct wish *w, struct err *e)
{
	json_t *status = NULL, *stats = NULL;
	int r = client_call(c, "status", NULL, CLIENT_PATIENCE, &status, e);

	if (!r)
		r = client_call(c, "stats", json_pack("{s:b}", "el2", w->el2),
				CLIENT_PATIENCE, &stats, e);
	if (!r && w->json) {
		json_object_update(status, stats);
		r = print_json(json_incref(status)) ? -ENOMEM : 0;
	} else if (!r) {
		if (w->seconds && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		print_stats(status, stats);
	}
	json_decref(status);
	json_decref(stats);
	return r;
}

static int cmd_stat(int argc, char **argv)
{
	struct client *c;
	struct wish w;
	struct err e;
	int r = parse(&command_stat, argc, argv, &w);

	if (r >= 0)
		return r;
	r = client_open(w.runtime_dir, w.name, &c, &e);
	if (r < 0)
		return client_status(r, &e);
	r = show(c, &w, &e);
	/* Until the VM ends, which is no mistake. */
	while (r == 0 && w.seconds) {
		fflush(stdout);
		if (ferror(stdout) ||
		    client_await_end(c, w.seconds * 1000) == 0)
			break;
		r = show(c, &w, &e);
		if (r == -ECONNRESET)
			r = 0, w.seconds = 0;
	}
	client_close(c);
	return r < 0 ? client_status(r, &e) : STATUS_OFF;
}

const struct command command_stat = {
	.name = "stat",
	.summary = "show what a VM does: exits, CPU time, memory",
	.operands = "NAME",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('w', "watch", 'w', "SECONDS", "again and again"),
			OPT('e', "el2", 0, NULL,
			    "the EL2 of each vCPU too, which stops them "
			    "shortly"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 },
		},
	.run = cmd_stat,
	.about = "Show what KVM counts of a running VM and its vCPUs, and what "
		 "its process takes.",
};

/* Lines `key = value`, as an object; a key that comes again is a list. */
static json_t *config_json(char *text)
{
	json_t *o = json_object(), *have;
	char *line, *rest = text, *value;

	while ((line = strsep(&rest, "\n"))) {
		value = strstr(line, " = ");
		if (!value)
			continue;
		*value = '\0';
		value += 3;
		have = json_object_get(o, line);
		if (json_is_string(have))
			json_object_set_new(o, line,
					    json_pack("[O, s]", have, value));
		else if (have)
			json_array_append_new(have, json_string(value));
		else
			json_object_set_new(o, line, json_string(value));
	}
	return o;
}

static int inspect(const struct vmref *vm, bool json, struct err *e)
{
	char *text = vmref_text(vm, "config");
	struct ending end;
	json_t *o;
	int r = 0;

	if (!text)
		return err_set(e, -errno,
			       "%s: cannot read its configuration: %s",
			       vm->name, strerror(errno));
	if (json) {
		o = vmref_json(vm, "vm.json");
		if (!o)
			o = json_object();
		if (!vmref_is_alive(vm)) {
			ending_read(vm, &end);
			json_object_update_new(o, ending_json(&end));
		}
		json_object_set_new(o, "config", config_json(text));
		r = print_json(o) ? -ENOMEM : 0;
	} else {
		fputs(text, stdout);
	}
	free(text);
	return r;
}

static int cmd_inspect(int argc, char **argv)
{
	struct vmref vm = { .dir = -1 };
	struct rundir *base;
	struct wish w;
	struct err e;
	int r = parse(&command_inspect, argc, argv, &w);

	if (r >= 0)
		return r;
	r = rundir_open(w.runtime_dir, false, &base, &e);
	if (r < 0)
		return client_status(r, &e);
	r = rundir_find(base, w.name, &vm, &e);
	if (!r)
		r = inspect(&vm, w.json, &e);
	vmref_close(&vm);
	rundir_close(base);
	return r < 0 ? client_status(r, &e) : STATUS_OFF;
}

const struct command command_inspect = {
	.name = "inspect",
	.summary = "print the configuration of a VM, as run --config reads it",
	.operands = "NAME",
	.vm = true,
	.opts = (const struct opt[]){ OPT_JSON, OPT_RUNTIME_DIR, { 0 } },
	.run = cmd_inspect,
	.about = "Print the whole configuration of a VM, dead or alive, as "
		 "nestor run --config reads it.",
};

/* 2026-11-23T10:11:12.345Z paused reason=panic */
static void print_event(json_t *o)
{
	const char *key, *time = "", *event = "";
	json_t *value;

	json_unpack(o, "{s?s, s?s}", "time", &time, "event", &event);
	printf("%s %s", time, event);
	json_object_foreach(o, key, value)
	{
		char *text;

		if (!strcmp(key, "time") || !strcmp(key, "event"))
			continue;
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		printf(" %s=%s", key, text ? text : "");
		free(text);
	}
	putchar('\n');
}

static int cmd_events(int argc, char **argv)
{
	struct client *c;
	struct wish w;
	struct err e;
	json_t *o;
	int r = parse(&command_events, argc, argv, &w);

	if (r >= 0)
		return r;
	r = client_open(w.runtime_dir, w.name, &c, &e);
	if (r < 0)
		return client_status(r, &e);
	r = client_call(c, "events", json_pack("{s:b}", "replay", true),
			CLIENT_PATIENCE, NULL, &e);
	while (r == 0 && (r = client_event(c, -1, &o, &e)) == 0) {
		if (w.json) {
			print_json(o);
		} else {
			print_event(o);
			json_decref(o);
		}
		if (fflush(stdout))
			break;
	}
	client_close(c);
	return r < 0 && r != -ENODATA ? client_status(r, &e) : STATUS_OFF;
}

const struct command command_events = {
	.name = "events",
	.summary = "print what happens to a VM, until it ends",
	.operands = "NAME",
	.vm = true,
	.opts = (const struct opt[]){ OPT_JSON, OPT_RUNTIME_DIR, { 0 } },
	.run = cmd_events,
	.about = "Print the last events of a VM, and those that come, until it "
		 "ends.",
};
