/* SPDX-License-Identifier: MIT */
/* The machine's watchdog: which counter it compares with, and whom it tells. */
#include <string.h>

#include "arm64/board.h"
#include "arm64/counter.h"
#include "arm64/map.h"
#include "core/kvm.h"
#include "core/log.h"
#include "devices/sbsa_gwdt.h"
#include "machine/arch.h"

static uint64_t guest_counter(void *ctx)
{
	return counter_read() - arm_board(ctx)->counter_offset;
}

static void bite(void *ctx)
{
	struct board *b = ctx;

	vm_post(&b->vm, VM_WATCHDOG, NULL, 0);
}

/*
 * Which counter Linux compares the watchdog's with: the virtual one at EL1,
 * the physical one at EL2.
 */
static int find_counter(struct board *b)
{
	uint64_t now;
	int r = vcpu_get_reg(&b->vm.vcpus[0],
			     b->m.el2 ? KVM_REG_ARM_PTIMER_CNT
				      : KVM_REG_ARM_TIMER_CNT,
			     &now);

	if (r < 0)
		log_warnx("reading the guest's counter: %s", strerror(-r));
	else
		arm_board(b)->counter_offset = counter_read() - now;
	return r;
}

int arch_board_watchdog(struct board *b)
{
	struct irq irq = board_level_irq(b, SPI_WATCHDOG);
	struct sbsa_gwdt_host host = { .counter = guest_counter,
				       .hz = counter_hz(),
				       .bite = bite,
				       .ctx = b };
	int r = find_counter(b);

	if (!r)
		r = board_add(b, sbsa_gwdt_new(b->vm.loop, &irq, &host),
			      "the watchdog", MAP_WATCHDOG_BASE,
			      MAP_WATCHDOG_SIZE);
	b->m.has_watchdog = !r;
	return r;
}
