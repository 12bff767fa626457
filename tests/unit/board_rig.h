/* SPDX-License-Identifier: MIT */
/*
 * A board to look at: a configuration with a kernel of four bytes, the board
 * made of it against the scripted KVM, and where in KVM's log a call stands.
 */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "machine/board.h"
#include "core/log.h"
#include "core/loop.h"
#include "host/chardev.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

static char *board_rig_kernel;
static struct board_host board_rig_host;

static inline struct config board_rig_config(void)
{
	int fd;

	board_rig_kernel = test_path("kernel");
	fd = open(board_rig_kernel, O_WRONLY | O_CREAT, 0600);
	OK(fd >= 0 && write(fd, "\0\0\0\x14", 4) == 4);
	close(fd);
	return (struct config){ .kernel = board_rig_kernel,
				.cpus = 1,
				.memory = 64ull << 20,
				.console = CONSOLE_NONE,
				.pmu = true,
				.sve = true,
				.pauth = true,
				.its = true };
}

static inline int board_rig_make(const struct config *c, struct board **b,
				 struct err *e)
{
	*b = NULL;
	board_rig_host = (struct board_host){ .loop = loop_new() };
	board_rig_host.terminal = chardev_open(board_rig_host.loop, "null", e);
	OK(board_rig_host.terminal);
	e->text[0] = 0;
	return board_new(c, &board_rig_host, b, e);
}

static inline void board_rig_unmake(struct board *b)
{
	if (b)
		board_free(b);
	chardev_close(board_rig_host.terminal);
	loop_free(board_rig_host.loop);
}

/* Where in the log the first call stands that begins with @line. */
static inline long board_rig_at(const char *line)
{
	const char *log = fake_kvm_log(), *p = strstr(log, line);

	if (!p)
		FAIL("no \"%s\" in:\n%s", line, log);
	return p - log;
}
