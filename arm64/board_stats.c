/* SPDX-License-Identifier: MIT */
/*
 * What KVM counts of the board's VM.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm64/board_impl.h"
#include "core/log.h"
#include "core/stats.h"

#define EXITS "exits" /* KVM's name for them */

int board_open_exits(struct board *b, struct err *e)
{
	unsigned i;
	int r = 0;

	b->exits = calloc(b->vm.ncpus, sizeof(struct stats *));
	if (!b->exits)
		return -ENOMEM;
	for (i = 0; i < b->vm.ncpus && !r; i++) {
		r = stats_open(b->vm.vcpus[i].fd, &b->exits[i]);
		if (!r && !stats_find(b->exits[i], EXITS))
			r = -ENOTTY;
	}
	if (r == -ENOTTY)
		return err_set(e, r,
			       "--exit-counter: this host's KVM does not tell "
			       "how many exits there were; use Linux 5.14 or "
			       "newer, or leave it out");
	return r ? err_set(e, r, "--exit-counter: KVM's statistics: %s",
			   strerror(-r))
		 : 0;
}

void board_close_exits(struct board *b)
{
	unsigned i;

	for (i = 0; b->exits && i < b->vm.ncpus; i++)
		stats_close(b->exits[i]);
	free(b->exits);
	b->exits = NULL;
}

uint64_t board_count_exits(void *board)
{
	struct board *b = board;
	uint64_t n, sum = 0;
	unsigned i;

	for (i = 0; i < b->vm.ncpus; i++)
		if (!stats_read(b->exits[i], stats_find(b->exits[i], EXITS), &n,
				1))
			sum += n;
	return sum;
}
