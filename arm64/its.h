/* SPDX-License-Identifier: MIT */
/*
 * The ITS, which takes a GICv3's messages and tells them apart by device id
 * (Arm IHI 0069, chapter 5). KVM emulates it.
 */
#pragma once

struct vm;

/*
 * its_create() - at MAP_ITS_BASE; the GIC is initialised
 *
 * Its descriptor, or -errno.
 */
int its_create(struct vm *vm);

/* Back to reset state, before the GIC's own. 0 or -errno. vCPUs stopped. */
int its_reset(int its_fd);
