/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg, from within: what is in it, by the data register and by DMA, and what
 * a hostile guest asks for. If a kernel is to be handed over (this payload is
 * then the firmware), it is read as EDK2 does, and its cost told.
 */
#include "guest/rt/fw_cfg.h"

#define KERNEL_SIZE 0x08
#define KERNEL_DATA 0x11

#define FAR_AWAY (MAP_RAM_BASE + 0x8000000) /* 128 MiB into RAM */

static void select(uint16_t key)
{
	asm volatile("strh %w0, [%1]" ::"r"(__builtin_bswap16(key)),
		     "r"(FW_CFG_SELECT)
		     : "memory");
}

static uint64_t read_data64(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(FW_CFG_DATA) : "memory");
	return v;
}

static uint64_t exits(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(MAP_EXITS_BASE) : "memory");
	return v;
}

static void signature(void)
{
	select(0);
	if ((uint32_t)mmio_read32(FW_CFG_DATA) != 0x554d4551)
		fail("no signature\n");
	select(1);
	if (!(mmio_read32(FW_CFG_DATA) & 2))
		fail("no DMA\n");
	pass("signature and DMA");
}

static bool before(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a < (unsigned char)*b;
}

static void print_file(const struct fw_cfg_file *f)
{
	static char text[64];
	uint32_t size = __builtin_bswap32(f->size), j;

	if (size > sizeof(text) - 1)
		size = sizeof(text) - 1;
	fw_cfg_read(f, text, size);
	for (j = 0; j < size; j++)
		if (text[j] < ' ' || text[j] > '~')
			text[j] = '.';
	text[size] = '\0';
	print("%s (%u): %s\n", f->name, (uint64_t)__builtin_bswap32(f->size),
	      text);
}

static void files(void)
{
	unsigned n, i;
	const struct fw_cfg_file *dir = fw_cfg_dir(&n);

	for (i = 0; i < n; i++) {
		if (i && !before(dir[i - 1].name, dir[i].name))
			fail("%s is out of order\n", dir[i].name);
		print_file(&dir[i]);
	}
	pass("the directory is in order");
}

static void hostile(void)
{
	static const struct {
		uint64_t to;
		uint32_t len;
	} bad[] = {
		{ 0, 4 },
		{ FW_CFG_DMA, 16 },
		{ MAP_FLASH_BASE, 0xffffffff },
		{ ~0ull, 4 },
		{ ~0ull - 3, 8 },
		{ MAP_RAM_BASE, 0xffffffff },
		{ MAP_RAM_BASE - 4, 8 },
	};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (fw_cfg_transfer(DMA_SELECT | DMA_READ, bad[i].to,
				    bad[i].len) != DMA_ERROR)
			fail("%x bytes went to %x\n", (uint64_t)bad[i].len,
			     bad[i].to);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		fw_cfg_dma_at(bad[i].to);
	for (i = 0; i < 0x10000; i += 0x101) {
		select(i);
		read_data64();
	}
	signature();
	pass("F1: selectors and lengths are bounded");
}

static void kernel(void)
{
	uint32_t size;
	uint64_t t0, n;

	select(KERNEL_SIZE);
	size = mmio_read32(FW_CFG_DATA);
	if (!size)
		return;
	t0 = exits();
	if (fw_cfg_transfer(KERNEL_DATA << 16 | DMA_SELECT | DMA_READ, FAR_AWAY,
			    size))
		fail("the kernel cannot be read\n");
	n = exits() - t0 - 1;
	print("kernel: %u bytes, begins %x, in %u exits\n", (uint64_t)size,
	      (uint64_t)mmio_read32(FAR_AWAY), n);
}

int main(uint64_t fdt)
{
	(void)fdt;
	signature();
	files();
	hostile();
	kernel();
	return 0;
}
