/* SPDX-License-Identifier: MIT */
#include "devices/fw_cfg.h"

#include <endian.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define RAM	 0x40000000ull
#define RAM_SIZE 0x10000ull
#define DESC	 (RAM + 0x100) /* where the descriptor lies */

#define DMA_ERROR  0x01
#define DMA_READ   0x02
#define DMA_SKIP   0x04
#define DMA_SELECT 0x08
#define DMA_WRITE  0x10

static uint8_t ram[RAM_SIZE];
static struct gmem gmem;
static struct fw_cfg *f;
static struct device *dev;

static void make(void)
{
	gmem = (struct gmem){ 0 };
	memset(ram, 0xaa, sizeof(ram));
	EQ(gmem_add(&gmem, RAM, RAM_SIZE, ram), 0);
	f = fw_cfg_new(&gmem);
	OK(f);
	dev = fw_cfg_device(f);
}

static void unmake(void)
{
	dev->ops->free(dev);
}

static void choose(uint16_t key)
{
	dev->ops->write(dev, 8, 2, __builtin_bswap16(key));
}

static uint64_t data(unsigned size)
{
	return dev->ops->read(dev, 0, size);
}

static void put_descriptor(gpa_t at, uint32_t control, uint32_t len, gpa_t gpa)
{
	const struct {
		uint32_t control, len;
		uint64_t gpa;
	} d = { htobe32(control), htobe32(len), htobe64(gpa) };

	EQ(gmem_write(&gmem, at, &d, sizeof(d)), 0);
}

/* What the device leaves in the control word. */
static uint32_t dma(uint32_t control, uint32_t len, gpa_t gpa)
{
	uint32_t left;

	put_descriptor(DESC, control, len, gpa);
	dev->ops->write(dev, 16, 8, __builtin_bswap64(DESC));
	EQ(gmem_read(&gmem, DESC, &left, sizeof(left)), 0);
	return be32toh(left);
}

static int file_of(const void *buf, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	OK(fd >= 0);
	EQ(write(fd, buf, len), len);
	return fd;
}

static void add_file(const char *name, const char *text)
{
	struct fw_cfg_item *it = fw_cfg_file(f, name);

	OK(it);
	EQ(fw_cfg_append(it, text, strlen(text)), 0);
}

/* The directory's entry number @n, of @size bytes. */
static void entry(unsigned n, const char *name, uint32_t size)
{
	uint8_t e[64];

	EQ(dma(0x19 << 16 | DMA_SELECT | DMA_SKIP, 4 + 64 * n, 0), 0);
	EQ(dma(DMA_READ, 64, RAM), 0);
	memcpy(e, ram, sizeof(e));
	EQ(be32toh(*(uint32_t *)e), size);
	EQ(be16toh(*(uint16_t *)(e + 4)), 0x20 + n);
	STR_EQ((char *)e + 8, name);
}

/* --- registers --- */

TEST(the_signature_is_what_it_begins_with_in_each_width)
{
	make();
	EQ(data(4), htole32('Q' | 'E' << 8 | 'M' << 16 | 'U' << 24));
	choose(0);
	EQ(data(1), 'Q');
	EQ(data(2), 'E' | 'M' << 8);
	EQ(data(1), 'U');
	EQ(data(8), 0);
	unmake();
}

TEST(the_id_offers_dma_and_the_address_register_says_qemu_cfg)
{
	char text[9] = "";
	uint64_t v;

	make();
	choose(1);
	EQ(data(4), 3);
	v = dev->ops->read(dev, 16, 8);
	memcpy(text, &v, 8);
	STR_EQ(text, "QEMU CFG");
	v = dev->ops->read(dev, 20, 4);
	EQ(memcmp(&v, " CFG", 4), 0);
	unmake();
}

TEST(an_unknown_key_reads_as_zeroes)
{
	make();
	choose(0x1234);
	EQ(data(8), 0);
	EQ(dma(DMA_READ, 16, RAM), 0);
	EQ(ram[0] | ram[15], 0);
	EQ(ram[16], 0xaa);
	unmake();
}

TEST(the_bit_that_asks_to_write_selects_the_same_item)
{
	make();
	choose(0x4000);
	EQ(data(1), 'Q');
	unmake();
}

TEST(writes_to_the_data_register_change_nothing)
{
	make();
	dev->ops->write(dev, 0, 4, 0x12345678);
	EQ(data(1), 'Q');
	unmake();
}

TEST(a_reset_selects_the_signature_again)
{
	make();
	choose(1);
	dev->ops->reset(dev);
	EQ(data(1), 'Q');
	unmake();
}

/* --- files --- */

