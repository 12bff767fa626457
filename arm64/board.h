/* SPDX-License-Identifier: MIT */
/* What arm64/ keeps of a board. */
#pragma once

#include "arm64/vcpu.h"
#include "machine/board_impl.h"

struct arm_board {
	struct vcpu_model model;  /* first: the VM's arch begins with it */
	struct cpu_template *cpu; /* NULL: as the host's */
	int gic_fd, its_fd;
};

static inline struct arm_board *arm_board(const struct board *b)
{
	return b->vm.arch;
}
