/* SPDX-License-Identifier: MIT */
/*
 * QEMU's PCI test device (1b36:0005; QEMU's docs/specs/pci-testdev.rst): what a
 * write to a BAR costs, and whether it arrives.
 *
 * BARs 0 and 1, of 4 KiB, each begin with a header, little endian: the number
 * of a test (1 byte, written to begin it), the width of its writes (1), two
 * bytes of nothing, where it writes (4), what it writes (4), how many writes
 * came (4), its name. The tests are writes that come as such, writes of any
 * value to an eventfd of KVM's, and writes of one value to such an eventfd.
 */
#pragma once

#include "devices/pci.h"

struct pci_testdev_host {
	/*
	 * From now on (@on), or no longer, have a write of one byte at @at, of
	 * *@match or, if that is NULL, of any value, signal @fd instead of
	 * arriving. 0 or -errno: then it goes on arriving. NULL: all do.
	 */
	int (*ioeventfd)(void *ctx, gpa_t at, const uint8_t *match, int fd,
			 bool on);
	void *ctx;
};

/*
 * pci_testdev_new() - to be given to pci_host_add()
 *
 * @host is copied. NULL with errno set.
 */
struct pci_function *pci_testdev_new(const struct pci_testdev_host *host);
