/* SPDX-License-Identifier: MIT */
/* fw_cfg by DMA, for payloads (QEMU's docs/specs/fw_cfg.rst). */
#pragma once

#include "guest/rt/rt.h"

#define FW_CFG_DATA   MAP_FW_CFG_BASE
#define FW_CFG_SELECT (MAP_FW_CFG_BASE + 8)
#define FW_CFG_DMA    (MAP_FW_CFG_BASE + 16)

#define DMA_ERROR  0x01u
#define DMA_READ   0x02u
#define DMA_SELECT 0x08u

#define FW_CFG_FILES 32u

/* An entry of the directory; its numbers are big-endian. */
struct fw_cfg_file {
	uint32_t size;
	uint16_t key, reserved;
	char name[56];
};

/* What is left in the control word: 0, or DMA_ERROR. */
uint32_t fw_cfg_transfer(uint32_t control, uint64_t to, uint32_t len);

/* A request at that address. */
void fw_cfg_dma_at(uint64_t at);

/* The directory: @n entries. */
const struct fw_cfg_file *fw_cfg_dir(unsigned *n);

/* @len bytes of the file from its beginning, to @to; or the payload fails. */
void fw_cfg_read(const struct fw_cfg_file *f, void *to, uint32_t len);
