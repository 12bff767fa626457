/* SPDX-License-Identifier: MIT */
/*
 * A command's guest, from nestor's side: the configuration that it needs, what
 * the relay (run/relay.h) reports of it, its signals, and how its end becomes
 * nestor's.
 */
#include "run/run_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/capture.h"
#include "run/command_files.h"
#include "run/ending.h"
#include "run/exit.h"
#include "run/relay.h"
#include "config/values.h"
#include "core/log.h"
#include "core/remedy.h"
#include "core/timer.h"
#include "host/chardev.h"

/* The same signal, twice within so long, is meant for nestor. */
#define IMPATIENCE_MS 1000
/* ... but within so long, two count as one: timeout(1) sends its own twice. */
#define TWIN_MS 50
/* A first process that plays no games sends fewer. */
#define NOTICES 16

struct guest_command {
	const struct config *cfg;
	const char *name; /* as the user wrote it */
	int channel;	  /* before command_open() */
	struct relay *relay;
	struct capture *capture;
	void (*finish)(void *ctx, const struct ending *);
	void *ctx;
	bool started; /* the program runs */
	bool ended;   /* finish() has been called with its end */
	bool ending;  /* the machine has ended */
	unsigned notices;
	struct log_limit more_notices;
	unsigned last_signal;
	int64_t last_time; /* mono_ms() */
};

/* --- making it --- */

static int no_memory(struct err *e)
{
	err_no_memory(e);
	return STATUS_LOST;
}

/*
 * Quiet, for what the kernel says only matters if it fails; and a kernel that
 * panics shall not wait for somebody who looks at it.
 */
static int add_params(struct config *cfg)
{
	char *all;

	if (asprintf(&all,
		     "quiet console=%s panic=-1 rdinit=" COMMAND_INIT "%s%s",
		     cfg->console == CONSOLE_SERIAL ? "ttyAMA0" : "hvc0",
		     cfg->params ? " " : "",
		     cfg->params ? cfg->params : "") < 0)
		return -ENOMEM;
	free(cfg->params);
	cfg->params = all;
	return 0;
}

static int add_port(struct config *cfg, int fd)
{
	struct port_config *ports =
		reallocarray(cfg->ports, cfg->nports + 1, sizeof(*ports));
	struct port_config *p;

	if (!ports)
		return -ENOMEM;
	cfg->ports = ports;
	p = &ports[cfg->nports];
	p->name = strdup(FRAME_PORT);
	if (asprintf(&p->backend, "fd:%d", fd) < 0)
		p->backend = NULL;
	if (p->name && p->backend) {
		cfg->nports++;
		return 0;
	}
	free(p->name);
	free(p->backend);
	return -ENOMEM;
}

static int add_initramfs(struct config *cfg, struct err *e)
{
	char port[32], *path;
	int fd;

	/* The console is the first port of the first device. */
	snprintf(port, sizeof(port), "/dev/vport0p%u", cfg->nports + 1);
	fd = command_pack(cfg, port, e);
	if (fd < 0)
		return -fd;
	if (asprintf(&path, "/proc/self/fd/%d", fd) < 0)
		path = NULL;
	return strlist_add(&cfg->initrds, path) ? no_memory(e) : 0;
}

int command_new(struct config *cfg, struct guest_command **out, struct err *e)
{
	struct guest_command *c;
	int fds[2], status = add_initramfs(cfg, e);

	if (status)
		return status;
	c = calloc(1, sizeof(*c));
	if (!c)
		return no_memory(e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		err_host(e, -errno, "a channel to the guest");
		free(c);
		return STATUS_LOST;
	}
	c->cfg = cfg;
	c->name = cfg->command.argv.s[0];
	c->channel = fds[0];
	cfg->on_reset = cfg->on_panic = POLICY_STOP;
	if (add_port(cfg, fds[1]) || add_params(cfg)) {
		command_free(c);
		return no_memory(e);
	}
	*out = c;
	return 0;
}

void command_free(struct guest_command *c)
{
	if (!c)
		return;
	relay_free(c->relay);
	capture_free(c->capture);
	if (c->channel >= 0)
		close(c->channel);
	free(c);
}

/* --- its end --- */

static void finish(struct guest_command *c, int status, const char *detail)
{
	struct ending end = ending_of(CAUSE_COMMAND);

	end.status = status;
	snprintf(end.detail, sizeof(end.detail), "%.*s",
		 (int)sizeof(end.detail) - 1, detail);
	c->finish(c->ctx, &end);
}

