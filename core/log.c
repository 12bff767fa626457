/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum log_level log_level = LOG_WARN;

/*
 * One write() a line, so that lines of several threads do not mix. A terminal
 * in raw mode needs the carriage return.
 */
static void emit(enum log_level level, const char *fmt, va_list ap, int err)
{
	char line[1024];
	const int room = sizeof(line) - 2;
	int n, keep = errno;

	if (level > log_level)
		return;
	n = snprintf(line, room, "nestor: ");
	n += vsnprintf(line + n, room - n, fmt, ap);
	if (n < room && err)
		n += snprintf(line + n, room - n, ": %s", strerror(err));
	if (n >= room)
		n = room - 1;
	if (isatty(STDERR_FILENO))
		line[n++] = '\r';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0) {
		/* Nobody is left to tell. */
	}
	errno = keep;
}

#define EMIT(level, err)                       \
	do {                                   \
		va_list ap;                    \
		va_start(ap, fmt);             \
		emit((level), fmt, ap, (err)); \
		va_end(ap);                    \
	} while (0)

void log_warn(const char *fmt, ...)
{
	EMIT(LOG_WARN, errno);
}

void log_warnx(const char *fmt, ...)
{
	EMIT(LOG_WARN, 0);
}

void log_info(const char *fmt, ...)
{
	EMIT(LOG_INFO, 0);
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
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return code;
}
