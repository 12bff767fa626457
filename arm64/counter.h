/* SPDX-License-Identifier: MIT */
/*
 * The system counter: the host's view of it (CNTVCT_EL0), and a guest's, which
 * differs from that by a constant and stands still while the guest does.
 *
 * Elsewhere than on ARM64, where only tests run, ours counts nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vm;

/* The guest's counters; written by the main thread while no vCPU runs. */
struct guest_clock {
	bool runs_on; /* it never stands still */
	bool stopped;
	uint64_t virt, phys; /* while it is: CNTVCT_EL0, CNTPCT_EL0 */
	uint64_t offset; /* else: how far the one it goes by is behind ours */
};

/* Any thread. */
uint64_t counter_read(void);
/* Counts a second, the guest's too; not 0. */
uint64_t counter_hz(void);

/*
 * counter_find() - learn what the guest's counter is; before counter_of_guest()
 *
 * vCPUs not running. 0 or -errno, logged.
 */
int counter_find(struct vm *);

/*
 * counter_of_guest() - the counter that the guest goes by, now
 *
 * The virtual one at EL1, the physical one at EL2, as Linux has it. Any thread.
 */
uint64_t counter_of_guest(const struct vm *);

/*
 * counter_stop(), counter_go_on() - the guest's counters stand still between them
 *
 * But for one that runs on. Either may come twice. All vCPUs parked; main thread.
 */
void counter_stop(struct vm *);
void counter_go_on(struct vm *);
