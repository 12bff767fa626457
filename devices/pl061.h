/* SPDX-License-Identifier: MIT */
/*
 * ARM PL061: eight lines of general purpose I/O (DDI 0190).
 *
 * The guest's outputs lead nowhere; inputs are what the board sets.
 */
#pragma once

#include <stdbool.h>

#include "core/device.h"
#include "core/irq.h"

/* PeriphID3 to PeriphID0. */
#define PL061_PERIPH_ID 0x00041061

struct loop;

#define PL061_LINES 8u
#define PL061_SIZE  0x1000

/* NULL with errno set. @irq is level triggered; it is copied. */
struct device *pl061_new(struct loop *, const struct irq *irq);

/* Drive the input @line (< PL061_LINES); any thread. */
void pl061_set_input(struct device *, unsigned line, bool level);

/*
 * pl061_press() - drive @line high for a tenth of a second
 *
 * And for as long as the guest, if it waits for edges, has not acknowledged this
 * one, and a twentieth of a second more: a slow one does not miss it, and one that
 * looks some milliseconds later (debouncing) still finds the button pressed. One
 * at a time. Any thread.
 */
void pl061_press(struct device *, unsigned line);
