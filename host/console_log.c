/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The thread that writes to the console also writes the file: once for all the
 * lines that one call ends. Only so is nothing lost when nestor is killed. What
 * is unfinished waits for a timer, as a UART writes single bytes.
 *
 * A line that has begun in the file (`begun`) goes on where it stopped. When a
 * write fails, the lines that it held are counted; before the next one succeeds
 * a line says so, set off by a newline if the file ends in the middle of one.
 *
 * A bounded file is replaced, by renaming, by one that has its newer half:
 * where that begins, and with which line, was noted when it was written. A
 * reader that has the old one open reads that to its end. If there is no room
 * for that, the file is emptied. Either way its first line says how many are
 * gone, so that a line's number, counted from the VM's start, can always be
 * told.
 */
#include "host/console_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/utc.h"
#include "core/remedy.h"
#include "core/timer.h"
#include "core/util.h"
#include "host/chardev.h"
#include "host/output.h"

#define SOON (100 * NSEC_PER_MSEC)
/* Time, level, <N>, and room for a line of nestor's own. */
#define HEAD  64u
#define BATCH (2 * CONSOLE_LOG_LINE + HEAD)

struct console_log {
	struct timer later;
	bool armed; /* it runs; under the lock */
	int dir;
	char *path, *spare; /* the file, and what will replace it */
	size_t bound;
	pthread_mutex_t lock;
	/* Under the lock. */
	int fd;
	size_t size; /* of the file, if it is bounded */
	size_t half; /* a line begins there, behind half of the bound; or 0 */
	uint64_t half_number;
	bool mid;	 /* the file ends in the middle of a line */
	uint64_t number; /* of the line that comes next, lost ones counted */
	uint64_t lost;	 /* of them since the last that was written */
	int why;
	struct log_limit warned;
	struct timespec time; /* when the line began */
	char stamp[HEAD];     /* as the file has that */
	int stamp_len;
	time_t stamp_sec;
	long stamp_ms;
	bool begun;    /* a part of it is in the file */
	bool dropped;  /* a part of it is lost: so is the rest */
	size_t column; /* how long it is with that */
	size_t len;    /* and what is not in the file yet */
	char line[CONSOLE_LOG_LINE];
	size_t out_len;
	char out[BATCH];
};

static const char *const levels[8] = { "emerg",	  "alert",  "crit", "err",
				       "warning", "notice", "info", "debug" };

/* syslog's <priority>: its level, or NULL. */
static const char *level_of(const char *s, size_t len)
{
	unsigned n = 0;
	size_t i;

	if (len < 3 || s[0] != '<')
		return NULL;
	for (i = 1; i < len && i < 4 && s[i] >= '0' && s[i] <= '9'; i++)
		n = n * 10 + s[i] - '0';
	return i > 1 && i < len && s[i] == '>' ? levels[n & 7] : NULL;
}

static int put_time(char *to, const struct timespec *t)
{
	char text[UTC_SIZE];

	utc_text(text, t, true);
	return sprintf(to, "%s ", text);
}

/* The time of the line's beginning; formatted only once a millisecond. */
static size_t put_stamp(struct console_log *l, char *to)
{
	const long ms = l->time.tv_nsec / 1000000;

	if (!l->stamp_len || ms != l->stamp_ms ||
	    l->time.tv_sec != l->stamp_sec) {
		l->stamp_len = put_time(l->stamp, &l->time);
		l->stamp_ms = ms;
		l->stamp_sec = l->time.tv_sec;
	}
	memcpy(to, l->stamp, l->stamp_len);
	return l->stamp_len;
}

/* A line that says that @n are missing. */
static int put_lost(char *to, uint64_t n, const char *why)
{
	struct timespec now;
	int len;

	clock_gettime(CLOCK_REALTIME, &now);
	len = put_time(to, &now);
	return len + snprintf(to + len, 2 * HEAD - len,
			      "lost %llu lines: %.40s\n", (unsigned long long)n,
			      why);
}

static uint64_t newlines(const char *s, size_t len)
{
	const char *end = s + len;
	uint64_t n = 0;

	while ((s = memchr(s, '\n', end - s))) {
		n++;
		s++;
	}
	return n;
}

/* --- keeping within the bound, under the lock --- */

/* The newer half, from the beginning of a line; NULL if it cannot be read. */
static char *newer_half(struct console_log *l, size_t *len)
{
	char *buf;

	*len = l->size - l->half;
	buf = l->half ? malloc(*len + 1) : NULL;
	if (buf && pread(l->fd, buf, *len, l->half) == (ssize_t)*len)
		return buf;
	free(buf);
	return NULL;
}

/* The number of the line that comes next in the file. */
static uint64_t next_number(const struct console_log *l)
{
	return l->number - l->lost - newlines(l->out, l->out_len);
}

