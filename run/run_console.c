/* SPDX-License-Identifier: MIT */
/*
 * The console of a VM that runs: who may read and type at it beside its own
 * terminal, and where what the guest writes is kept.
 *
 * The cursor is the one thing that commands share from one to the next: where
 * the last match of `nestor console --expect` ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "run/run_impl.h"
#include "core/log.h"
#include "host/chardev.h"
#include "host/console_hub.h"
#include "host/console_log.h"
#include "host/control.h"
#include "host/rundir.h"

/* The runtime directory is usually in memory. */
#define LOG_BOUND (1u << 20)
#define SIZE_MAX_ 65535

int run_console_open(struct run *r, struct err *e)
{
	struct err why;

	if (r->cfg->log) {
		r->log = console_log_new(r->loop, r->terminal, AT_FDCWD,
					 r->cfg->log, 0, &why);
		if (!r->log)
			return err_set(e, -EINVAL, "--log: %s", why.text);
	}
	if (!r->dir)
		return 0;
	r->kept = console_log_new(r->loop, r->terminal, vmdir_fd(r->dir),
				  CONSOLE_LOG, LOG_BOUND, &why);
	if (!r->kept)
		log_warnx("%s", why.text);
	r->hub = console_hub_new(r->loop, r->terminal);
	if (r->hub)
		return 0;
	return log_failure("the console", -errno);
}

void run_console_close(struct run *r)
{
	console_hub_free(r->hub);
	console_log_free(r->kept);
	console_log_free(r->log);
}

/* From where on: a position, or a word for one. */
static int parse_from(const struct run *r, const json_t *from, uint64_t *pos)
{
	const char *word = json_string_value(from);
	const uint64_t start = console_hub_start(r->hub);
	const uint64_t end = console_hub_end(r->hub);

	if (!from || (word && !strcmp(word, "end")))
		*pos = end;
	else if (word && !strcmp(word, "start"))
		*pos = start;
	else if (word && !strcmp(word, "cursor"))
		*pos = r->cursor;
	else if (json_is_integer(from) && json_integer_value(from) >= 0)
		*pos = json_integer_value(from);
	else
		return -EINVAL;
	if (*pos > end)
		*pos = end;
	if (*pos < start)
		*pos = start;
	return 0;
}

void run_console_attach(void *ctx, struct control_request *rq, json_t *args)
{
	int notices = true, leaves = false, lines = -1, fd;
	struct hub_wish wish;
	struct run *r = ctx;
	json_t *from = NULL;

	if (control_args(rq, args, "{s?o, s?i, s?b, s?b}", "from", &from,
			 "lines", &lines, "notices", &notices, "leave",
			 &leaves))
		return;
	wish = (struct hub_wish){ .notices = notices, .leaves = leaves };
	if (parse_from(r, from, &wish.from)) {
		control_refuse(rq, "invalid-argument",
			       "from is none of start, end, cursor, or a "
			       "position");
		return;
	}
	if (!console_hub_has_room(r->hub)) {
		control_refuse(rq, "busy", "%u consoles are attached already",
			       HUB_READERS);
		return;
	}
	if (lines >= 0)
		wish.from = console_hub_lines(r->hub, lines);
	fd = control_take(rq,
			  json_pack("{s:I, s:b}", "position",
				    (json_int_t)wish.from, "line_begins",
				    console_hub_is_line(r->hub, wish.from)));
	if (fd >= 0 && console_hub_attach(r->hub, fd, &wish) < 0)
		close(fd);
}

void run_console_cursor(void *ctx, struct control_request *rq, json_t *args)
{
	json_int_t pos = -1;
	struct run *r = ctx;

	if (control_args(rq, args, "{s?I}", "position", &pos))
		return;
	if (pos >= 0)
		r->cursor = pos;
	control_reply(rq,
		      json_pack("{s:I}", "position", (json_int_t)r->cursor));
}

void run_console_resize(void *ctx, struct control_request *rq, json_t *args)
{
	struct run *r = ctx;
	int cols, rows;

	if (control_args(rq, args, "{s:i, s:i}", "columns", &cols, "rows",
			 &rows))
		return;
	if (cols < 0 || cols > SIZE_MAX_ || rows < 0 || rows > SIZE_MAX_) {
		control_refuse(rq, "invalid-argument",
			       "columns and rows are from 0 to %d", SIZE_MAX_);
		return;
	}
	chardev_resize_to(r->terminal, cols, rows);
	control_reply(rq, NULL);
}

void run_console_break(void *ctx, struct control_request *rq, json_t *args)
{
	struct run *r = ctx;

	if (control_args(rq, args, "{}"))
		return;
	chardev_break(r->terminal);
	control_reply(rq, NULL);
}
