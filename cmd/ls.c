/* SPDX-License-Identifier: MIT */
/*
 * nestor ls: the VMs there are, dead ones too.
 *
 * All that live are asked at once, and those that do not answer within a
 * second are shown as such: one that is stuck holds up nothing.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "run/ending.h"
#include "cmd/opts.h"
#include "core/log.h"
#include "core/timer.h"
#include "host/limits.h"

#define PATIENCE 1000 /* milliseconds, for all of them */

static const char question[] = "{\"command\":\"status\"}\n";

struct row {
	struct vmref vm;
	int fd; /* -1: not asked, or has answered */
	char answer[1024];
	size_t len;
	json_t *status; /* what is printed with --json */
};

struct list {
	struct row *row;
	unsigned n, room;
	unsigned waiting;
};

/* 0, or -errno if the fault is ours, and not the VM's. */
static int ask(struct row *r)
{
	int alive = vmref_is_alive(&r->vm);

	if (alive <= 0)
		return alive;
	r->fd = vmref_connect(&r->vm);
	if (r->fd == -EMFILE || r->fd == -ENFILE)
		return r->fd;
	if (r->fd >= 0 &&
	    send(r->fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0) {
		close(r->fd);
		r->fd = -1;
	}
	return 0;
}

static int add(void *ctx, struct vmref *ref)
{
	struct list *l = ctx;
	struct row *grown, *r;
	int n;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 32;
		grown = realloc(l->row, l->room * sizeof(*l->row));
		if (!grown)
			return -ENOMEM;
		l->row = grown;
	}
	r = &l->row[l->n++];
	memset(r, 0, sizeof(*r));
	r->vm = *ref;
	ref->dir = -1;
	r->fd = -1;
	n = ask(r);
	l->waiting += r->fd >= 0;
	return n;
}

static void done_with(struct list *l, struct row *r)
{
	close(r->fd);
	r->fd = -1;
	l->waiting--;
}

static void take(struct list *l, struct row *r)
{
	ssize_t n = recv(r->fd, r->answer + r->len,
			 sizeof(r->answer) - 1 - r->len, 0);
	json_t *o;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		r->len += n;
	if (n > 0 && !memchr(r->answer, '\n', r->len) &&
	    r->len < sizeof(r->answer) - 1)
		return;
	o = json_loadb(r->answer, r->len, 0, NULL);
	r->status = json_incref(json_object_get(o, "result"));
	json_decref(o);
	done_with(l, r);
}

static int collect(struct list *l)
{
	struct pollfd *p = calloc(l->n, sizeof(*p));
	const int64_t end = mono_ms() + PATIENCE;
	unsigned i;
	int left;

	if (!p)
		return -ENOMEM;
	while (l->waiting && (left = end - mono_ms()) > 0) {
		for (i = 0; i < l->n; i++)
			p[i] = (struct pollfd){ .fd = l->row[i].fd,
						.events = POLLIN };
		poll(p, l->n, left);
		for (i = 0; i < l->n; i++)
			if (p[i].revents && l->row[i].fd >= 0)
				take(l, &l->row[i]);
	}
	free(p);
	return 0;
}

/* What is known of a VM that has not answered. */
static json_t *from_files(const struct row *r)
{
	json_t *o = vmref_json(&r->vm, "vm.json");
	struct ending end;

	if (!o)
		o = json_pack("{s:s}", "name", r->vm.name);
	if (vmref_is_alive(&r->vm) != 0) {
		json_object_set_new(o, "state", json_string("unresponsive"));
		return o;
	}
	ending_read(&r->vm, &end);
	json_object_set_new(o, "state", json_string("ended"));
	json_object_update_new(o, ending_json(&end));
	return o;
}