/* What is written from here on is the newer half. */
static void note_half(struct console_log *l)
{
	if (l->half || l->mid || l->size < l->bound / 2)
		return;
	l->half = l->size;
	l->half_number = next_number(l);
}

static int replace(struct console_log *l, const char *keep, size_t len)
{
	char head[2 * HEAD];
	int fd = openat(l->dir, l->spare,
			O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW |
				O_CLOEXEC,
			0600);
	int n = put_lost(head, l->half_number, "only the newest are kept");
	struct leaving made;
	size_t done;

	if (fd < 0)
		return -errno;
	leaving_note(&made, l->dir, l->spare);
	if (output_all(fd, head, n, &done) < 0 ||
	    output_all(fd, keep, len, &done) < 0 ||
	    renameat(l->dir, l->spare, l->dir, l->path) < 0) {
		leaving_remove(&made);
		close(fd);
		return -EIO;
	}
	leaving_keep(&made);
	close(l->fd);
	l->fd = fd;
	l->size = n + len;
	return 0;
}

static void shrink(struct console_log *l)
{
	size_t len = 0, done;
	char *keep = newer_half(l, &len);
	char head[2 * HEAD];
	int n;

	if ((!keep || replace(l, keep, len) < 0) && ftruncate(l->fd, 0) == 0) {
		n = put_lost(head, next_number(l), "only the newest are kept");
		output_all(l->fd, head, n, &done);
		l->size = done;
		l->mid = false;
	}
	l->half = 0;
	free(keep);
}

/* --- writing, under the lock --- */

static void lose(struct console_log *l, const char *rest, size_t len, int why)
{
	if (!l->lost)
		log_guest(&l->warned, "console log %s: lines are lost: %s",
			  l->path, strerror(-why));
	l->lost += newlines(rest, len);
	l->why = -why;
}

/*
 * Only @done bytes of @buf were written: cut the file back to whole lines, if
 * it is one that can be cut. How many of the bytes it has then.
 */
static size_t trim(struct console_log *l, const char *buf, size_t done)
{
	const char *nl = memrchr(buf, '\n', done);
	size_t whole = nl ? nl + 1 - buf : 0;
	struct stat st;

	if (done > whole && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    lseek(l->fd, 0, SEEK_CUR) == st.st_size &&
	    ftruncate(l->fd, st.st_size - (done - whole)) == 0)
		return whole;
	return done;
}

static int write_lines(struct console_log *l, const char *buf, size_t len,
		       size_t *done)
{
	int r = output_all(l->fd, buf, len, done);

	if (r < 0)
		*done = trim(l, buf, *done);
	l->size += *done;
	if (*done)
		l->mid = buf[*done - 1] != '\n';
	return r;
}

/* The line that says what is missing, when there is room again. */
static int mark_lost(struct console_log *l)
{
	char text[2 * HEAD + 1];
	size_t done, n = 0;
	int r;

	if (l->mid)
		text[n++] = '\n';
	n += put_lost(text + n, l->lost, strerror(l->why));
	r = write_lines(l, text, n, &done);
	if (!r)
		l->lost = 0;
	return r;
}

static void flush(struct console_log *l)
{
	size_t len = l->out_len, done = 0;
	int r = 0;

	if (!len)
		return;
	if (l->bound && l->size + len + HEAD > l->bound)
		shrink(l);
	l->out_len = 0;
	if (l->lost)
		r = mark_lost(l);
	if (!r)
		r = write_lines(l, l->out, len, &done);
	if (r < 0) {
		lose(l, l->out + done, len - done, r);
		l->dropped = l->begun;
		l->begun = false;
	}
	if (l->bound)
		note_half(l);
}

/* What there is of the line goes to the batch. */
static void put_line(struct console_log *l, size_t len, bool end)
{
	const char *level;
	char *end_of;

	if (l->out_len + len + HEAD > BATCH)
		flush(l);
	if (l->dropped) {
		l->lost += end;
		l->dropped = !end;
		return;
	}
	if (!l->begun) {
		level = level_of(l->line, len);
		l->out_len += put_stamp(l, l->out + l->out_len);
		end_of = stpcpy(l->out + l->out_len, level ? level : "-");
		*end_of++ = ' ';
		l->out_len = end_of - l->out;
	}
	memcpy(l->out + l->out_len, l->line, len);
	l->out_len += len;
	if (end)
		l->out[l->out_len++] = '\n';
	l->begun = !end;
}

static void end_line(struct console_log *l)
{
	size_t len = l->len;

	while (len && l->line[len - 1] == '\r')
		len--;
	put_line(l, len, true);
	l->len = l->column = 0;
	l->number++;
}

