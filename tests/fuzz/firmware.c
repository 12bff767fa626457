/* SPDX-License-Identifier: MIT */
/*
 * A bank of flash and fw_cfg under a guest that does anything.
 *
 * The input is a stream of operations: an opcode byte, then its operands, most
 * of which make what a driver would write. Oracles: the bank's contents change
 * only within the bank, and bits from 0 to 1 only by an erase; the board is told
 * of changes alone, and while it maps the contents reads give them; fw_cfg
 * writes to guest memory only where it was asked to.
 */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/cfi_flash.h"
#include "devices/fw_cfg.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BANK	 (2 * CFI_FLASH_BLOCK)
#define RAM	 0x40000000ull
#define RAM_SIZE 0x4000u
#define FW_CFG	 24 /* bytes of registers */

enum op {
	OP_COMMAND, /* which, where: to both chips */
	OP_WRITE,   /* width, where, value */
	OP_READ,    /* width, where */
	OP_BUFFER,  /* where, words, value: a buffer but for its confirmation */
	OP_RESET,
	OP_SELECT,   /* key */
	OP_DMA,	     /* control, length, address: a descriptor of that, used */
	OP_REGISTER, /* width, offset, value: of fw_cfg */
	OPS,
};

static uint8_t mem[BANK], ram[RAM_SIZE], before[RAM_SIZE];
static bool array, erasing;
static struct device *flash, *cfg;
static struct gmem gmem;

static uint64_t word(unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | byte();
	return v;
}

static bool empty; /* nothing is in the bank before the first store */

static const uint8_t *contents(void *ctx)
{
	(void)ctx;
	return empty ? NULL : mem;
}

static int store(void *ctx, uint64_t off, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t i;

	(void)ctx;
	if (len > BANK || off > BANK - len)
		abort();
	for (i = 0; i < len; i++)
		if (!erasing && p[i] & ~mem[off + i])
			abort();
	memcpy(mem + off, buf, len);
	empty = false;
	return 0;
}

static void on_array(void *ctx, bool on)
{
	(void)ctx;
	if (array == on)
		abort();
	array = on;
}

/* Items of memory, of a file, and of both; and one whose file is shorter. */
static void add_files(struct fw_cfg *f)
{
	struct fw_cfg_item *it = fw_cfg_file(f, "opt/memory");
	int fd = memfd_create("item", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 5000) < 0 ||
	    fw_cfg_append(it, "0123456789abcdef", 16) < 0 ||
	    fw_cfg_append_fd(it, fd, 5000) < 0 ||
	    fw_cfg_append(it, "xyz", 3) < 0)
		abort();
	fd = memfd_create("short", MFD_CLOEXEC);
	it = fw_cfg_item(f, FW_CFG_KERNEL_DATA);
	if (fd < 0 || fw_cfg_append_fd(it, fd, 0x80000000) < 0)
		abort();
}

static void start(void)
{
	const struct cfi_flash_host host = { .mem = contents,
					     .store = store,
					     .array = on_array };
	struct fw_cfg *f;

	memset(mem, 0xff, sizeof(mem));
	memset(ram, 0, sizeof(ram));
	gmem = (struct gmem){ 0 };
	array = empty = true;
	flash = cfi_flash_new(&host, BANK);
	if (!flash || gmem_add(&gmem, RAM, RAM_SIZE, ram) < 0)
		abort();
	f = fw_cfg_new(&gmem);
	if (!f)
		abort();
	add_files(f);
	cfg = fw_cfg_device(f);
}

static void write_flash(uint64_t off, unsigned size, uint64_t val)
{
	/* Only a confirmation erases; a store() then is of 0xff. */
	erasing = (uint8_t)val == 0xd0 || (uint8_t)(val >> 32) == 0xd0;
	flash->ops->write(flash, off, size, val);
	erasing = false;
}

static uint64_t where(unsigned size)
{
	return (uint64_t)byte() << 11 & (BANK - 1 - (size > 1 ? size - 1 : 0));
}

static void command(void)
{
	static const uint8_t cmds[] = { 0x40, 0x20, 0xd0, 0xe8, 0xff, 0x70,
					0x50, 0x60, 0x90, 0x98, 0x10 };

	write_flash(where(4), 4,
		    cmds[byte() % sizeof(cmds)] * (uint64_t)0x00010001);
}

static void buffer(void)
{
	uint64_t off = where(4) & ~(uint64_t)4095;
	unsigned n = byte() % 32, i;
	uint32_t val = word(2);

	write_flash(off, 4, 0x00e800e8);
	write_flash(off, 4, n * (uint64_t)0x00010001);
	for (i = 0; i <= n; i++)
		write_flash(off + 4 * i, 4, val);
}

static void read_flash(void)
{
	unsigned size = 1u << (byte() & 3), i;
	uint64_t off = word(3) % (BANK - size + 1), val;

	val = flash->ops->read(flash, off, size);
	if (size < 8 && val >> size * 8)
		abort();
	for (i = 0; array && i < size; i++)
		if ((uint8_t)(val >> i * 8) != mem[off + i])
			abort();
}

/* Nothing has changed but the @len bytes at @to, and the control word at @at. */
static void check_ram(unsigned at, uint64_t to, uint32_t len)
{
	unsigned i;

	for (i = 0; i < RAM_SIZE; i++)
		if (ram[i] != before[i] && RAM + i - to >= len && i - at >= 4)
			abort();
}

static void dma(void)
{
	static const uint64_t far[] = { 0, RAM - 8, RAM + RAM_SIZE - 4, ~0ull };
	struct {
		uint32_t control, length;
		uint64_t address;
	} d;
	unsigned at = byte() << 4 & (RAM_SIZE - 32), odd = byte();
	uint32_t len = odd & 1 ? word(4) : word(2) % RAM_SIZE;
	uint64_t to = odd & 2 ? far[odd >> 2 & 3] : RAM + word(2) % RAM_SIZE;

	d.control = htobe32((uint32_t)word(2) << 16 | byte());
	d.length = htobe32(len);
	d.address = htobe64(to);
	memcpy(ram + at, &d, sizeof(d));
	memcpy(before, ram, sizeof(ram));
	cfg->ops->write(cfg, 16, 8, __builtin_bswap64(RAM + at));
	check_ram(at, to, len);
}

static void registers(void)
{
	unsigned size = 1u << (byte() & 3);
	uint64_t off = byte() % (FW_CFG - size + 1), val;

	cfg->ops->write(cfg, off, size, word(size));
	val = cfg->ops->read(cfg, off, size);
	if (size < 8 && val >> size * 8)
		abort();
}

static void step(void)
{
	unsigned size;
	uint64_t off;

	switch ((enum op)(byte() % OPS)) {
	case OP_COMMAND:
		command();
		break;
	case OP_WRITE:
		size = 1u << (byte() & 3);
		off = word(3) % (BANK - size + 1);
		write_flash(off, size, word(size));
		break;
	case OP_READ:
		read_flash();
		break;
	case OP_BUFFER:
		buffer();
		break;
	case OP_RESET:
		flash->ops->reset(flash);
		cfg->ops->reset(cfg);
		if (!array)
			abort();
		break;
	case OP_SELECT:
		cfg->ops->write(cfg, 8, 2, word(2));
		break;
	case OP_DMA:
		dma();
		break;
	case OP_REGISTER:
		registers();
		break;
	case OPS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	take_input(data, size);
	start();
	while (next < end)
		step();
	flash->ops->free(flash);
	cfg->ops->free(cfg);
	return 0;
}
