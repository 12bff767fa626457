/* SPDX-License-Identifier: MIT */
/* What the system lets this process have. */
#pragma once

/*
 * limits_files() - have @enough open files, or as many as may be
 *
 * If the soft limit is lower, it becomes the hard one: the usual 1024 is there
 * for select(), which nobody here uses.
 */
void limits_files(unsigned enough);

/* How many that are now. */
unsigned long long limits_files_now(void);
