/* SPDX-License-Identifier: MIT */
/*
 * How messages and pulses reach the guest's interrupt controller: an eventfd
 * each, which KVM turns into an interrupt without user space (KVM_IRQFD), by a
 * table that says what each stands for (KVM_SET_GSI_ROUTING).
 *
 * What takes a message, and what KVM is to make of it, the architecture says
 * (arch_msi_entry()).
 *
 * All functions but those that say otherwise may be called on any thread.
 */
#pragma once

#include "machine/machine.h"
#include "core/irq.h"

struct vm;
struct msi_router;
struct msi_source;

/* Before any vCPU runs; @m outlives it. NULL with errno set. */
struct msi_router *msi_router_new(struct vm *vm, const struct machine *m);
void msi_router_free(struct msi_router *);

/*
 * msi_pulse() - one pulse of line @line, by an eventfd made at the first
 *
 * For edge-triggered lines that one device has for itself: one thread at a
 * time for each.
 */
void msi_pulse(struct msi_router *, unsigned line);

/*
 * msi_source_new() - @n messages of the PCI function with requester id @id
 *
 * Before any vCPU runs. The router's; NULL with errno set. msi_of() is what the
 * function gets.
 */
struct msi_source *msi_source_new(struct msi_router *, uint16_t id, unsigned n);
struct msi msi_of(struct msi_source *);