TEST(files_have_keys_in_the_order_of_their_names)
{
	make();
	choose(0x19);
	EQ(data(4), 0);
	add_file("opt/zebra", "z");
	add_file("bootorder", "boot");
	add_file("etc/smbios/smbios-tables", "tables");
	choose(0x19);
	EQ(data(4), htobe32(3));
	entry(0, "bootorder", 4);
	entry(1, "etc/smbios/smbios-tables", 6);
	entry(2, "opt/zebra", 1);
	choose(0x20);
	EQ(data(1), 'b');
	choose(0x22);
	EQ(data(1), 'z');
	/* Nothing behind the last. */
	EQ(dma(0x19 << 16 | DMA_SELECT | DMA_SKIP, 4 + 64 * 3, 0), 0);
	EQ(data(8), 0);
	unmake();
}

TEST(a_name_is_taken_once_and_is_as_long_as_the_directory_has_room_for)
{
	char name[FW_CFG_NAME_SIZE + 1];

	make();
	memset(name, 'n', sizeof(name));
	name[FW_CFG_NAME_SIZE] = '\0';
	EQ(fw_cfg_file(f, name), NULL);
	name[FW_CFG_NAME_SIZE - 1] = '\0';
	OK(fw_cfg_file(f, name));
	EQ(fw_cfg_file(f, name), NULL);
	EQ(fw_cfg_file(f, ""), NULL);
	unmake();
}

TEST(there_is_room_for_so_many_files_and_the_items_beside_them)
{
	char name[16];
	unsigned i;

	make();
	for (i = 0; i < FW_CFG_FILES; i++) {
		snprintf(name, sizeof(name), "opt/%u", i);
		OK(fw_cfg_file(f, name));
	}
	EQ(fw_cfg_file(f, "opt/more"), NULL);
	OK(fw_cfg_item(f, FW_CFG_KERNEL_DATA));
	EQ(fw_cfg_item(f, FW_CFG_KERNEL_DATA), NULL);
	choose(0x19);
	EQ(data(4), htobe32(FW_CFG_FILES));
	unmake();
}

TEST(an_item_is_its_parts_in_a_row_of_memory_and_of_files)
{
	struct fw_cfg_item *it;

	make();
	it = fw_cfg_item(f, FW_CFG_INITRD_DATA);
	EQ(fw_cfg_append(it, "abc", 3), 0);
	EQ(fw_cfg_append_fd(it, file_of("defgh", 5), 5), 0);
	EQ(fw_cfg_append(it, "", 0), 0);
	EQ(fw_cfg_append(it, "ij", 2), 0);
	EQ(fw_cfg_size(it), 10);
	EQ(dma(0x12 << 16 | DMA_SELECT | DMA_READ, 10, RAM), 0);
	MEM_EQ(ram, "abcdefghij", 10);
	EQ(dma(0x12 << 16 | DMA_SELECT | DMA_SKIP, 2, 0), 0);
	EQ(data(8), *(const uint64_t *)"cdefghij");
	unmake();
}

TEST(an_item_stays_below_four_gib)
{
	struct fw_cfg_item *it;
	int fd;

	make();
	it = fw_cfg_item(f, FW_CFG_INITRD_DATA);
	fd = file_of("x", 1);
	EQ(fw_cfg_append_fd(it, fd, 1ull << 32), -EFBIG);
	EQ(fw_cfg_append_fd(it, fd, UINT32_MAX), 0);
	EQ(fw_cfg_append(it, "x", 1), -EFBIG);
	unmake();
}

/* --- DMA --- */

TEST(a_read_goes_on_where_the_last_one_ended)
{
	make();
	add_file("opt/f", "0123456789");
	EQ(dma(0x20 << 16 | DMA_SELECT | DMA_READ, 4, RAM), 0);
	EQ(dma(DMA_READ, 4, RAM + 4), 0);
	EQ(dma(DMA_SKIP, 1, 0), 0);
	EQ(data(1), '9');
	MEM_EQ(ram, "01234567\xaa", 9);
	unmake();
}

TEST(the_two_halves_of_the_address_are_as_good_as_the_whole)
{
	make();
	put_descriptor(DESC, DMA_READ, 4, RAM);
	dev->ops->write(dev, 16, 4, 0);
	EQ(ram[0], 0xaa);
	dev->ops->write(dev, 20, 4, __builtin_bswap32((uint32_t)DESC));
	MEM_EQ(ram, "QEMU", 4);
	unmake();
}

TEST(the_high_half_is_for_one_transfer_only)
{
	make();
	put_descriptor(DESC, DMA_READ, 4, RAM);
	dev->ops->write(dev, 16, 4, __builtin_bswap32(1));
	dev->ops->write(dev, 20, 4, __builtin_bswap32((uint32_t)DESC));
	EQ(ram[0], 0xaa);
	dev->ops->write(dev, 20, 4, __builtin_bswap32((uint32_t)DESC));
	MEM_EQ(ram, "QEMU", 4);
	/* Also one that gives the whole address is a transfer. */
	dev->ops->write(dev, 16, 4, __builtin_bswap32(1));
	put_descriptor(DESC, DMA_SELECT, 0, 0);
	dev->ops->write(dev, 16, 8, __builtin_bswap64(DESC));
	put_descriptor(DESC, DMA_READ, 4, RAM + 8);
	dev->ops->write(dev, 20, 4, __builtin_bswap32((uint32_t)DESC));
	MEM_EQ(ram + 8, "QEMU", 4);
	unmake();
}

