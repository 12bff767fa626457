/* SPDX-License-Identifier: MIT */
/*
 * One bank of NOR flash with the Common Flash Interface (JESD68) and Intel's
 * command set 0x0001, as two 16-bit chips side by side on a 32-bit bus: what
 * QEMU's `virt` board has, and what EDK2's, U-Boot's and Linux's drivers are
 * used to. Erase blocks are of 256 KiB, the buffer for programs of 4 KiB.
 *
 * Programming and erasing take no time: the status register always says ready.
 * Locking a block is accepted, and locks nothing. A mistake in a sequence of
 * commands shows in the status register, as on a chip.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/device.h"

#define CFI_FLASH_BLOCK	 (256u << 10)
#define CFI_FLASH_BUFFER 4096u

/* What is behind a bank. */
struct cfi_flash_host {
	/* The contents, which store() alone changes. NULL: all is erased. */
	const uint8_t *(*mem)(void *ctx);
	/*
	 * The @len bytes at @off become @buf, in the order of their addresses.
	 * 0, or -errno: the guest sees that programming failed. NULL: the bank
	 * is write-protected.
	 */
	int (*store)(void *ctx, uint64_t off, const void *buf, size_t len);
	/*
	 * Reads give the contents from now on, or something else: so the board
	 * may let the guest read the memory itself. At the beginning they do.
	 */
	void (*array)(void *ctx, bool on);
	void *ctx;
};

/*
 * cfi_flash_new() - a bank of @size bytes, a power of two of at least 512 KiB
 *
 * The callbacks run under the bank's lock, on the thread of the vCPU whose access
 * it is, or on the one that resets. NULL with errno set.
 */
struct device *cfi_flash_new(const struct cfi_flash_host *host, uint64_t size);
