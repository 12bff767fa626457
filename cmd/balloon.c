/* SPDX-License-Identifier: MIT */
/* nestor balloon: how much of its memory a guest keeps. */
#include <errno.h>
#include <stdio.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "config/keys.h"
#include "cmd/opts.h"
#include "core/log.h"

struct wish {
	const char *name, *size, *runtime_dir;
	bool json;
};

static int parse(int argc, char **argv, struct wish *w)
{
	const char *value;
	struct opts o;
	struct err e;
	int r, bad = 0;

	opts_begin(&o, &command_balloon, argc, argv);
	while (!bad && (r = opts_next(&o, &value, &e)) > 0) {
		if (r == 'j')
			w->json = true;
		else if (r == 'R')
			w->runtime_dir = value;
		else if (!w->name)
			w->name = value;
		else if (!w->size)
			w->size = value;
		else
			bad = err_set(&e, -EINVAL,
				      "balloon takes one name and one size, "
				      "not '%s' too",
				      value);
	}
	if (!bad && r == 0 && !w->name)
		bad = err_set(&e, -EINVAL,
			      "balloon needs the name of a VM: see 'nestor "
			      "ls'");
	if (bad)
		return cmd_refuse(&e);
	return r < 0 ? opts_status(r, &e) : -1;
}

/* A size as run --memory reads it. */
static int args_of(const struct wish *w, json_t **args, struct err *e)
{
	struct config c = { 0 };
	struct err why;
	int r;

	*args = NULL;
	if (!w->size)
		return 0;
	r = key_set(key_find("memory", 6), &c, w->size, NULL, &why);
	if (r < 0)
		return err_set(e, r, "balloon %s %s: %s", w->name, w->size,
			       why.text);
	*args = json_pack("{s:I}", "size", (json_int_t)c.memory);
	return 0;
}

static double mib(json_int_t bytes)
{
	return bytes / 1048576.0;
}

static void print(const char *name, json_t *o)
{
	json_int_t memory = 0, size = 0, target = 0, freed = 0;
	json_t *guest = NULL, *value;
	const char *key;

	json_unpack(o, "{s?I, s?I, s?I, s?I, s?o}", "memory", &memory, "size",
		    &size, "target", &target, "freed", &freed, "guest", &guest);
	printf("%s: the guest keeps %.0f of %.0f MiB", name, mib(size),
	       mib(memory));
	if (size != target)
		printf(", and is to keep %.0f MiB", mib(target));
	printf("; %.0f MiB were given back so far\n", mib(freed));
	if (!guest)
		printf("It gives no statistics now.\n");
	json_object_foreach(guest, key, value)
	{
		printf("%-20s %20lld\n", key,
		       (long long)json_integer_value(value));
	}
}

static int cmd_balloon(int argc, char **argv)
{
	struct wish w = { 0 };
	struct client *c;
	json_t *args, *result;
	struct err e;
	int r = parse(argc, argv, &w);

	if (r >= 0)
		return r;
	if (args_of(&w, &args, &e) < 0)
		return cmd_refuse(&e);
	r = client_open(w.runtime_dir, w.name, &c, &e);
	if (r < 0) {
		json_decref(args);
		return client_status(r, &e);
	}
	r = client_call(c, "balloon", args, CLIENT_PATIENCE, &result, &e);
	client_close(c);
	if (r < 0)
		return client_status(r, &e);
	if (w.json)
		return print_json(result);
	print(w.name, result);
	json_decref(result);
	return STATUS_OFF;
}

const struct command command_balloon = {
	.name = "balloon",
	.summary = "set or show how much memory a VM keeps",
	.operands = "NAME [SIZE]",
	.vm = true,
	.opts = (const struct opt[]){ OPT_JSON, OPT_RUNTIME_DIR, { 0 } },
	.run = cmd_balloon,
	.about = "Have the guest of a VM that was started with --balloon keep "
		 "SIZE of its memory, as 512M or 2G, and give the rest to the "
		 "host; without SIZE, show what it keeps, and what it says of "
		 "its memory. Returns at once: the guest gives as fast as it "
		 "can, and what it needs itself not at all.",
};
