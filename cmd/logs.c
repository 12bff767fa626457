/* SPDX-License-Identifier: MIT */
/*
 * nestor logs: what a guest wrote to its console, from the file in the VM's
 * directory, whether the VM lives or not.
 *
 * The file can be replaced meanwhile by its newer half. Lines have numbers,
 * counted from the VM's start with those that the file says are lost: so it is
 * known which of the new file were shown already.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "cmd/text.h"
#include "core/log.h"
#include "core/thread.h"
#include "host/console_log.h"
#include "host/tty.h"

#define TAIL_MAX 1000000

struct logs {
	const char *runtime_dir, *name;
	bool follow, times, json, tty, tailed;
	unsigned tail;

	struct vmref vm;
	int fd;	    /* the file */
	off_t at;   /* up to here it was read */
	char *part; /* a line as far as it has come */
	size_t len, room;
	uint64_t number; /* of the line that comes next in the file */
	uint64_t next;	 /* of the next to show */
	int notify, end; /* descriptors that wake us; the VM's end */
};

/* --- showing --- */

static void put(const struct logs *l, const char *s, size_t len)
{
	if (l->tty)
		text_put(stdout, s, len);
	else
		fwrite(s, 1, len, stdout);
}

static void show_json(const struct log_line *line, uint64_t lost)
{
	json_t *o = json_pack("{s:o}", "time",
			      text_json(line->time, line->time_len));

	if (lost) {
		json_object_set_new(o, "lost", json_integer(lost));
		json_object_set_new(o, "reason",
				    text_json(line->text, line->text_len));
	} else {
		if (line->level_len != 1 || *line->level != '-')
			json_object_set_new(
				o, "level",
				text_json(line->level, line->level_len));
		json_object_set_new(o, "text",
				    text_json(line->text, line->text_len));
	}
	print_json(o);
}

static void show(const struct logs *l, const struct log_line *line,
		 uint64_t lost)
{
	if (l->json) {
		show_json(line, lost);
		return;
	}
	if (l->times)
		put(l, line->time,
		    lost ? line->time_len + 1
			 : (size_t)(line->text - line->time));
	if (lost)
		printf("[nestor: %llu lines are missing here: %.*s]",
		       (unsigned long long)lost, (int)line->text_len,
		       line->text);
	else
		put(l, line->text, line->text_len);
	putchar('\n');
}

/* A line of the file; one that is none of it is taken for the guest's. */
static void take_line(struct logs *l, const char *s, size_t len)
{
	const uint64_t number = l->number;
	struct log_line line;

	if (!log_line_parse(&line, s, len))
		line = (struct log_line){ .time = s,
					  .level = "-",
					  .level_len = 1,
					  .text = s,
					  .text_len = len };
	l->number += line.lost ? line.lost : 1;
	if (l->number <= l->next)
		return;
	/* Of those that are lost we may have seen some. */
	show(l, &line,
	     line.lost ? l->number - (number > l->next ? number : l->next) : 0);
	l->next = l->number;
}

/* --- reading --- */

