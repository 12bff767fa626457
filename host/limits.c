/* SPDX-License-Identifier: MIT */
/* The limit on open files, raised as far as it may be. */
#include "host/limits.h"

#include <sys/resource.h>

void limits_files(unsigned enough)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < enough &&
	    l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

unsigned long long limits_files_now(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_NOFILE, &l) < 0 ? 0 : l.rlim_cur;
}
