/* SPDX-License-Identifier: MIT */
/*
 * Has the guest halted for good?
 *
 * Theory of operation: the architecture says whether anything could still wake
 * a vCPU, once they are stopped (arch_has_halted()).
 *
 * A timer looks each second. The vCPUs are stopped for that, unless all of them
 * sleep and some have run since the last look: then something wakes them.
 * Stopping a vCPU ends its sleep, as architectures allow; one that has halted
 * for good comes back to it. The guest is believed to have halted when that has
 * happened, and all is as before one or two looks later.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "machine/arch.h"
#include "machine/board_impl.h"
#include "core/log.h"
#include "core/util.h"

/* Is it worth stopping them? */
static bool is_quiet(struct board *b)
{
	uint64_t ran = vm_cpu_time(&b->vm);
	bool same = ran == b->halt.ran, all = true;
	unsigned i;

	b->halt.ran = ran;
	for (i = 0; i < b->vm.ncpus; i++) {
		b->halt.slept[i] = vcpu_sleeps(&b->vm.vcpus[i]);
		all &= b->halt.slept[i];
	}
	return !all || same;
}

bool board_look_for_halt(struct board *b)
{
	struct halt_watch *h = &b->halt;
	bool halted;

	h->looks++;
	if (!is_quiet(b) || !vm_park(&b->vm))
		return false;
	halted = arch_has_halted(b);
	vm_unpark(&b->vm);
	if (halted && h->suspected && h->looks - h->suspected <= 2)
		return true;
	h->suspected = halted ? h->looks : 0;
	return false;
}

static void look(struct timer *t)
{
	struct board *b = container_of(t, struct board, halt.timer);

	if (board_look_for_halt(b))
		vm_post(&b->vm, VM_HALTED, NULL, 0);
	else
		timer_after(t, NSEC_PER_SEC);
}

int board_open_halt(struct board *b)
{
	int r;

	b->halt.slept = calloc(b->vm.ncpus, sizeof(bool));
	if (!b->halt.slept) {
		log_warnx("no memory for --detect-halt");
		return -ENOMEM;
	}
	r = timer_open(&b->halt.timer, b->vm.loop, CLOCK_MONOTONIC, look);

	if (r < 0)
		log_warnx("a timer for --detect-halt: %s", strerror(-r));
	return r;
}

void board_watch_for_halt(struct board *b)
{
	if (!timer_is_open(&b->halt.timer))
		return;
	b->halt.suspected = 0;
	timer_after(&b->halt.timer, NSEC_PER_SEC);
}

void board_close_halt(struct board *b)
{
	timer_close(&b->halt.timer);
	free(b->halt.slept);
}
