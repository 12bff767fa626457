/* SPDX-License-Identifier: MIT */
/* What is said on standard error, heard. */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int saved, out;

/* Standard error, as it is said from here on to said(). */
static inline void listen_in(void)
{
	int fds[2];

	EQ(pipe2(fds, O_NONBLOCK), 0);
	out = fds[0];
	saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
}

/* At most 8 KiB of it. */
static inline const char *said(void)
{
	static char buf[8192];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	n = read(out, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	return buf;
}

static inline unsigned lines_said(void)
{
	const char *s = said();
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}
