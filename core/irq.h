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

struct irq {
	void (*set)(void *ctx, unsigned line, bool on);
	void *ctx;
	unsigned line;
};

static inline void irq_set(const struct irq *irq, bool on)
{
	irq->set(irq->ctx, irq->line, on);
}
