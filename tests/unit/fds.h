/* SPDX-License-Identifier: MIT */
/* What a test leaves behind shows here. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/wait.h>

/* How many descriptors are open. */
static inline unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Neither one that runs, nor one that was not waited for. */
static inline bool no_child(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}
