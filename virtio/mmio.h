/* SPDX-License-Identifier: MIT */
/*
 * virtio over MMIO, version 2 (virtio 1.2, section 4.2), and 1, of before virtio
 * 1.0 (4.2.4).
 *
 * No request costs an exit to user space, nor does its interrupt:
 *
 * - Reading a register of this transport has no side effect. All of them, and
 *   the configuration space, therefore stand in a shadow of the window that the
 *   board can map into the guest, read-only; only writes exit.
 * - A queue's notifications and the usual acknowledgement of an interrupt go
 *   to eventfds, which are asked of the board when the first of each kind has
 *   exited. With version 1 each acknowledgement exits.
 */
#pragma once

#include "core/device.h"
#include "core/irq.h"

#define MMIO_WINDOW 0x200u

struct virtio;

/* What the transport asks of the board; @ctx tells it which device asks. */
struct mmio_host {
	/*
	 * From now on, have a write of the 4 bytes @value at @off in the window
	 * signal @fd instead of calling write(). 0 or -errno: then it goes on
	 * calling. It holds for as long as the VM exists; @fd is the device's.
	 * NULL: all notifications call write() and are served in there.
	 */
	int (*ioeventfd)(void *ctx, uint64_t off, uint32_t value, int fd);
	void *ctx;
};

/*
 * virtio_mmio_is_legacy() - was there a device of this kind before virtio 1.0?
 *
 * @id is its VIRTIO_ID_*. Only such a one can have registers of that time.
 */
bool virtio_mmio_is_legacy(uint32_t id);

/*
 * Fills @window, MMIO_WINDOW bytes of zeroes: a slot without a device, as on
 * QEMU, of version 1 if @legacy.
 */
void virtio_mmio_empty(void *window, bool legacy);

/*
 * virtio_mmio_new() - put @v behind a register window
 *
 * @v->legacy has been chosen. @irq is pulsed for each interrupt, an edge; for a
 * legacy driver it is a level, up from the interrupt to its acknowledgement.
 * @shadow, 4-byte aligned, receives the window's MMIO_WINDOW bytes; it stays the
 * caller's and outlives the device. NULL: only read() shows them. @host is copied.
 *
 * The device owns @v; NULL with errno set, and @v stays the caller's.
 */
struct device *virtio_mmio_new(struct virtio *v, const struct irq *irq,
			       void *shadow, const struct mmio_host *host);
