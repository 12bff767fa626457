/* SPDX-License-Identifier: MIT */
/*
 * nestor console: its command line, and the connection.
 */
#include "cmd/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/expect.h"
#include "cmd/opts.h"
#include "core/log.h"
#include "host/tty.h"

#define TIMEOUT_MAX 31536000
#define LINES_MAX   1000000

struct wish {
	struct console console;
	struct step *step;
	unsigned nsteps;
	bool all, leave, json, timed;
	unsigned lines;
};

int console_open(struct console *c, json_t *args, struct err *e)
{
	json_t *answer = NULL;
	json_int_t pos = 0;
	int begins = 0;
	int r = 0;

	client_close(c->raw);
	c->raw = NULL;
	if (!c->control)
		r = client_open(c->runtime_dir, c->name, &c->control, e);
	if (!r)
		r = client_open(c->runtime_dir, c->name, &c->raw, e);
	if (r) {
		json_decref(args);
		return r;
	}
	r = client_call(c->raw, "console", args, CLIENT_PATIENCE, &answer, e);
	if (r)
		return r;
	json_unpack(answer, "{s:I, s:b}", "position", &pos, "line_begins",
		    &begins);
	json_decref(answer);
	c->position = pos;
	c->line_begins = begins;
	return 0;
}

void console_close(struct console *c)
{
	client_close(c->raw);
	client_close(c->control);
}

/* --- the command line --- */

static int compile(struct step *s, struct err *e)
{
	char why[200];
	int r = regcomp(&s->re, s->text, REG_EXTENDED | REG_NEWLINE);

	if (!r)
		return 0;
	regerror(r, &s->re, why, sizeof(why));
	return err_set(e, -EINVAL, "--expect '%s': %s", s->text, why);
}

static int unescape(struct step *s, const char *text, struct err *e)
{
	char *out = malloc(strlen(text) + 1);
	int n = out ? expect_unescape(text, out) : -ENOMEM;

	s->text = out;
	s->len = n > 0 ? n : 0;
	if (n >= 0)
		return 0;
	return err_set(e, -EINVAL,
		       "--send '%s': a \\ is followed by one of n r t a b f v "
		       "e \\ \" ' xHH NNN",
		       text);
}

static int add_step(struct wish *w, int id, const char *value, struct err *e)
{
	struct step *s = &w->step[w->nsteps++];

	*s = (struct step){ .text = value, .is_send = id == 's' };
	return id == 's' ? unescape(s, value, e) : compile(s, e);
}

/* A --timeout is for the step before it, and for those to come. */
static void set_timeout(struct wish *w, unsigned seconds)
{
	if (w->nsteps)
		w->step[w->nsteps - 1].timeout = seconds;
}

static int parse(struct wish *w, int argc, char **argv, struct err *e)
{
	unsigned seconds = 0;
	const char *value;
	struct opts o;
	int r;

	opts_begin(&o, &command_console, argc, argv);
	while ((r = opts_next(&o, &value, e)) > 0) {
		int bad = 0;

		if (r == 'e' || r == 's') {
			bad = add_step(w, r, value, e);
			w->step[w->nsteps - 1].timeout = seconds;
		} else if (r == 't') {
			bad = opts_number("timeout", value, 0, TIMEOUT_MAX,
					  &seconds, e);
			w->timed = true;
			set_timeout(w, seconds);
		} else if (r == 'l' && !strcmp(value, "all")) {
			w->all = true;
		} else if (r == 'l') {
			w->all = false;
			bad = opts_number("scrollback", value, 0, LINES_MAX,
					  &w->lines, e);
		} else if (r == 'n') {
			w->leave = true;
		} else if (r == 'j') {
			w->json = true;
		} else if (r == 'R') {
			w->console.runtime_dir = value;
		} else if (w->console.name) {
			bad = err_set(e, -EINVAL,
				      "console takes one VM, not '%s' too",
				      value);
		} else {
			w->console.name = value;
		}
		if (bad)
			return bad;
	}
	if (!r && !w->console.name)
		return err_set(e, -EINVAL, "console: give the name of a VM");
	if (!r && w->nsteps && (w->all || w->lines || w->leave))
		return err_set(e, -EINVAL,
			       "--%s: is not for --expect and --send",
			       w->leave ? "no-follow" : "scrollback");
	if (!r && (w->json || w->timed) && !w->nsteps)
		return err_set(e, -EINVAL, "--%s: is for --expect",
			       w->json ? "json" : "timeout");
	return r;
}

static int attach(struct wish *w)
{
	json_t *args = json_pack("{s:s, s:b}", "from", w->all ? "start" : "end",
				 "leave", w->leave);
	struct err e;
	int r;

	if (w->lines && !w->all)
		json_object_set_new(args, "lines", json_integer(w->lines));
	r = console_open(&w->console, args, &e);
	return r ? client_status(r, &e) : console_talk(&w->console, w->leave);
}

static int cmd_console(int argc, char **argv)
{
	struct wish w = { .step = calloc(argc, sizeof(struct step)) };
	struct err e;
	unsigned i;
	int r;

	if (!w.step) {
		log_warn("console");
		return STATUS_FAILED;
	}
	tty_fill_standard();
	r = parse(&w, argc, argv, &e);
	if (r)
		return opts_status(r, &e);
	r = w.nsteps ? console_script(&w.console, w.step, w.nsteps, w.json)
		     : attach(&w);
	console_close(&w.console);
	for (i = 0; i < w.nsteps; i++) {
		if (w.step[i].is_send)
			free((char *)w.step[i].text);
		else
			regfree(&w.step[i].re);
	}
	free(w.step);
	return r;
}

const struct command command_console = {
	.name = "console",
	.summary = "read and type at the console of a VM",
	.operands = "NAME",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('e', "expect", 'e', "REGEX",
			    "wait for output that matches"),
			OPT('s', "send", 's', "TEXT",
			    "type this; \\n, \\r, \\e, \\x03 ... are "
			    "understood"),
			OPT('t', "timeout", 't', "SECONDS",
			    "for the --expect before, and all after"),
			OPT('l', "scrollback", 'l', "LINES|all",
			    "begin with the last lines, or all that is kept"),
			OPT('n', "no-follow", 0, NULL,
			    "detach when the input and what is there are done"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 } },
	.run = cmd_console,
	.about = "Show what the guest writes to its console, and send it what "
		 "is typed. On a terminal, Ctrl-a d detaches and Ctrl-a h "
		 "shows more keys; input from a pipe is sent as it is, and its "
		 "end is not the end.\n\n"
		 "With --expect and --send, do these in the order given, "
		 "beginning where the last match of an earlier call ended. The "
		 "exit status is 0 when all has matched, 124 when time was up, "
		 "1 when the VM ended first.",
};
