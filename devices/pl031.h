/* SPDX-License-Identifier: MIT */
/*
 * ARM PL031: a clock that counts seconds, with an alarm (DDI 0224).
 *
 * It runs from the start, and shows the host's time, in seconds since 1970,
 * until the guest sets it; then it keeps its distance to the host's clock, also
 * while the guest is paused: an alarm that passes then is told afterwards.
 */
#pragma once

#include "core/device.h"
#include "core/irq.h"

/* PeriphID3 to PeriphID0. */
#define PL031_PERIPH_ID 0x00141031 /* r1 */

struct loop;

#define PL031_SIZE 0x1000

/* NULL with errno set. @irq is level triggered; it is copied. */
struct device *pl031_new(struct loop *, const struct irq *irq);
