/* SPDX-License-Identifier: MIT */
/*
 * A VM that can be found and controlled: its directory and its control socket.
 * What each command takes and answers is nestor-ctl(7)'s to say.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "config/keys.h"
#include "run/run_impl.h"
#include "run/version.h"
#include "core/log.h"
#include "host/control.h"
#include "host/rundir.h"

#define STOP_SECONDS_MAX 86400

static uint64_t uptime(const struct run *r)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec - r->began;
}

static json_t *status_json(const struct run *r)
{
	json_t *o = json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:i, s:I, s:b, s:f}", "name",
		vmdir_name(r->dir), "id", vmdir_id(r->dir), "pid",
		(int)getpid(), "version", NESTOR_VERSION, "state",
		vm_state_name(board_vm(r->board)->state), "cpus",
		(int)r->cfg->cpus, "memory", (json_int_t)r->cfg->memory,
		"nested", r->cfg->nested != NESTED_OFF, "uptime",
		uptime(r) / 1e9);

	if (vm_is_held(board_vm(r->board), VM_HOLD_POLICY))
		json_object_set_new(o, "reason",
				    json_string(cause_name(r->held_for)));
	return o;
}

static void do_status(void *ctx, struct control_request *rq, json_t *args)
{
	if (!control_args(rq, args, "{}"))
		control_reply(rq, status_json(ctx));
}

/* What this process takes: bytes of memory, seconds of CPU. */
static json_t *process_json(const struct run *r)
{
	unsigned long long pages = 0;
	char text[128] = "";
	struct rusage ru;

	if (pread(r->statm, text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "%*u %llu", &pages) != 1)
		pages = 0;
	getrusage(RUSAGE_SELF, &ru);
	return json_pack("{s:I, s:f}", "rss",
			 (json_int_t)(pages * sysconf(_SC_PAGESIZE)), "cpu",
			 ru.ru_utime.tv_sec + ru.ru_stime.tv_sec +
				 (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) /
					 1e6);
}

static void do_stats(void *ctx, struct control_request *rq, json_t *args)
{
	struct run *r = ctx;
	int el2 = false;
	json_t *stats;
	struct err e;

	if (control_args(rq, args, "{s?b}", "el2", &el2))
		return;
	if (board_stats(r->board, el2, &stats, &e) < 0) {
		control_refuse(rq, "failed", "%s", e.text);
		return;
	}
	json_object_set_new(stats, "process", process_json(r));
	control_reply(rq, stats);
}

static void do_pause(void *ctx, struct control_request *rq, json_t *args)
{
	struct run *r = ctx;
	struct vm *vm = board_vm(r->board);

	if (control_args(rq, args, "{}"))
		return;
	if (r->npausing == RUN_PAUSING) {
		control_refuse(rq, "busy", "too many ask at the same time");
		return;
	}
	r->pausing[r->npausing++] = rq;
	vm_hold(vm, VM_HOLD_USER);
	if (vm->state == VM_PAUSED || vm->state == VM_READY)
		run_answer_pausing(r);
}

void run_answer_pausing(struct run *r)
{
	enum vm_state s = board_vm(r->board)->state;

	while (r->npausing) {
		struct control_request *rq = r->pausing[--r->npausing];

		if (s == VM_PAUSED || s == VM_READY)
			control_reply(rq, NULL);
		else
			control_refuse(rq, "invalid-state", "the VM %s",
				       s == VM_RUNNING ? "was resumed meanwhile"
						       : "has ended");
	}
}

static void do_resume(void *ctx, struct control_request *rq, json_t *args)
{
	if (control_args(rq, args, "{}"))
		return;
	run_resume(ctx);
	control_reply(rq, NULL);
}

static void do_stop(void *ctx, struct control_request *rq, json_t *args)
{
	int seconds = 30;

	if (control_args(rq, args, "{s?i}", "timeout", &seconds))
		return;
	if (seconds < 0 || seconds > STOP_SECONDS_MAX) {
		control_refuse(rq, "invalid-argument",
			       "timeout is not from 0 to %d", STOP_SECONDS_MAX);
		return;
	}
	control_reply(rq, NULL);
	run_stop(ctx, seconds);
}

static void do_events(void *ctx, struct control_request *rq, json_t *args)
{
	int replay = false;

	if (!control_args(rq, args, "{s?b}", "replay", &replay))
		control_subscribe(rq, status_json(ctx), replay);
}

static const struct control_command commands[] = {
	{ "status", do_status },
	{ "stats", do_stats },
	{ "pause", do_pause },
	{ "resume", do_resume },
	{ "stop", do_stop },
	{ "events", do_events },
	{ "console", run_console_attach },
	{ "console-cursor", run_console_cursor },
	{ "resize", run_console_resize },
	{ "break", run_console_break },
	{ "balloon", run_do_balloon },
	{ NULL, NULL },
};

/* The configuration as a file has it; the caller's to free(). */
static char *config_text(const struct config *cfg)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	config_dump(cfg, f);
	fclose(f);
	return text;
}

int run_register(struct run *r, struct err *e)
{
	const struct config *cfg = r->cfg;
	bool wanted = cfg->name || cfg->detach || cfg->runtime_dir;
	char *text = config_text(cfg);
	struct timespec t;
	int n;

	clock_gettime(CLOCK_BOOTTIME, &t);
	r->began = t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
	if (!text)
		return err_no_memory(e);
	n = rundir_open(cfg->runtime_dir, true, &r->base, e);
	if (!n)
		n = vmdir_new(r->base, cfg->name, text, &r->dir, e);
	free(text);
	if (n < 0 && !wanted) {
		log_debug("the VM cannot be controlled: %s", e->text);
		e->text[0] = '\0';
		return 0;
	}
	return n;
}

int run_serve(struct run *r)
{
	int n;

	if (!r->dir)
		return 0;
	r->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	n = control_new(r->loop, vmdir_listener(r->dir), commands, r,
			&r->control);
	return log_failure("control socket", n);
}

void run_event(struct run *r, const char *event, json_t *data)
{
	run_notify(r, event, data);
	if (r->control)
		control_event(r->control, event, data);
	else
		json_decref(data);
}

void run_unregister(struct run *r)
{
	json_t *end = ending_json(&r->end);
	char *text = json_dumps(end, JSON_COMPACT);
	int n = 0;

	if (r->dir && text)
		n = vmdir_ended(r->dir, text);
	if (n < 0)
		log_warnx("cannot write down how the VM ended: %s",
			  strerror(-n));
	run_signals_written();
	free(text);
	run_event(r, "ended", end);
	control_free(r->control);
	vmdir_close(r->dir, r->cfg->detach && !r->cfg->remove && !r->abandoned);
	rundir_close(r->base);
}
