/* SPDX-License-Identifier: MIT */
/*
 * What the host says of itself, as text.
 */
#pragma once

#include <stdbool.h>

#define THP_ENABLED "/sys/kernel/mm/transparent_hugepage/enabled"

struct host_info {
	char release[65];   /* uname -r */
	char machine[65];   /* uname -m */
	char cmdline[4096]; /* /proc/cmdline; empty if it cannot be read */
	bool thp_never;	    /* no transparent huge pages, whoever asks */
};

/* Any thread; what cannot be read is empty. */
void host_info_read(struct host_info *);
