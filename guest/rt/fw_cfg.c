/* SPDX-License-Identifier: MIT */
/* Requests by DMA, and the directory: see the header. */
#include "guest/rt/fw_cfg.h"

#define FILE_DIR 0x19u

static struct {
	uint32_t control, length;
	uint64_t address;
} request;

static struct fw_cfg_file dir[FW_CFG_FILES];

void fw_cfg_dma_at(uint64_t at)
{
	asm volatile("str %0, [%1]" ::"r"(__builtin_bswap64(at)),
		     "r"(FW_CFG_DMA)
		     : "memory");
}

uint32_t fw_cfg_transfer(uint32_t control, uint64_t to, uint32_t len)
{
	volatile uint32_t *left = &request.control;

	request.control = __builtin_bswap32(control);
	request.length = __builtin_bswap32(len);
	request.address = __builtin_bswap64(to);
	dsb();
	fw_cfg_dma_at((uint64_t)&request);
	dsb();
	return __builtin_bswap32(*left);
}

const struct fw_cfg_file *fw_cfg_dir(unsigned *n)
{
	uint32_t count;

	if (fw_cfg_transfer(FILE_DIR << 16 | DMA_SELECT | DMA_READ,
			    (uint64_t)&count, 4))
		fail("no directory\n");
	count = __builtin_bswap32(count);
	if (count > FW_CFG_FILES ||
	    fw_cfg_transfer(DMA_READ, (uint64_t)dir, sizeof(dir[0]) * count))
		fail("%u files\n", (uint64_t)count);
	*n = count;
	return dir;
}

void fw_cfg_read(const struct fw_cfg_file *f, void *to, uint32_t len)
{
	if (fw_cfg_transfer((uint32_t)__builtin_bswap16(f->key) << 16 |
				    DMA_SELECT | DMA_READ,
			    (uint64_t)to, len))
		fail("cannot read %s\n", f->name);
}
