/* SPDX-License-Identifier: MIT */
/*
 * How messages and pulses reach the guest's GIC: an eventfd each, which KVM
 * turns into an interrupt without user space (KVM_IRQFD), by a table that says
 * what each stands for (KVM_SET_GSI_ROUTING).
 *
 * Messages go to a GICv3's ITS, which KVM emulates, told apart by device id
 * (Arm IHI 0069, chapter 5); on a GICv2 to the SPIs of a GICv2m frame (Arm
 * DEN0029, "GICv2m"), which is nestor's own device.
 *
 * All functions but those that say otherwise may be called on any thread.
 */
#pragma once

#include "machine/machine.h"
#include "core/irq.h"

struct vm;
struct device;
struct msi_router;
struct msi_source;

/*
 * its_create() - KVM's ITS at MAP_ITS_BASE; the GIC is initialised
 *
 * Its descriptor, or -errno.
 */
int its_create(struct vm *vm);

/* Back to reset state, before the GIC's own. 0 or -errno. vCPUs stopped. */
int its_reset(int its_fd);

/* Before any vCPU runs. NULL with errno set. */
struct msi_router *msi_router_new(struct vm *vm, const struct machine *m);
void msi_router_free(struct msi_router *);

/*
 * msi_pulse() - one pulse of SPI @spi, by an eventfd made at the first
 *
 * For edge-triggered lines that one device has for itself: one thread at a
 * time for each SPI.
 */
void msi_pulse(struct msi_router *, unsigned spi);

/*
 * msi_source_new() - @n messages of the PCI function with requester id @id
 *
 * Before any vCPU runs. The router's; NULL with errno set. msi_of() is what the
 * function gets.
 */
struct msi_source *msi_source_new(struct msi_router *, uint16_t id, unsigned n);
struct msi msi_of(struct msi_source *);

/* The device at MAP_V2M_BASE. NULL with errno set. */
struct device *gicv2m_new(struct msi_router *);
