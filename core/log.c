/* SPDX-License-Identifier: MIT */
/*
 * Lines on standard error: escaped, marked with a priority for the journal, and
 * kept below a bound where standard error is a file.
 */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/remedy.h"

enum log_level log_level = LOG_WARN;
size_t log_bound;

/*
 * Does standard error go to the journal, which knows who speaks, and wants to
 * know how grave it is? $JOURNAL_STREAM says so (systemd.exec(5)).
 */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

/*
 * Move the newer half, from where a line begins, to the beginning. If two
 * threads do this at once, less is kept; what is written meanwhile may be lost.
 */
static void shrink(size_t size)
{
	char *buf = malloc(log_bound / 2), *nl = NULL;
	ssize_t n = -1;

	if (buf)
		n = pread(STDERR_FILENO, buf, log_bound / 2,
			  size - log_bound / 2);
	if (n > 0)
		nl = memchr(buf, '\n', n);
	if (ftruncate(STDERR_FILENO, 0) == 0 && nl &&
	    write(STDERR_FILENO, nl + 1, n - (nl + 1 - buf)) < 0) {
		/* Nobody is left to tell. */
	}
	free(buf);
}

static void keep_bound(void)
{
	struct stat st;

	if (log_bound && fstat(STDERR_FILENO, &st) == 0 &&
	    (size_t)st.st_size > log_bound)
		shrink(st.st_size);
}

/* syslog(3)'s number of a level. */
static int priority(enum log_level level)
{
	static const int priorities[] = {
		[LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_DEBUG] = 7
	};

	return priorities[level];
}

/*
 * @n bytes at @s, at most @room with the zero, as a person may see them: what a
 * path, a file or a guest put into a sentence must not move the cursor, change
 * the terminal or begin a line that looks like ours. Their length.
 *
 * Text that is escaped already stays as it is, since one message may hold
 * another.
 */
static int show(char *to, int room, const char *s, int n)
{
	const unsigned char *p = (const unsigned char *)s;
	int len = 0, i;

	for (i = 0; i < n && len < room - 1; i++) {
		if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f) {
			if (len == room - 2)
				break;
			to[len++] = '^';
			to[len++] = p[i] ^ 0x40;
		} else if (p[i] == 0xc2 && i + 1 < n && (p[i + 1] >> 5) == 4) {
			to[len++] = '?'; /* a C1 control in UTF-8 */
			i++;
		} else {
			to[len++] = p[i];
		}
	}
	to[len] = '\0';
	return len;
}

/*
 * One write() a line, so that lines of several threads do not mix. A terminal
 * in raw mode needs the carriage return.
 */
static void emit(enum log_level level, const char *fmt, va_list ap, int err)
{
	char text[1000], line[1024];
	const int room = sizeof(text);
	int n, begin, keep = errno;

	if (level > log_level)
		return;
	begin = to_journal()
			? snprintf(line, sizeof(line), "<%d>", priority(level))
			: snprintf(line, sizeof(line), "nestor: ");
	n = vsnprintf(text, room, fmt, ap);
	if (n < room && err)
		n += snprintf(text + n, room - n, ": %s", strerror(err));
	if (n >= room)
		n = room - 1;
	n = begin + show(line + begin, (int)sizeof(line) - 2 - begin, text, n);
	if (isatty(STDERR_FILENO))
		line[n++] = '\r';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0) {
		/* Nobody is left to tell. */
	}
	keep_bound();
	errno = keep;
}

#define EMIT(level, err)                       \
	do {                                   \
		va_list ap;                    \
		va_start(ap, fmt);             \
		emit((level), fmt, ap, (err)); \
		va_end(ap);                    \
	} while (0)

void log_errorx(const char *fmt, ...)
{
	EMIT(LOG_ERROR, 0);
}

void log_warn(const char *fmt, ...)
{
	EMIT(LOG_WARN, errno);
}

void log_warnx(const char *fmt, ...)
{
	EMIT(LOG_WARN, 0);
}

void log_debug(const char *fmt, ...)
{
	EMIT(LOG_DEBUG, 0);
}

void log_guest(struct log_limit *l, const char *fmt, ...)
{
	unsigned long n = __atomic_add_fetch(&l->count, 1, __ATOMIC_RELAXED);

	if ((n & (n - 1)) == 0)
		EMIT(LOG_WARN, 0);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show(e->text, sizeof(e->text), text,
	     n < (int)sizeof(text) ? n : (int)sizeof(text) - 1);
	return code;
}

int err_no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "out of memory");
}

int log_failure(const char *what, int r)
{
	const char *cure = remedy_limit(-r);

	if (r < 0)
		log_warnx("%s: %s%s%s", what, strerror(-r), cure ? "; " : "",
			  cure ? cure : "");
	return r < 0 ? r : 0;
}
