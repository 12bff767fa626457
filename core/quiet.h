/* SPDX-License-Identifier: MIT */
/*
 * Waiting until several others are quiet, and being told when all of them are.
 *
 * The caller asks each of them in turn, between quiet_begin() and
 * quiet_asked(). One that is quiet already just returns; any other calls
 * quiet_wait(), keeps the pointer, and calls quiet_done() when it is quiet, on
 * any thread. Nobody blocks: the last call of quiet_done() posts the task.
 */
#pragma once

#include "core/loop.h"

struct quiet {
	struct loop *loop;
	struct task *all; /* posted to @loop when all are quiet */
	unsigned busy;	  /* atomic: those waited for, and the one who asks */
};

/* Nobody has been asked yet. The task must stay, and so must @q. */
void quiet_begin(struct quiet *q, struct loop *loop, struct task *all);
/* All have been asked. */
void quiet_asked(struct quiet *q);

/* Wait for one more; only while being asked. */
void quiet_wait(struct quiet *q);
/* That one is quiet now; once for each quiet_wait(). Any thread. */
void quiet_done(struct quiet *q);
