/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller, which KVM emulates: GICv3, or GICv2 on a host that
 * has nothing else.
 */
#pragma once

#include "machine/machine.h"

struct vm;
struct err;

/*
 * Interrupts the guest sees: SGIs, PPIs and 256 SPIs, which is what programs for
 * QEMU's board count on. The map uses fewer: arch_irq_lines().
 */
#define GIC_INTIDS 288u

/*
 * gic_create() - the device and its addresses; all vCPUs exist
 *
 * Sets @m->gic to what there is. Returns the device's descriptor, or -errno
 * with a sentence in @e if @m->cpus is more than this GIC serves; other
 * failures are logged.
 */
int gic_create(struct vm *vm, struct machine *m, struct err *e);

/* No more changes; the last step before a vCPU may run. 0 or -errno, logged. */
int gic_init(int gic_fd);

/*
 * What can interrupt a vCPU: whether any SPI or LPI is enabled, and which SGIs
 * and PPIs of vCPU @cpu are, a bit for each INTID. None while the distributor
 * is off. What cannot be read counts as enabled. vCPUs stopped.
 */
bool gic_shared_enabled(int gic_fd, const struct machine *m);
uint32_t gic_private_enabled(int gic_fd, const struct machine *m, unsigned cpu);

/* Back to reset state, for a reboot in place. vCPUs stopped. */
int gic_reset(int gic_fd, const struct machine *m);
