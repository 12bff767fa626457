/* SPDX-License-Identifier: MIT */
/*
 * The machine's watchdog: which counter it compares with, and what a bite does.
 */
#include "arm64/counter.h"
#include "arm64/map.h"
#include "devices/sbsa_gwdt.h"
#include "machine/arch.h"
#include "machine/board_impl.h"

static uint64_t guest_counter(void *ctx)
{
	const struct board *b = ctx;

	return counter_of_guest(&b->vm);
}

static void bite(void *ctx)
{
	struct board *b = ctx;

	vm_post(&b->vm, VM_WATCHDOG, NULL, 0);
}

int arch_board_watchdog(struct board *b)
{
	static const struct place at = { MAP_WATCHDOG_BASE, MAP_WATCHDOG_SIZE,
					 SPI_WATCHDOG };
	struct irq irq = board_level_irq(b, at.line);
	struct sbsa_gwdt_host host = { .counter = guest_counter,
				       .hz = counter_hz(),
				       .bite = bite,
				       .ctx = b };
	int r = counter_find(&b->vm);

	if (!r)
		r = board_add(b, sbsa_gwdt_new(b->vm.loop, &irq, &host),
			      "the watchdog", &at);
	b->m.has_watchdog = !r;
	return r;
}
