/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg: through which firmware asks the VMM what the machine is and what it
 * shall boot (QEMU's docs/specs/fw_cfg.rst, its MMIO form with DMA).
 *
 * An item is a string of bytes with a key. Items of QEMU's own have fixed keys;
 * files have names, which a directory lists with the keys that they were given.
 * A guest only reads them.
 *
 * All items are made before the guest runs.
 */
#pragma once

#include <stddef.h>

#include "core/device.h"
#include "core/gmem.h"

/* Keys of what is no file. The sizes are 32-bit items of their own. */
enum {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_KERNEL_SIZE = 0x08,
	FW_CFG_INITRD_SIZE = 0x0b,
	FW_CFG_KERNEL_DATA = 0x11,
	FW_CFG_INITRD_DATA = 0x12,
	FW_CFG_CMDLINE_SIZE = 0x14,
	FW_CFG_CMDLINE_DATA = 0x15,
	FW_CFG_FILE_DIR = 0x19,
	FW_CFG_FILE_FIRST = 0x20,
};

#define FW_CFG_FILES	 32u /* at most */
#define FW_CFG_NAME_SIZE 56u /* with the terminating NUL */

struct fw_cfg;
struct fw_cfg_item;

/* The device, with its signature and no files. NULL: no memory. */
struct fw_cfg *fw_cfg_new(const struct gmem *);

/* For the bus, which frees it. */
struct device *fw_cfg_device(struct fw_cfg *);

/*
 * fw_cfg_item(), fw_cfg_file() - an item, empty as yet
 *
 * The name is not empty and shorter than FW_CFG_NAME_SIZE. NULL if not, if there
 * is no room for more, or another file has the name.
 */
struct fw_cfg_item *fw_cfg_item(struct fw_cfg *, uint16_t key);
struct fw_cfg_item *fw_cfg_file(struct fw_cfg *, const char *name);

/*
 * fw_cfg_append() - a copy of @len bytes at the end of an item
 * fw_cfg_append_fd() - the first @len bytes of a file, read when they are asked
 *
 * 0; -ENOMEM; -EFBIG if the item would not be shorter than 4 GiB. The descriptor
 * is the device's, if it succeeds.
 */
int fw_cfg_append(struct fw_cfg_item *, const void *data, size_t len);
int fw_cfg_append_fd(struct fw_cfg_item *, int fd, uint64_t len);

/* Bytes so far. */
uint32_t fw_cfg_size(const struct fw_cfg_item *);