/* It cannot be told how the command would have ended. */
static void explain(struct guest_command *c, const char *why)
{
	capture_print(c->capture);
	log_warnx("%s: %s", c->name, why);
}

static void on_started(void *ctx)
{
	struct guest_command *c = ctx;

	c->started = true;
}

/* The first ones are all logged, the others at a limited rate. */
static void on_notice(void *ctx, const char *text)
{
	struct guest_command *c = ctx;

	if (c->notices < NOTICES) {
		c->notices++;
		log_warnx("in the guest: %s", text);
	} else {
		log_guest(&c->more_notices, "in the guest: %s", text);
	}
}

static void on_broken(void *ctx, const char *why)
{
	struct guest_command *c = ctx;

	/* What ends the machine cuts the channel. */
	if (c->ending)
		return;
	explain(c, why);
	finish(c, STATUS_LOST, why);
}

static void on_ended(void *ctx, enum frame_end how, unsigned number,
		     const char *text)
{
	struct guest_command *c = ctx;
	char detail[400];
	const char *why;

	c->ended = true;
	switch (how) {
	case FRAME_EXITED:
		finish(c, number, "");
		return;
	case FRAME_KILLED:
		snprintf(detail, sizeof(detail), "signal %u ended it", number);
		finish(c, STATUS_SIGNAL + number, detail);
		return;
	case FRAME_NOT_RUN:
		why = number == ENOENT ? "not found" : strerror(number);
		log_warnx("%s: %s", c->name, why);
		finish(c, number == ENOENT ? STATUS_NOFILE : STATUS_NOEXEC,
		       why);
		return;
	case FRAME_NO_ROOT:
		snprintf(detail, sizeof(detail), "the guest has not %s: %s",
			 text, strerror(number));
		explain(c, detail);
		finish(c, STATUS_LOST, detail);
	}
}

static const char *sentence_of(enum cause cause)
{
	switch (cause) {
	case CAUSE_POWEROFF:
		return "the guest powered off before the command had ended";
	case CAUSE_RESET:
		return "the guest reset before the command had ended";
	case CAUSE_PANIC:
		return "the guest's kernel panicked";
	case CAUSE_KVM:
		return "KVM reported an internal error";
	case CAUSE_WATCHDOG:
		return "the guest did not serve its watchdog";
	case CAUSE_STOPPED:
		return "nestor stop ended the guest";
	default:
		return "nestor failed";
	}
}

bool command_ends(struct guest_command *c, struct ending *end)
{
	switch (end->cause) {
	case CAUSE_COMMAND:
	case CAUSE_TIMEOUT:
	case CAUSE_SIGNAL:
		return true;
	default:
		break;
	}
	if (c->ended)
		return false;
	c->ending = true;
	if (relay_drain(c->relay))
		return false;
	explain(c, end->cause == CAUSE_FAILED && end->detail[0]
			   ? end->detail
			   : sentence_of(end->cause));
	end->status = STATUS_LOST;
	return true;
}

/* --- its life --- */

struct chardev *command_open(struct guest_command *c, struct loop *loop,
			     void (*fn)(void *ctx, const struct ending *),
			     void *ctx, struct err *e)
{
	struct chardev *console;
	const struct relay_host host = {
		.started = on_started,
		.notice = on_notice,
		.ended = on_ended,
		.broken = on_broken,
		.ctx = c,
	};

	c->finish = fn;
	c->ctx = ctx;
	c->capture = capture_new(loop, c->cfg->debug, &console, e);
	if (!c->capture)
		return NULL;
	c->relay = relay_new(loop, c->channel, NULL, &host);
	if (!c->relay) {
		err_host(e, -errno, "the channel to the guest");
		chardev_close(console);
		return NULL;
	}
	c->channel = -1;
	return console;
}

bool command_signal(struct guest_command *c, unsigned number)
{
	bool ends = number != SIGUSR1 && number != SIGUSR2;
	const int64_t now = mono_ms();
	int64_t ms = number == c->last_signal ? now - c->last_time : INT64_MAX;

	/* The program does not run yet. */
	if (!c->started)
		return false;
	if (ends && ms < TWIN_MS)
		return true;
	/* The first did not end it. */
	if (ends && ms < IMPATIENCE_MS)
		return false;
	c->last_signal = number;
	c->last_time = now;
	relay_signal(c->relay, number);
	return true;
}
