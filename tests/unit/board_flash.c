/* SPDX-License-Identifier: MIT */
/* Flash and fw_cfg on the board, against a scripted KVM. */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/board_impl.h"
#include "arm64/map.h"
#include "core/kvm.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

#define VARS_BANK (MAP_FLASH_BASE + MAP_FLASH_SIZE)

static struct err e;

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	OK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* A board whose firmware is a short file, in a directory of its own. */
static struct config with_firmware(void)
{
	struct config c = board_rig_config();

	EQ(chdir(test_dir()), 0);
	put_file("fw", "firmware");
	c.kernel = NULL;
	c.firmware = "fw";
	return c;
}

static void write32(struct board *b, gpa_t gpa, uint64_t val)
{
	EQ(bus_access(&b->vm.bus, gpa, 4, true, &val), true);
}

static uint64_t read32(struct board *b, gpa_t gpa)
{
	uint64_t val;

	EQ(bus_access(&b->vm.bus, gpa, 4, false, &val), true);
	return val;
}

/* The size that the slot at @gpa was last set to. */
static uint64_t slot_size(gpa_t gpa)
{
	uint64_t size = ~0ull;
	unsigned i;

	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_SET_USER_MEMORY_REGION &&
		    fake_calls[i].a == gpa)
			size = fake_calls[i].b;
	return size;
}

TEST(without_firmware_both_banks_are_erased_and_cost_kvm_no_slot)
{
	struct config c = board_rig_config();
	struct board *b;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	EQ(read32(b, MAP_FLASH_BASE), 0xffffffff);
	EQ(read32(b, VARS_BANK + MAP_FLASH_SIZE - 4), 0xffffffff);
	/* A driver's probe, which stores nothing. */
	write32(b, MAP_FLASH_BASE, 0x00980098);
	EQ(read32(b, MAP_FLASH_BASE + 0x40), 0x00510051);
	write32(b, MAP_FLASH_BASE, 0x00ff00ff);
	EQ(slot_size(MAP_FLASH_BASE), ~0ull);
	EQ(slot_size(VARS_BANK), ~0ull);
	board_rig_unmake(b);
}