static void on_output(void *ctx, const void *front, const void *buf, size_t len)
{
	struct console_log *l = ctx;
	const char *p = buf, *end = p + len, *nl;
	struct timespec now;
	size_t n;

	(void)front;
	/* What comes in one call comes at once. */
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&l->lock);
	while (p < end) {
		if (!l->column)
			l->time = now;
		n = CONSOLE_LOG_LINE - l->column;
		if (n > (size_t)(end - p))
			n = end - p;
		nl = memchr(p, '\n', n);
		if (nl)
			n = nl - p;
		memcpy(l->line + l->len, p, n);
		l->len += n;
		l->column += n;
		p += n;
		if (nl)
			p++;
		if (nl || l->column == CONSOLE_LOG_LINE)
			end_line(l);
	}
	flush(l);
	if (l->len && !l->armed) {
		l->armed = true;
		timer_after(&l->later, SOON);
	}
	pthread_mutex_unlock(&l->lock);
}

/* A carriage return may be the first half of the line's end. */
static void put_unfinished(struct console_log *l)
{
	const bool cr = l->len && l->line[l->len - 1] == '\r';

	if (l->len == cr)
		return;
	put_line(l, l->len - cr, false);
	l->line[0] = '\r';
	l->len = cr;
	flush(l);
}

static void on_time(struct timer *t)
{
	struct console_log *l = container_of(t, struct console_log, later);

	pthread_mutex_lock(&l->lock);
	l->armed = false;
	put_unfinished(l);
	pthread_mutex_unlock(&l->lock);
}

/* --- the rest --- */

/* O_NONBLOCK: what is no file, a FIFO, must not hold up the guest. */
static int open_log(int dir, const char *path, size_t bound)
{
	const int how = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	if (bound)
		return openat(dir, path, how | O_RDWR | O_TRUNC | O_NOFOLLOW,
			      0600);
	return openat(dir, path, how | O_WRONLY, 0666);
}

static void free_log(struct console_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	free(l->spare);
	free(l);
}

/* A file of the user's may end in the middle of a line. */
static bool ends_mid_line(int dir, const char *path)
{
	int fd =
		openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char last = '\n';

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size &&
	    pread(fd, &last, 1, st.st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

struct console_log *console_log_new(struct loop *loop, struct chardev *c,
				    int dir, const char *path, size_t bound,
				    struct err *e)
{
	struct console_log *l = calloc(1, sizeof(*l));
	struct chardev_tap tap = { .output = on_output, .ctx = l };
	int r = -ENOMEM;

	if (!l)
		goto fail;
	l->fd = -1;
	l->bound = bound;
	l->dir = dir;
	l->path = strdup(path);
	if (!l->path || asprintf(&l->spare, "%s.new", path) < 0) {
		l->spare = NULL;
		goto fail;
	}
	l->fd = open_log(dir, path, bound);
	r = l->fd < 0 ? -errno
		      : timer_open(&l->later, loop, CLOCK_MONOTONIC, on_time);
	if (r < 0)
		goto fail;
	pthread_mutex_init(&l->lock, NULL);
	if (!bound && ends_mid_line(dir, path))
		l->out[l->out_len++] = '\n';
	r = chardev_tap(c, &tap);
	if (r == 0)
		return l;
	timer_close(&l->later);
	pthread_mutex_destroy(&l->lock);
fail:
	if (l)
		free_log(l);
	err_host(e, r, "cannot log the console to '%s'", path);
	return NULL;
}

void console_log_free(struct console_log *l)
{
	if (!l)
		return;
	timer_close(&l->later);
	if (l->len || l->begun || l->dropped)
		end_line(l);
	flush(l);
	pthread_mutex_destroy(&l->lock);
	free_log(l);
}

/* --- reading --- */

static size_t word(const char *s, const char *end)
{
	const char *space = memchr(s, ' ', end - s);

	return space ? (size_t)(space - s) : 0;
}

/* "12 lines: why": how many, and *@text is why; 0 if it is not that. */
static uint64_t parse_lost(const char **text, const char *end)
{
	static const char words[] = " lines: ";
	const char *s = *text;
	uint64_t n = 0;

	for (; s < end && *s >= '0' && *s <= '9' && n < UINT64_MAX / 100; s++)
		n = n * 10 + *s - '0';
	if ((size_t)(end - s) < sizeof(words) - 1 ||
	    memcmp(s, words, sizeof(words) - 1))
		return 0;
	*text = s + sizeof(words) - 1;
	return n;
}

bool log_line_parse(struct log_line *l, const char *line, size_t len)
{
	const char *end = line + len;

	*l = (struct log_line){ .time = line };
	l->time_len = word(line, end);
	if (l->time_len != 24 || line[10] != 'T' || line[23] != 'Z')
		return false;
	l->level = line + l->time_len + 1;
	l->level_len = word(l->level, end);
	if (!l->level_len)
		return false;
	l->text = l->level + l->level_len + 1;
	if (l->level_len == 4 && !memcmp(l->level, "lost", 4))
		l->lost = parse_lost(&l->text, end);
	l->text_len = end - l->text;
	return true;
}
