/* SPDX-License-Identifier: MIT */
/*
 * The host's kernel, architecture and command line, from uname(2) and /proc, and
 * what /sys says of its memory.
 */
#include "host/info.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void read_text(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = 0;

	if (f) {
		n = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[n] = '\0';
}

void host_info_read(struct host_info *h)
{
	struct utsname u;
	char thp[64];

	*h = (struct host_info){ 0 };
	if (!uname(&u)) {
		snprintf(h->release, sizeof(h->release), "%s", u.release);
		snprintf(h->machine, sizeof(h->machine), "%s", u.machine);
	}
	read_text("/proc/cmdline", h->cmdline, sizeof(h->cmdline));
	read_text(THP_ENABLED, thp, sizeof(thp));
	h->thp_never = strstr(thp, "[never]");
}
