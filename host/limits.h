/* SPDX-License-Identifier: MIT */
/* What the system lets this process have. */
#pragma once

/*
 * limits_files() - as many open files as may be: up to the hard limit
 *
 * The usual soft limit, 1024, is there for select(), which nobody here uses.
 */
void limits_files(void);

/* How many that are now. */
unsigned long long limits_files_now(void);
