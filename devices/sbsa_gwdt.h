/* SPDX-License-Identifier: MIT */
/*
 * The generic watchdog of Arm's server machines (BSA, DEN0094, "Generic
 * watchdog"; SBSA, DEN0029, before), with an offset of 48 bits (version 1).
 *
 * A guest that has enabled it writes to the refresh frame before the system
 * counter has gone on by the offset. If it fails to, WS0 interrupts it; if it
 * fails again, WS1 says to whoever owns the machine that it hangs.
 *
 * The counter that it compares with is the guest's, which stands still while the
 * guest does.
 */
#pragma once

#include "core/device.h"
#include "core/irq.h"

struct loop;

/* Where the two frames are, of 4 KiB; apart, for pages of 64 KiB. */
#define SBSA_GWDT_CONTROL 0x00000
#define SBSA_GWDT_REFRESH 0x10000
#define SBSA_GWDT_FRAME	  0x01000
#define SBSA_GWDT_SIZE	  0x11000

struct sbsa_gwdt_host {
	/* The system counter as the guest reads it, any thread; per second. */
	uint64_t (*counter)(void *ctx);
	uint64_t hz;
	/* WS1, on the loop's thread; once until the guest refreshes. */
	void (*bite)(void *ctx);
	void *ctx;
};

/*
 * sbsa_gwdt_new() - a watchdog, not enabled
 *
 * On the loop's thread, or while nobody runs the loop. @irq is WS0, level
 * triggered; it is copied, as @host is. NULL with errno set.
 */
struct device *sbsa_gwdt_new(struct loop *, const struct irq *irq,
			     const struct sbsa_gwdt_host *host);