/* As 3d4h, 5h06m, 7m08s or 9s. */
static void print_time(char *buf, size_t size, double seconds)
{
	unsigned long s = seconds;

	if (s >= 86400)
		snprintf(buf, size, "%lud%luh", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(buf, size, "%luh%02lum", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(buf, size, "%lum%02lus", s / 60, s % 60);
	else
		snprintf(buf, size, "%lus", s);
}

static void print_row(json_t *o)
{
	const char *name = "", *id = "-", *state = "", *cause = NULL;
	int pid = 0, cpus = 0;
	json_int_t memory = 0;
	double uptime = -1;
	char mib[24] = "-", up[24] = "-", n[12] = "-", process[12] = "-";

	json_unpack(o, "{s?s, s?s, s?s, s?s, s?s, s?i, s?i, s?I, s?F}", "name",
		    &name, "id", &id, "state", &state, "cause", &cause,
		    "reason", &cause, "pid", &pid, "cpus", &cpus, "memory",
		    &memory, "uptime", &uptime);
	if (cpus)
		snprintf(n, sizeof(n), "%d", cpus);
	if (memory)
		snprintf(mib, sizeof(mib), "%lldM", (long long)memory >> 20);
	if (uptime >= 0)
		print_time(up, sizeof(up), uptime);
	if (pid && strcmp(state, "ended"))
		snprintf(process, sizeof(process), "%d", pid);
	printf("%-20s %-8s %-12s %7s %4s %8s %7s %s\n", name, id, state,
	       process, n, mib, up, cause ? cause : "");
}

static int print(struct list *l, bool json)
{
	json_t *all = json_array();
	unsigned i;

	if (!json)
		printf("%-20s %-8s %-12s %7s %4s %8s %7s %s\n", "NAME", "ID",
		       "STATE", "PID", "CPUS", "MEMORY", "UPTIME", "CAUSE");
	for (i = 0; i < l->n; i++) {
		struct row *r = &l->row[i];

		if (!r->status && !vmref_is_gone(&r->vm))
			r->status = from_files(r);
		if (!r->status) {
			/* It ended, and left nothing. */
		} else if (json) {
			json_array_append(all, r->status);
		} else {
			print_row(r->status);
		}
		json_decref(r->status);
		vmref_close(&r->vm);
	}
	if (json)
		return print_json(all);
	json_decref(all);
	return STATUS_OFF;
}

static void complain(struct err *e, int r, const char *path)
{
	if (r == -EMFILE)
		err_set(e, r,
			"%s: there are more VMs than %llu open files are "
			"enough for; allow more by 'ulimit -Hn'",
			path, limits_files_now());
	else
		err_set(e, r, "%s: %s", path, strerror(-r));
}

static int cmd_ls(int argc, char **argv)
{
	const char *value, *runtime_dir = NULL;
	struct list l = { 0 };
	struct rundir *base;
	bool json = false;
	struct opts o;
	struct err e;
	int r;

	opts_begin(&o, &command_ls, argc, argv);
	while ((r = opts_next(&o, &value, &e)) > 0) {
		json |= r == 'j';
		if (r == 'R')
			runtime_dir = value;
	}
	if (r < 0)
		return opts_status(r, &e);
	/* Dead or alive, a hundred of them need more than usual. */
	limits_files(UINT_MAX);
	r = rundir_open(runtime_dir, false, &base, &e);
	if (!r) {
		r = rundir_each(base, add, &l);
		if (!r)
			r = collect(&l);
		if (r)
			complain(&e, r, rundir_path(base));
		rundir_close(base);
	} else if (r == -ENOENT && !runtime_dir) {
		r = 0; /* there was never a VM */
	}
	if (r)
		return client_status(r, &e);
	r = print(&l, json);
	free(l.row);
	return r;
}

const struct command command_ls = {
	.name = "ls",
	.summary = "list the VMs",
	.opts = (const struct opt[]){ OPT_JSON, OPT_RUNTIME_DIR, { 0 } },
	.run = cmd_ls,
	.about = "List the VMs of this user: those that run, and those that "
		 "ended in the background and were not removed yet, with the "
		 "cause.",
};
