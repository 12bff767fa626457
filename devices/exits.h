/* SPDX-License-Identifier: MIT */
/*
 * The exit counter: a register of 64 bits in which a guest reads how many
 * times its vCPUs have left to the host so far.
 *
 * The read is itself an exit, the last one counted. A program that measures
 * reads twice, and subtracts one from the difference.
 */
#pragma once

#include "core/device.h"

/*
 * exits_new() - @count(@ctx) gives the number, on the vCPU's thread that reads
 *
 * NULL with errno set. Reads of 8 bytes at 0, or of 4 at 0 (low half) and 4,
 * which are two samples; anything else gives 0. Writes are ignored.
 */
struct device *exits_new(uint64_t (*count)(void *ctx), void *ctx);