TEST(an_empty_bank_that_is_programmed_is_a_read_only_slot_and_stays)
{
	struct config c = board_rig_config();
	struct board *b;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	write32(b, VARS_BANK + 8, 0x00400040);
	write32(b, VARS_BANK + 8, 0x12345678);
	EQ(slot_size(VARS_BANK), ~0ull);
	write32(b, VARS_BANK, 0x00ff00ff);
	EQ(slot_size(VARS_BANK), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	bus_reset(&b->vm.bus);
	EQ(read32(b, VARS_BANK + 8), 0x12345678);
	EQ(read32(b, VARS_BANK + 12), 0xffffffff);
	EQ(slot_size(MAP_FLASH_BASE), ~0ull);
	board_rig_unmake(b);
}

TEST(the_boot_cpu_enters_the_flash_with_the_tree_at_the_start_of_ram)
{
	struct config c = with_firmware();
	struct board *b;
	uint32_t magic; /* and what follows it */
	unsigned i, n = 0;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	/* The last two registers: PC and X0. */
	for (i = 0; i < fake_ncalls; i++)
		n = fake_calls[i].request == KVM_SET_ONE_REG ? i : n;
	EQ(fake_calls[n - 1].b, MAP_FLASH_BASE);
	EQ(fake_calls[n].b, MAP_RAM_BASE);
	EQ(gmem_read(&b->vm.mem, MAP_RAM_BASE, &magic, 4), 0);
	EQ(magic, 0xedfe0dd0);
	/* It says that it has a MiB, which is room to edit it. */
	EQ(gmem_read(&b->vm.mem, MAP_RAM_BASE + 4, &magic, 4), 0);
	EQ(magic, __builtin_bswap32(1 << 20));
	board_rig_unmake(b);
}

TEST(both_banks_are_read_only_slots_until_a_command_comes)
{
	struct config c = with_firmware();
	struct board *b;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	EQ(slot_size(MAP_FLASH_BASE), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	EQ(slot_size(VARS_BANK), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	write32(b, VARS_BANK, 0x00700070);
	EQ(slot_size(VARS_BANK), KVM_MEM_READONLY);
	EQ(read32(b, VARS_BANK), 0x00800080);
	write32(b, VARS_BANK, 0x00ff00ff);
	EQ(slot_size(VARS_BANK), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	EQ(read32(b, VARS_BANK), 0xffffffff);
	EQ(slot_size(MAP_FLASH_BASE), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	board_rig_unmake(b);
}

TEST(a_slot_that_kvm_refuses_leaves_the_bank_readable)
{
	struct config c = with_firmware();
	struct board *b;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	write32(b, VARS_BANK, 0x00700070);
	fake_kvm_fail(KVM_SET_USER_MEMORY_REGION, 1, ENOMEM);
	write32(b, VARS_BANK, 0x00ff00ff);
	EQ(read32(b, VARS_BANK), 0xffffffff);
	board_rig_unmake(b);
}

TEST(a_reset_brings_a_bank_back_that_was_left_in_a_command)
{
	struct config c = with_firmware();
	struct board *b;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	write32(b, VARS_BANK, 0x00980098);
	bus_reset(&b->vm.bus);
	EQ(slot_size(VARS_BANK), MAP_FLASH_SIZE | KVM_MEM_READONLY);
	board_rig_unmake(b);
}

TEST(firmware_that_is_not_there_is_the_users_mistake)
{
	struct config c = with_firmware();
	struct board *b;

	c.firmware = "none";
	fake_kvm_reset();
	LT(board_rig_make(&c, &b, &e), 0);
	STR_EQ(e.text, "--firmware none: No such file or directory; check "
		       "the path");
	board_rig_unmake(b);
	c.firmware = "fw";
	c.vars = "no/where";
	LT(board_rig_make(&c, &b, &e), 0);
	HAS(e.text, "--vars no/where: No such file or directory; the dir");
	board_rig_unmake(b);
}

TEST(a_kernel_for_a_firmware_must_be_an_efi_program)
{
	struct config c = with_firmware();
	struct board *b;

	c.kernel = "kernel";
	put_file("kernel", "flat");
	fake_kvm_reset();
	LT(board_rig_make(&c, &b, &e), 0);
	HAS(e.text, "--kernel kernel: is no EFI program");
	board_rig_unmake(b);
	put_file("kernel", "MZ and so on");
	EQ(board_rig_make(&c, &b, &e), 0);
	board_rig_unmake(b);
}

/* Of item @key, up to @len bytes by the data register. */
static void item(struct board *b, uint16_t key, char *buf, unsigned len)
{
	uint64_t val = __builtin_bswap16(key);

	EQ(bus_access(&b->vm.bus, MAP_FW_CFG_BASE + 8, 2, true, &val), true);
	while (len--) {
		bus_access(&b->vm.bus, MAP_FW_CFG_BASE, 1, false, &val);
		*buf++ = val;
	}
}

TEST(kernel_initrds_and_parameters_are_handed_over)
{
	struct config c = with_firmware();
	char *initrds[] = { "i1", "i2" }, buf[16];
	struct board *b;

	c.kernel = "kernel";
	c.initrds = (struct strlist){ 2, initrds };
	c.params = "quiet";
	put_file("kernel", "MZ and so on");
	put_file("i1", "first");
	put_file("i2", "second");
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	item(b, 0x08, buf, 4);
	MEM_EQ(buf, "\14\0\0\0", 4);
	item(b, 0x11, buf, 12);
	MEM_EQ(buf, "MZ and so on", 12);
	item(b, 0x0b, buf, 4);
	MEM_EQ(buf, "\16\0\0\0", 4);
	item(b, 0x12, buf, 16);
	MEM_EQ(buf, "first\0\0\0second\0\0", 16);
	item(b, 0x14, buf, 4);
	MEM_EQ(buf, "\6\0\0\0", 4);
	item(b, 0x15, buf, 8);
	MEM_EQ(buf, "quiet\0\0\0", 8);
	board_rig_unmake(b);
}

TEST(a_kernel_that_nestor_boots_is_not_in_fw_cfg)
{
	struct config c = board_rig_config();
	struct board *b;
	char buf[4];

	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	item(b, 0x08, buf, 4);
	MEM_EQ(buf, "\0\0\0\0", 4);
	board_rig_unmake(b);
}

/* Does fw_cfg's directory list that file? */
static bool lists(struct board *b, const char *name)
{
	char dir[4 + 32 * 64];
	unsigned i;

	item(b, 0x19, dir, sizeof(dir));
	for (i = 0; i < (unsigned)dir[3]; i++)
		if (!strcmp(dir + 4 + 64 * i + 8, name))
			return true;
	return false;
}

/* All that belongs to the tables is there, or not. */
static bool has_acpi(const struct config *c)
{
	struct board *b;
	bool has;

	fake_kvm_reset();
	EQ(board_rig_make(c, &b, &e), 0);
	OK(lists(b, "etc/smbios/smbios-tables"));
	has = lists(b, "etc/table-loader");
	EQ(lists(b, "etc/acpi/tables"), has);
	EQ(lists(b, "etc/acpi/rsdp"), has);
	board_rig_unmake(b);
	return has;
}

/* A tree that can be the machine's own, and an overlay, too. */
static void put_tree(const char *path)
{
	char fdt[512];
	int node, fd = open(path, O_CREAT | O_WRONLY, 0644);

	EQ(fdt_create_empty_tree(fdt, sizeof(fdt)), 0);
	node = fdt_add_subnode(fdt, 0, "fragment@0");
	EQ(fdt_setprop_string(fdt, node, "target-path", "/"), 0);
	LT(0, fdt_add_subnode(fdt, node, "__overlay__"));
	EQ(write(fd, fdt, sizeof(fdt)), sizeof(fdt));
	close(fd);
}

TEST(acpi_tables_are_for_a_firmware_unless_the_tree_is_the_users)
{
	struct config c = board_rig_config();
	char *overlay = "tree";

	EQ(has_acpi(&c), false);
	c = with_firmware();
	EQ(has_acpi(&c), true);
	c.acpi = ACPI_OFF;
	EQ(has_acpi(&c), false);
	c.acpi = ACPI_AUTO;
	put_tree("tree");
	c.dtb = "tree";
	EQ(has_acpi(&c), false);
	c.acpi = ACPI_ON;
	EQ(has_acpi(&c), true);
	c.acpi = ACPI_AUTO;
	c.dtb = NULL;
	c.overlays = (struct strlist){ 1, &overlay };
	EQ(has_acpi(&c), false);
}
