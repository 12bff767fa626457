/* SPDX-License-Identifier: MIT */
/*
 * The machine's watchdog: which counter it compares with, and what a bite does.
 */
#include "arm64/counter.h"
#include "arm64/map.h"
#include "devices/sbsa_gwdt.h"
#include "machine/arch.h"
#include "machine/board_impl.h"
#include "machine/tree.h"

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

int arch_board_watchdog(struct board *b, struct err *e)
{
	static const struct place at = { MAP_WATCHDOG_BASE, MAP_WATCHDOG_SIZE,
					 SPI_WATCHDOG };
	struct irq irq = board_level_irq(b, at.line);
	struct sbsa_gwdt_host host = { .counter = guest_counter,
				       .hz = counter_hz(),
				       .bite = bite,
				       .ctx = b };
	int r;

	(void)e;
	if (!b->cfg->watchdog)
		return 0;
	r = counter_find(&b->vm);
	if (!r)
		r = board_add(b, sbsa_gwdt_new(b->vm.loop, &irq, &host),
			      "the watchdog", &at);
	b->m.has_watchdog = !r;
	return r;
}

/* Its own order of frames: control, refresh (arm,sbsa-gwdt.yaml). */
void arch_watchdog_node(struct tree *t, const struct machine *m)
{
	if (!m->has_watchdog)
		return;
	tree_node_at(t, "watchdog", MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL);
	tree_interrupt(t, SPI_WATCHDOG, false);
	tree_cells(t, "reg",
		   TREE_REGION(MAP_WATCHDOG_BASE + SBSA_GWDT_CONTROL,
			       SBSA_GWDT_FRAME),
		   TREE_REGION(MAP_WATCHDOG_BASE + SBSA_GWDT_REFRESH,
			       SBSA_GWDT_FRAME));
	tree_string(t, "compatible", "arm,sbsa-gwdt");
	tree_end(t);
}
