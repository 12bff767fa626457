/* SPDX-License-Identifier: MIT */
/* nestor pause, resume, stop and rm: one thing done to each VM that is named. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "core/log.h"

#define STOP_SECONDS	 30
#define STOP_SECONDS_MAX 86400
/* What a VM may take to end, beside its guest's time, before it is killed. */
#define END_PATIENCE 10000

struct wish {
	const char *runtime_dir;
	bool json;
	bool force;
	bool dead;
	unsigned seconds;
};

/* One VM; 0, or -errno with a sentence. */
typedef int act(const char *name, const struct wish *, struct err *e);

/* All that are named, whatever happens to one; the worst status. */
static int each(char **name, unsigned n, act *fn, const struct wish *w)
{
	int status = STATUS_OFF, s, r;
	struct err e;
	unsigned i;

	for (i = 0; i < n; i++) {
		r = fn(name[i], w, &e);
		if (r == 0 && w->json)
			print_json(json_pack("{s:s}", "name", name[i]));
		if (r == 0)
			continue;
		s = client_status(r, &e);
		if (s > status)
			status = s;
	}
	return status;
}

static int call(const char *name, const struct wish *w, const char *what,
		struct err *e)
{
	struct client *c;
	int r = client_open(w->runtime_dir, name, &c, e);

	if (r < 0)
		return r;
	r = client_call(c, what, NULL, CLIENT_PATIENCE, NULL, e);
	client_close(c);
	return r;
}

static int pause_vm(const char *name, const struct wish *w, struct err *e)
{
	return call(name, w, "pause", e);
}

static int resume_vm(const char *name, const struct wish *w, struct err *e)
{
	return call(name, w, "resume", e);
}

/*
 * Kill the process that listens on the VM's socket. The kernel has told its id;
 * that the id is not another process's by now is shown by the lock, which is
 * looked at once a pidfd holds the process.
 */