static int open_file(struct logs *l)
{
	int fd = openat(l->vm.dir, CONSOLE_LOG,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	l->at = 0;
	l->len = 0;
	l->number = 0;
	return 0;
}

/* All that the open file has by now. 0 or -errno. */
static int read_on(struct logs *l)
{
	char *line, *nl;
	ssize_t n;

	for (;;) {
		if (l->room - l->len < 65536) {
			line = realloc(l->part, l->room + 65536);
			if (!line)
				return -ENOMEM;
			l->part = line;
			l->room += 65536;
		}
		n = pread(l->fd, l->part + l->len, l->room - l->len, l->at);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		l->at += n;
		l->len += n;
		line = l->part;
		while ((nl = memchr(line, '\n', l->part + l->len - line))) {
			take_line(l, line, nl - line);
			line = nl + 1;
		}
		l->len -= line - l->part;
		memmove(l->part, line, l->len);
	}
}

/* Has the file been replaced by another one, or emptied? */
static bool is_other(const struct logs *l)
{
	struct stat ours, named;

	if (fstat(l->fd, &ours) < 0 ||
	    fstatat(l->vm.dir, CONSOLE_LOG, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return ours.st_ino != named.st_ino || ours.st_size < l->at;
}

static int catch_up(struct logs *l)
{
	int r = read_on(l);

	while (!r && is_other(l)) {
		/* What was written between the last read and the new file. */
		r = read_on(l);
		if (!r)
			r = open_file(l);
		if (!r)
			r = read_on(l);
	}
	fflush(stdout);
	return r;
}

/* Begin with the line that has @tail - 1 behind it. */
static int skip_to_tail(struct logs *l)
{
	struct logs all = *l;
	int r;

	/* Nothing is shown before this many lines: all are counted. */
	all.next = UINT64_MAX;
	r = read_on(&all);
	if (!r && all.len)
		all.number++;
	l->part = all.part;
	l->room = all.room;
	if (all.number > l->tail)
		l->next = all.number - l->tail;
	return r;
}

/* --- following --- */

/* A thread: the lock's release says when the VM has ended, however it did. */
static void *await_end(void *arg)
{
	struct logs *l = arg;
	uint64_t one = 1;

	vmref_await(&l->vm);
	if (write(l->end, &one, sizeof(one)) < 0) {
		/* An eventfd that was never written to has room. */
	}
	return NULL;
}

static int watch(struct logs *l)
{
	pthread_t thread;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", l->vm.dir);
	l->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	l->end = eventfd(0, EFD_CLOEXEC);
	if (l->notify < 0 || l->end < 0 ||
	    inotify_add_watch(l->notify, path,
			      IN_MODIFY | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return -errno;
	return thread_start(&thread, await_end, l);
}

static int follow(struct logs *l)
{
	char events[4096];
	int r = watch(l);

	while (!r) {
		struct pollfd p[] = { { .fd = l->notify, .events = POLLIN },
				      { .fd = l->end, .events = POLLIN } };

		/* What came before the watch was there is read first. */
		r = catch_up(l);
		if (r || (poll(p, 2, -1) < 0 && errno != EINTR))
			break;
		if (p[1].revents)
			return catch_up(l);
		while (read(l->notify, events, sizeof(events)) > 0)
			;
	}
	return r;
}

static int run(struct logs *l)
{
	int r = open_file(l);

	if (r == -ENOENT)
		r = 0; /* one of those that could not be made */
	else if (!r && l->tailed)
		r = skip_to_tail(l);
	if (!r && l->fd >= 0)
		r = l->follow ? follow(l) : catch_up(l);
	/* A line that the guest has not ended. */
	if (!r && l->len)
		take_line(l, l->part, l->len);
	return r;
}

/* --- the command line --- */

static int parse(struct logs *l, int argc, char **argv, struct err *e)
{
	const char *value;
	struct opts o;
	int r, bad = 0;

	opts_begin(&o, &command_logs, argc, argv);
	while (!bad && (r = opts_next(&o, &value, e)) > 0) {
		if (r == 'f') {
			l->follow = true;
		} else if (r == 't') {
			l->times = true;
		} else if (r == 'j') {
			l->json = true;
		} else if (r == 'n') {
			l->tailed = true;
			bad = opts_number("tail", value, 0, TAIL_MAX, &l->tail,
					  e);
		} else if (r == 'R') {
			l->runtime_dir = value;
		} else if (l->name) {
			bad = err_set(e, -EINVAL,
				      "logs takes one VM, not '%s' too", value);
		} else {
			l->name = value;
		}
	}
	if (!bad && !r && !l->name)
		return err_set(e, -EINVAL, "logs: give the name of a VM");
	return bad ? bad : r;
}

static int find(struct logs *l, struct err *e)
{
	struct rundir *base;
	int r = rundir_open(l->runtime_dir, false, &base, e);

	if (r == -ENOENT && !l->runtime_dir)
		return err_set(e, r, "no VM is called '%.80s': see 'nestor ls'",
			       l->name);
	if (!r) {
		r = rundir_find(base, l->name, &l->vm, e);
		rundir_close(base);
	}
	return r;
}

static int cmd_logs(int argc, char **argv)
{
	struct logs l = { .fd = -1, .vm.dir = -1 };
	struct err e;
	int r = parse(&l, argc, argv, &e);

	tty_fill_standard();
	if (r)
		return opts_status(r, &e);
	r = find(&l, &e);
	if (r)
		return client_status(r, &e);
	l.tty = isatty(STDOUT_FILENO);
	r = run(&l);
	free(l.part);
	if (!r)
		return STATUS_OFF;
	log_warnx("%s: its log cannot be read: %s", l.name, strerror(-r));
	return STATUS_FAILED;
}

const struct command command_logs = {
	.name = "logs",
	.summary = "print what a VM's guest wrote to its console",
	.operands = "NAME",
	.vm = true,
	.opts =
		(const struct opt[]){
			OPT('f', "follow", 'f', NULL,
			    "go on until the VM ends"),
			OPT('t', "timestamps", 't', NULL,
			    "with the host's time (UTC) and the level"),
			OPT('n', "tail", 'n', "N", "only the last N lines"),
			OPT_JSON,
			OPT_RUNTIME_DIR,
			{ 0 } },
	.run = cmd_logs,
	.about = "Print what the guest of a VM wrote to its console, line by "
		 "line, also when the VM has ended, or was killed. The newest "
		 "MiB is kept; where lines are missing, that is said.",
};
