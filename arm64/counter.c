/* SPDX-License-Identifier: MIT */
#include "arm64/counter.h"

#ifdef __aarch64__

uint64_t counter_read(void)
{
	uint64_t n;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(n) : : "memory");
	return n;
}

/* Linux itself runs on no host where it is 0. */
uint64_t counter_hz(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz ? hz : 1;
}

#else

#include <time.h>

uint64_t counter_read(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

uint64_t counter_hz(void)
{
	return 1000000000;
}

#endif