TEST(a_write_by_dma_is_refused)
{
	make();
	EQ(dma(DMA_WRITE, 4, RAM), DMA_ERROR);
	EQ(data(1), 'Q');
	unmake();
}

TEST(a_file_that_has_shrunk_is_an_error_and_no_bytes_of_others)
{
	struct fw_cfg_item *it;
	int fd;

	make();
	it = fw_cfg_file(f, "opt/f");
	fd = file_of("0123456789", 10);
	EQ(fw_cfg_append_fd(it, fd, 10), 0);
	EQ(ftruncate(fd, 4), 0);
	EQ(dma(0x20 << 16 | DMA_SELECT | DMA_READ, 10, RAM), DMA_ERROR);
	choose(0x20);
	EQ(data(8), 0);
	unmake();
}

/* --- what a hostile guest asks for --- */

TEST(F1_no_selector_reads_but_what_is_there)
{
	unsigned key, found = 0;

	make();
	add_file("opt/f", "x");
	for (key = 0; key < 0x10000; key++) {
		choose(key);
		found += data(8) != 0;
	}
	/* Signature, id, directory, one file; and each with bit 14. */
	EQ(found, 8);
	unmake();
}

TEST(F1_a_read_past_the_end_gives_zeroes_however_often)
{
	unsigned i;

	make();
	add_file("opt/f", "0123");
	choose(0x20);
	for (i = 0; i < 100000; i++)
		EQ(data(8), i ? 0 : *(const uint32_t *)"0123");
	EQ(dma(DMA_SKIP, 0xffffffff, 0), 0);
	EQ(dma(DMA_SKIP, 0xffffffff, 0), 0);
	EQ(dma(DMA_READ, 8, RAM), 0);
	EQ(ram[0], 0);
	unmake();
}

TEST(F1_a_length_beyond_memory_writes_nothing)
{
	static const struct {
		gpa_t gpa;
		uint32_t len;
	} bad[] = {
		{ RAM, RAM_SIZE + 1 },
		{ RAM, 0xffffffff },
		{ RAM + RAM_SIZE - 4, 8 },
		{ RAM + RAM_SIZE, 1 },
		{ RAM - 1, 2 },
		{ 0, 16 },
		{ 0x09020000, 16 },
		{ UINT64_MAX, 16 },
		{ UINT64_MAX - 15, 16 },
		{ UINT64_MAX - 7, 0xffffffff },
	};
	unsigned i;

	make();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EQ(dma(DMA_SELECT | DMA_READ, bad[i].len, bad[i].gpa),
		   DMA_ERROR);
	EQ(ram[0], 0xaa);
	EQ(ram[RAM_SIZE - 1], 0xaa);
	EQ(dma(DMA_SELECT | DMA_READ, 4, RAM + RAM_SIZE - 4), 0);
	MEM_EQ(ram + RAM_SIZE - 4, "QEMU", 4);
	unmake();
}

TEST(F1_a_descriptor_outside_of_memory_does_nothing)
{
	static const gpa_t bad[] = {
		0,	    RAM - 8,   RAM + RAM_SIZE - 8, RAM + RAM_SIZE,
		UINT64_MAX, 0x09020010
	};
	unsigned i;

	make();
	choose(0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		dev->ops->write(dev, 16, 8, __builtin_bswap64(bad[i]));
	EQ(data(1), 'Q');
	unmake();
}

TEST(F1_a_descriptor_may_be_read_over_and_is_still_answered)
{
	struct fw_cfg_item *it;
	uint8_t evil[32];

	make();
	memset(evil, 0xff, sizeof(evil));
	it = fw_cfg_file(f, "opt/f");
	EQ(fw_cfg_append(it, evil, sizeof(evil)), 0);
	EQ(dma(0x20 << 16 | DMA_SELECT | DMA_READ, sizeof(evil), DESC), 0);
	unmake();
}

TEST(F1_accesses_between_the_registers_read_zero_and_write_nothing)
{
	static const uint64_t off[] = { 1, 4, 7, 8, 9, 10, 12, 15 };
	unsigned i;

	make();
	for (i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		EQ(dev->ops->read(dev, off[i], 1), 0);
		dev->ops->write(dev, off[i], 1, 0xff);
	}
	dev->ops->write(dev, 8, 4, 0xffffffff);
	dev->ops->write(dev, 17, 4, 0xffffffff);
	dev->ops->write(dev, 20, 2, 0xffff);
	EQ(data(4), *(const uint32_t *)"QEMU");
	unmake();
}
