/* SPDX-License-Identifier: MIT */
/*
 * pvpanic: a register of one byte in which a guest says that it has crashed
 * (QEMU's docs/specs/pvpanic.rst). Of its events, a regular shutdown is not one
 * here: for that a guest has PSCI.
 */
#pragma once

#include "core/device.h"

#define PVPANIC_PANICKED     (1u << 0)
#define PVPANIC_CRASH_LOADED (1u << 1) /* a crash kernel takes over */

/*
 * pvpanic_new() - @event(@ctx, bits) runs on the vCPU's thread that wrote
 *
 * NULL with errno set.
 */
struct device *pvpanic_new(void (*event)(void *ctx, unsigned bits), void *ctx);
