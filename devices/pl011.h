/* SPDX-License-Identifier: MIT */
/*
 * ARM PL011 UART (DDI 0183), without DMA and without a modem or a bit rate.
 */
#pragma once

#include "core/device.h"
#include "core/irq.h"

/* PeriphID3 to PeriphID0. */
#define PL011_PERIPH_ID 0x00141011 /* r1p3: FIFOs of 16 */

struct chardev;
struct loop;

#define PL011_SIZE 0x1000

/*
 * pl011_new() - a UART in front of @chr, which stays the caller's
 *
 * @irq is level triggered; it is copied. The device is freed before @chr is
 * closed, when nobody runs the loop, which @chr is on too. NULL with errno set.
 */
struct device *pl011_new(struct loop *, struct chardev *chr,
			 const struct irq *irq);
