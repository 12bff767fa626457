/* SPDX-License-Identifier: MIT */
/*
 * The system counter, by which a guest's timers go: the host's view of it
 * (CNTVCT_EL0), from which a guest's differs by a constant.
 *
 * Elsewhere than on ARM64, where only tests run, it counts nanoseconds.
 */
#pragma once

#include <stdint.h>

/* Any thread. */
uint64_t counter_read(void);
/* Counts a second; not 0. */
uint64_t counter_hz(void);
