/* SPDX-License-Identifier: MIT */
/*
 * Moments as text. The C library's ways read /etc/localtime first, even for
 * UTC: a file that nobody needs, in the middle of a VM's life.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

/* With the terminating zero. */
#define UTC_SIZE 32

/*
 * utc_text() - @t (CLOCK_REALTIME) as 2026-11-26T19:40:38.123Z; its length
 *
 * Without the milliseconds if @fine is false. Years have four digits.
 */
int utc_text(char text[UTC_SIZE], const struct timespec *t, bool fine);
