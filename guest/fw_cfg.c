/* SPDX-License-Identifier: MIT */
/*
 * fw_cfg, from within: what is in it, by the data register and by DMA, and what
 * a hostile guest asks for. If a kernel is to be handed over (this payload is
 * then the firmware), it is read as EDK2 does, and its cost told.
 */
#include "guest/rt/rt.h"

#define DATA   MAP_FW_CFG_BASE
#define SELECT (MAP_FW_CFG_BASE + 8)
#define DMA    (MAP_FW_CFG_BASE + 16)

#define DMA_ERROR  0x01u
#define DMA_READ   0x02u
#define DMA_SELECT 0x08u

#define KERNEL_SIZE 0x08
#define KERNEL_DATA 0x11
#define FILE_DIR    0x19

#define FAR_AWAY (MAP_RAM_BASE + 0x8000000) /* 128 MiB into RAM */

static struct {
	uint32_t control, length;
	uint64_t address;
} request;

static struct {
	uint32_t size;
	uint16_t key, reserved;
	char name[56];
} dir[32];

static void select(uint16_t key)
{
	asm volatile("strh %w0, [%1]" ::"r"(__builtin_bswap16(key)), "r"(SELECT)
		     : "memory");
}

static uint64_t read_data64(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(DATA) : "memory");
	return v;
}

static uint64_t exits(void)
{
	uint64_t v;

	asm volatile("ldr %0, [%1]" : "=r"(v) : "r"(MAP_EXITS_BASE) : "memory");
	return v;
}

static void dma_at(uint64_t at)
{
	asm volatile("str %0, [%1]" ::"r"(__builtin_bswap64(at)), "r"(DMA)
		     : "memory");
}

/* What is left in the control word. */
static uint32_t transfer(uint32_t control, uint64_t to, uint32_t len)
{
	volatile uint32_t *left = &request.control;

	request.control = __builtin_bswap32(control);
	request.length = __builtin_bswap32(len);
	request.address = __builtin_bswap64(to);
	dsb();
	dma_at((uint64_t)&request);
	dsb();
	return __builtin_bswap32(*left);
}

static void signature(void)
{
	select(0);
	if ((uint32_t)mmio_read32(DATA) != 0x554d4551)
		fail("no signature\n");
	select(1);
	if (!(mmio_read32(DATA) & 2))
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

static void print_file(unsigned i)
{
	static char text[64];
	uint32_t size = __builtin_bswap32(dir[i].size), j;

	if (size > sizeof(text) - 1)
		size = sizeof(text) - 1;
	if (transfer((uint32_t)__builtin_bswap16(dir[i].key) << 16 |
			     DMA_SELECT | DMA_READ,
		     (uint64_t)text, size))
		fail("cannot read %s\n", dir[i].name);
	for (j = 0; j < size; j++)
		if (text[j] < ' ' || text[j] > '~')
			text[j] = '.';
	text[size] = '\0';
	print("%s (%u): %s\n", dir[i].name,
	      (uint64_t)__builtin_bswap32(dir[i].size), text);
}

static void files(void)
{
	uint32_t n, i;

	if (transfer(FILE_DIR << 16 | DMA_SELECT | DMA_READ, (uint64_t)&n, 4))
		fail("no directory\n");
	n = __builtin_bswap32(n);
	if (n > 32 || transfer(DMA_READ, (uint64_t)dir, 64 * n))
		fail("%u files\n", (uint64_t)n);
	for (i = 0; i < n; i++) {
		if (i && !before(dir[i - 1].name, dir[i].name))
			fail("%s is out of order\n", dir[i].name);
		print_file(i);
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
		{ DMA, 16 },
		{ MAP_FLASH_BASE, 0xffffffff },
		{ ~0ull, 4 },
		{ ~0ull - 3, 8 },
		{ MAP_RAM_BASE, 0xffffffff },
		{ MAP_RAM_BASE - 4, 8 },
	};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (transfer(DMA_SELECT | DMA_READ, bad[i].to, bad[i].len) !=
		    DMA_ERROR)
			fail("%x bytes went to %x\n", (uint64_t)bad[i].len,
			     bad[i].to);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		dma_at(bad[i].to);
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
	size = mmio_read32(DATA);
	if (!size)
		return;
	t0 = exits();
	if (transfer(KERNEL_DATA << 16 | DMA_SELECT | DMA_READ, FAR_AWAY, size))
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