static int kill_vm(struct client *c, struct err *e)
{
	const struct vmref *vm = client_vm(c);
	pid_t pid = client_pid(c);
	int fd = pid > 0 ? syscall(SYS_pidfd_open, pid, 0) : -1, r = 0;

	if (fd < 0)
		return vmref_is_alive(vm)
			       ? err_set(e, -ESRCH,
					 "%s: its process cannot be found",
					 vm->name)
			       : 0;
	if (vmref_is_alive(vm) &&
	    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		r = err_set(e, -errno, "%s: cannot end process %d: %s",
			    vm->name, (int)pid, strerror(errno));
	close(fd);
	return r ? r : client_await_end(c, -1);
}

static int stop_vm(const char *name, const struct wish *w, struct err *e)
{
	struct client *c;
	int r = client_open(w->runtime_dir, name, &c, e);

	/* That it has ended is what was wanted. */
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	r = client_call(c, "stop", json_pack("{s:i}", "timeout", w->seconds),
			CLIENT_PATIENCE, NULL, e);
	if (r == -EREMOTEIO)
		goto out;
	if (r < 0 || client_await_end(c, w->seconds * 1000 + END_PATIENCE) < 0)
		r = kill_vm(c, e);
	if (!r)
		vmref_await(client_vm(c));
out:
	client_close(c);
	return r == -ECONNRESET ? 0 : r;
}

static int remove_vm(const char *name, const struct wish *w, struct err *e)
{
	struct vmref vm = { .dir = -1 };
	struct rundir *base;
	int r;

	if (w->force) {
		r = stop_vm(name,
			    &(struct wish){ .runtime_dir = w->runtime_dir }, e);
		if (r < 0)
			return r;
	}
	r = rundir_open(w->runtime_dir, false, &base, e);
	if (r < 0)
		return r;
	r = rundir_find(base, name, &vm, e);
	/* A foreground VM that was ended has removed itself. */
	if (r == -ENOENT && w->force)
		r = 0;
	else if (!r)
		r = vmref_remove(base, &vm, e);
	vmref_close(&vm);
	rundir_close(base);
	return r;
}

struct sweep {
	struct rundir *base;
	struct err *e;
};

static int remove_if_dead(void *ctx, struct vmref *vm)
{
	struct sweep *s = ctx;
	int r;

	if (vmref_is_alive(vm))
		return 0;
	r = vmref_remove(s->base, vm, s->e);
	return r == -EBUSY ? 0 : r;
}

static int remove_dead(const struct wish *w)
{
	struct sweep s;
	struct err e;
	int r = rundir_open(w->runtime_dir, false, &s.base, &e);

	if (r == -ENOENT && !w->runtime_dir)
		return STATUS_OFF;
	if (r < 0)
		return client_status(r, &e);
	s.e = &e;
	r = rundir_each(s.base, remove_if_dead, &s);
	rundir_close(s.base);
	return r < 0 ? client_status(r, &e) : STATUS_OFF;
}

static int command(const struct command *self, int argc, char **argv, act *fn)
{
	struct wish w = { .seconds = STOP_SECONDS };
	const char *value;
	struct opts o;
	struct err e;
	unsigned n = 0;
	int r;

	opts_begin(&o, self, argc, argv);
	while ((r = opts_next(&o, &value, &e)) > 0) {
		switch (r) {
		case OPT_OPERAND:
			argv[n++] = (char *)value;
			break;
		case 'R':
			w.runtime_dir = value;
			break;
		case 'j':
			w.json = true;
			break;
		case 'f':
			w.force = true;
			break;
		case 'd':
			w.dead = true;
			break;
		case 'n':
			w.seconds = 0;
			break;
		case 't':
			if (opts_number("timeout", value, 0, STOP_SECONDS_MAX,
					&w.seconds, &e) < 0)
				return cmd_refuse(&e);
			break;
		}
	}
	if (r < 0)
		return opts_status(r, &e);
	if (!n && !w.dead) {
		err_set(&e, 0, "%s needs the name of a VM: see 'nestor ls'",
			self->name);
		return cmd_refuse(&e);
	}
	if (w.dead && (n || w.force)) {
		err_set(&e, 0,
			"rm --dead takes no name and no --force: it removes "
			"all that have ended");
		return cmd_refuse(&e);
	}
	return w.dead ? remove_dead(&w) : each(argv, n, fn, &w);
}

static const struct opt plain[] = { OPT_JSON, OPT_RUNTIME_DIR, { 0 } };

static int cmd_pause(int argc, char **argv)
{
	return command(&command_pause, argc, argv, pause_vm);
}

const struct command command_pause = {
	.name = "pause",
	.summary = "stop the vCPUs of a VM",
	.operands = "NAME...",
	.vm = true,
	.opts = plain,
	.run = cmd_pause,
	.about = "Stop the vCPUs of VMs, until nestor resume. Returns when "
		 "they stand still.",
};

static int cmd_resume(int argc, char **argv)
{
	return command(&command_resume, argc, argv, resume_vm);
}

const struct command command_resume = {
	.name = "resume",
	.summary = "let a paused VM go on",
	.operands = "NAME...",
	.vm = true,
	.opts = plain,
	.run = cmd_resume,
	.about = "Let paused VMs go on, also those that a policy has paused.",
};

static int cmd_stop(int argc, char **argv)
{
	return command(&command_stop, argc, argv, stop_vm);
}

const struct command command_stop = {
	.name = "stop",
	.summary = "power a VM off",
	.operands = "NAME...",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('t', "timeout", 't', "SECONDS",
			    "how long the guest may take [30]"),
			OPT('n', "now", 0, NULL, "by force, at once"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 },
		},
	.run = cmd_stop,
	.about = "Press the power button of VMs, and wait until they have "
		 "ended; those that have not after --timeout seconds are ended "
		 "by force, also a nestor that no longer answers.",
};

static int cmd_rm(int argc, char **argv)
{
	return command(&command_rm, argc, argv, remove_vm);
}

const struct command command_rm = {
	.name = "rm",
	.summary = "remove what a VM has left",
	.operands = "NAME...",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('f', "force", 'f', NULL,
			    "end them first, if they run"),
			OPT('d', "dead", 0, NULL, "all that have ended"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 },
		},
	.run = cmd_rm,
	.about = "Remove what VMs have left that ran in the background: how "
		 "they ended, and what was on their consoles.",
};
