/* SPDX-License-Identifier: MIT */
/*
 * An interrupt line, as a device sees it: something to raise and lower.
 *
 * The board says what is behind it: KVM_IRQ_LINE for a level, an irqfd for an
 * edge (set(true) is then one pulse and set(false) nothing). Any thread may
 * call it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct irq {
	void (*set)(void *ctx, unsigned line, bool on);
	void *ctx;
	unsigned line;
};

static inline void irq_set(const struct irq *irq, bool on)
{
	irq->set(irq->ctx, irq->line, on);
}

/*
 * Message-signalled interrupts of one device, as it sees them: numbered, each
 * with an address and data that the guest has chosen.
 *
 * The device calls route() before it sends a message for the first time or
 * after a change, and never two of these at once for the same message. Any
 * thread may call them. A message that the machine cannot deliver is lost, as
 * on a bus where nobody answers.
 */
struct msi {
	void (*route)(void *ctx, unsigned n, uint64_t addr, uint32_t data);
	void (*send)(void *ctx, unsigned n);
	void *ctx;
};
