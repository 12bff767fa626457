/* SPDX-License-Identifier: MIT */
#include "config/keys.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "config/values.h"
#include "core/log.h"
#include "tests/unit/test.h"

static struct config c;
static struct err why;

/* A fresh config with one key set; the result of key_set(). */
static int set(const char *name, const char *value, const char *dir)
{
	struct err e;

	config_free(&c);
	EQ(config_init(&c, &e), 0);
	why.text[0] = '\0';
	return key_set(key_find(name, strlen(name)), &c, value, dir, &why);
}

static void refused(const char *name, const char *value, const char *reason)
{
	EQ(set(name, value, NULL) < 0, 1);
	HAS(why.text, reason);
	config_free(&c);
}

TEST(names_and_letters_are_unique)
{
	bool letters[128] = { false };
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++) {
		EQ(key_find(k->name, strlen(k->name)) - keys, k - keys);
		EQ(key_opt(k).id, k - keys + 1);
		OK(!k->letter || !letters[(int)k->letter]);
		letters[(int)k->letter] = true;
	}
	OK(key_find("help", 4));
}

TEST(a_32_bit_guest_has_no_el2)
{
	struct err e;

	EQ(set("aarch32", "on", NULL), 0);
	c.kernel = strdup("x");
	EQ(config_check(&c, &e), 0);
	c.nested = NESTED_AUTO;
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--aarch32 and --nested are both given");
	config_free(&c);
}

TEST(a_balloon_is_not_for_a_guest_with_el2_nor_for_huge_pages)
{
	struct err e;

	EQ(set("balloon", "on", NULL), 0);
	c.kernel = strdup("x");
	EQ(config_check(&c, &e), 0);
	c.hugepages = true;
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--balloon and --hugepages are both given");
	c.nested = NESTED_VHE;
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--balloon and --nested are both given; each page");
	config_free(&c);
}

TEST(tags_are_for_private_memory_of_a_64_bit_guest)
{
	struct err e;

	EQ(set("mte", "on", NULL), 0);
	c.kernel = strdup("x");
	EQ(config_check(&c, &e), 0);
	c.nshares = 1;
	EQ(config_check(&c, &e), -EINVAL);
	STR_EQ(e.text, "--mte and --share are both given; KVM gives tags to "
		       "private memory only, so leave one out");
	c.nshares = 0;
	c.hugepages = true;
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--mte and --hugepages are both given; KVM gives");
	c.hugepages = false;
	c.firmware = strdup("f");
	c.vars = strdup("v");
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--mte and --vars are both given; KVM gives");
	c.aarch32 = true;
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--mte and --aarch32 are both given; a 32-bit kernel");
	config_free(&c);
}

TEST(a_word_that_a_path_key_knows_is_no_path)
{
	char text[64] = "";
	FILE *f;

	EQ(set("cpu", "host", "/dir"), 0);
	STR_EQ(c.cpu, "host");
	f = fmemopen(text, sizeof(text), "w");
	key_dump(key_find("cpu", 3), &c, f);
	fclose(f);
	STR_EQ(text, "cpu = host\n");
	EQ(set("cpu", "small.cpu", "/dir"), 0);
	STR_EQ(c.cpu, "/dir/small.cpu");
	EQ(set("cpu", "./host", "/dir"), 0);
	STR_EQ(c.cpu, "/dir/./host");
	config_free(&c);
}

TEST(no_key_is_named_like_the_off_form_of_a_flag)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++)
		NE(strncmp(k->name, "no-", 3), 0);
}

TEST(every_flag_has_a_default)
{
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++)
		OK(k->arg || k->role != KEY_SETS || k->def);
}

TEST(help_for_run_fits_80_columns_and_has_every_key)
{
	const struct key *k;
	char *text, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	help_run(f);
	fclose(f);
	for (k = keys; k < keys + nkeys; k++)
		HAS(text, k->name);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		LT(strlen(line), 80);
	free(text);
}

TEST(defaults_are_those_of_the_table)
{
	EQ(set("cpus", "3", NULL), 0);
	EQ(c.cpus, 3);
	EQ(c.memory, 512ull << 20);
	EQ(c.console, CONSOLE_AUTO);
	OK(c.rng && c.pmu && c.sve && c.pauth);
	OK(c.on_reset == POLICY_RESTART && !c.hugepages && !c.debug);
	EQ(c.timeout, 0);
	config_free(&c);
}

TEST(a_size_takes_a_unit_and_is_in_mebibytes_without)
{
	EQ(set("memory", "64", NULL), 0);
	EQ(c.memory, 64ull << 20);
	EQ(set("memory", "65536K", NULL), 0);
	EQ(c.memory, 64ull << 20);
	EQ(set("memory", "2g", NULL), 0);
	EQ(c.memory, 2ull << 30);
	EQ(set("memory", "1T", NULL), 0);
	EQ(c.memory, 1ull << 40);
	EQ(set("memory", "1.5G", NULL), 0);
	EQ(c.memory, 1536ull << 20);
	EQ(set("memory", "0.0625g", NULL), 0);
	EQ(c.memory, 64ull << 20);
	EQ(set("memory", "64.0", NULL), 0);
	EQ(c.memory, 64ull << 20);
	EQ(set("memory", "65536.000K", NULL), 0);
	EQ(c.memory, 64ull << 20);
	EQ(set("memory", "1.00000095367431640625T", NULL), 0);
	EQ(c.memory, (1ull << 40) + (1 << 20));
	EQ(set("memory", "1.50000000000000000000000000000G", NULL), 0);
	EQ(c.memory, 1536ull << 20);
	config_free(&c);
}

TEST(a_size_that_is_none_is_refused)
{
	refused("memory", "", "empty");
	refused("memory", "big", "512M");
	refused("memory", "-1G", "512M");
	refused("memory", "+1G", "512M");
	refused("memory", "0x40000000", "unknown unit 'x");
	refused("memory", "1GB", "unknown unit 'GB'");
	refused("memory", "31M", "minimum of 32M");
	refused("memory", "0", "minimum of 32M");
	refused("memory", "65537K", "use 65M");
	refused("memory", "4097T", "more than");
	refused("memory", "18446744073709551616", "more than");
	refused("memory", "17592186044416M", "more than");
	refused("memory", "4096.5T", "more than");
	refused("memory", "1.5X", "unknown unit 'X'");
	refused("memory", "1.5GB", "unknown unit 'GB'");
	refused("memory", "1.G", "512M");
	refused("memory", "1.", "512M");
	refused("memory", ".5G", "512M");
	refused("memory", "1..5G", "512M");
	refused("memory", "1.5.5G", "512M");
	refused("memory", "1,5G", "unknown unit");
	refused("memory", "1e3M", "unknown unit");
	refused("memory", "1.-5G", "unknown unit");
	refused("memory", "0.03G", "minimum of 32M");
	refused("memory", "1.5",
		"minimum of 32M; a number without a unit is in MiB");
	refused("memory", "1073741824",
		"would be 1024T; a number without a "
		"unit is in MiB, so add one");
	refused("memory", "8589934592",
		"4096T that ARM64 can address; a number without a unit");
	refused("memory", "1.3G", "not a multiple of 1M; use 1332M");
	refused("memory", "64.5M", "use 65M");
	refused("memory", "64.5", "use 65M");
	refused("memory", "65536.5K", "use 65M");
	refused("memory", "1.00000000000000000000000001G", "use 1025M");
}

TEST(a_number_is_digits_in_its_range)
{
	refused("cpus", "0", "1 to 512");
	refused("cpus", "513", "1 to 512");
	refused("cpus", "4294967297", "1 to 512");
	refused("cpus", "99999999999999999999", "1 to 512");
	refused("cpus", "18446744073709551617", "1 to 512"); /* 2^64 + 1 */
	refused("cpus", "36893488147419103233", "1 to 512"); /* 2^65 + 1 */
	refused("cpus", "-1", "whole number");
	refused("cpus", "2x", "whole number");
	refused("cpus", "1.5", "whole number");
	EQ(set("timeout", "0", NULL), 0);
	config_free(&c);
}

TEST(a_disk_has_a_file_and_flags)
{
	EQ(set("disk", "a.img,ro,serial=S-1", NULL), 0);
	EQ(c.ndisks, 1);
	STR_EQ(c.disks[0].path, "a.img");
	OK(c.disks[0].readonly);
	STR_EQ(c.disks[0].serial, "S-1");
	config_free(&c);
}

TEST(two_commas_are_one_in_a_file_name)
{
	EQ(set("disk", "a,,b,,,ro", NULL), 0);
	STR_EQ(c.disks[0].path, "a,b,");
	OK(c.disks[0].readonly);
	config_free(&c);
}

TEST(a_disk_with_an_unknown_flag_is_refused)
{
	refused("disk", "disk.img,foo",
		"unknown flag 'foo'; use ro, serial=TEXT, "
		"transport=KIND or slot=N");
	refused("disk", "disk.img,", "unknown flag ''");
	refused("disk", ",ro", "no file");
	refused("disk", "a,serial=", "1 to 20");
	refused("disk", "a,serial=123456789012345678901", "1 to 20");
	refused("disk", "a,serial=\303\266", "ASCII");
}

TEST(a_serial_number_may_have_20_bytes)
{
	EQ(set("disk", "a,serial=12345678901234567890", NULL), 0);
	STR_EQ(c.disks[0].serial, "12345678901234567890");
	config_free(&c);
}

TEST(more_disks_than_the_machine_has_room_for_are_refused)
{
	const struct key *k = key_find("disk", 4);
	int i;

	EQ(set("disk", "a", NULL), 0);
	for (i = 1; i < 32; i++)
		EQ(key_set(k, &c, "a", NULL, &why), 0);
	EQ(key_set(k, &c, "a", NULL, &why), -ENOSPC);
	HAS(why.text, "room for 32");
	config_free(&c);
}

TEST(a_network_is_a_tap_or_a_descriptor)
{
	EQ(set("network", "tap", NULL), 0);
	OK(!c.nets[0].tap);
	EQ(c.nets[0].fd, -1);
	MEM_EQ(c.nets[0].mac, "\0\0\0\0\0", 6);
	EQ(set("network", "tap=vm0,mac=52:54:00:aB:cd:ef", NULL), 0);
	STR_EQ(c.nets[0].tap, "vm0");
	MEM_EQ(c.nets[0].mac, "\x52\x54\x00\xab\xcd\xef", 6);
	EQ(set("network", "fd=7", NULL), 0);
	EQ(c.nets[0].fd, 7);
	config_free(&c);
}

TEST(network_none_forgets_those_given_before)
{
	EQ(set("network", "tap=vm0", NULL), 0);
	EQ(key_set(key_find("network", 7), &c, "none", NULL, &why), 0);
	EQ(c.nnets, 0);
	EQ(key_set(key_find("network", 7), &c, "tap", NULL, &why), 0);
	EQ(c.nnets, 1);
	config_free(&c);
}

TEST(a_bad_network_is_refused)
{
	refused("network", "user", "unknown network 'user'");
	refused("network", "none,mac=52:54:00:12:34:56", "unknown network");
	refused("network", "tap=", "no interface name");
	refused("network", "tap=a/b", "no interface name");
	refused("network", "tap=sixteen-letters-", "at most 15");
	refused("network", "tap,mtu=9000", "unknown flag 'mtu=9000'");
	refused("network", "fd=2", "standard stream");
	refused("network", "fd=x", "file descriptor");
	refused("network", "fd=2147483648", "file descriptor");
	refused("network", "tap,mac=52:54:00:12:34", "not a MAC");
	refused("network", "tap,mac=52:54:00:12:34:56:78", "not a MAC");
	refused("network", "tap,mac=52-54-00-12-34-56", "not a MAC");
	refused("network", "tap,mac=53:54:00:12:34:56", "group");
	refused("network", "tap,mac=00:00:00:00:00:00", "all-zero");
}

TEST(a_port_has_a_name_of_its_own_and_a_back_end)
{
	const struct key *k = key_find("port", 4);

	EQ(set("port", "log=file:a=b", NULL), 0);
	STR_EQ(c.ports[0].name, "log");
	STR_EQ(c.ports[0].backend, "file:a=b");
	EQ(key_set(k, &c, "log=pty", NULL, &why), -EEXIST);
	HAS(why.text, "two ports named 'log'");
	EQ(key_set(k, &c, "lo=fd:0", NULL, &why), 0);
	config_free(&c);
	refused("port", "pty", "NAME=BACKEND");
	refused("port", "=pty", "NAME=BACKEND");
	refused("port", "a b=pty", "in the name");
	refused("port", "a=tty", "unknown back end 'tty'");
	refused("port", "a=file:", "no path");
	refused("port", "a=fd:-1", "file descriptor");
}

TEST(a_socket_device_has_a_path_and_an_address)
{
	char text[64] = "";
	FILE *f;

	EQ(set("vsock", "v,,1", "/dir"), 0);
	STR_EQ(c.vsock.path, "/dir/v,1");
	EQ(c.vsock.cid, 3);
	EQ(key_set(key_find("vsock", 5), &c, "/w,cid=4294967294", NULL, &why),
	   0);
	STR_EQ(c.vsock.path, "/w");
	f = fmemopen(text, sizeof(text), "w");
	key_dump(key_find("vsock", 5), &c, f);
	fclose(f);
	STR_EQ(text, "vsock = /w,cid=4294967294\n");
	config_free(&c);
	refused("vsock", ",cid=3", "no path");
	refused("vsock", "/w,cid=2", "cid=2: not in the range 3 to 4294967294");
	refused("vsock", "/w,cid=4294967295", "not in the range");
	refused("vsock", "/w,cid=3x", "cid=3x: not a whole number");
	refused("vsock", "/w,uid=3", "unknown flag 'uid=3'; use cid=N");
}

TEST(a_module_has_a_kind_a_file_and_arguments_with_commas_doubled)
{
	const struct key *k = key_find("module", 6);

	EQ(set("module", "kernel=a,,b,console=ttyAMA0,,115200 quiet", NULL), 0);
	STR_EQ(c.modules[MODULE_KERNEL].path, "a,b");
	STR_EQ(c.modules[MODULE_KERNEL].args, "console=ttyAMA0,115200 quiet");
	EQ(key_set(k, &c, "ramdisk=r", "/vm", &why), 0);
	STR_EQ(c.modules[MODULE_RAMDISK].path, "/vm/r");
	OK(!c.modules[MODULE_RAMDISK].args);
	EQ(key_set(k, &c, "kernel=other", NULL, &why), -EEXIST);
	STR_EQ(why.text, "there is a kernel already, 'a,b'; a hypervisor takes "
			 "one");
	config_free(&c);
}

TEST(a_module_of_no_kind_without_a_file_or_with_a_lone_comma_is_refused)
{
	refused("module", "microcode=f", "kernel=FILE or ramdisk=FILE");
	refused("module", "kernel", "kernel=FILE or ramdisk=FILE");
	refused("module", "kernels=f", "kernel=FILE or ramdisk=FILE");
	refused("module", "f", "kernel=FILE or ramdisk=FILE");
	refused("module", "kernel=", "no file named");
	refused("module", "kernel=,args", "no file named");
	refused("module", "kernel=f,console=ttyAMA0,115200",
		"'115200' follows the arguments after a comma; two commas "
		"stand for one");
}

TEST(a_ramdisk_comes_as_a_module_or_as_an_initrd_not_as_both)
{
	struct err e;

	EQ(set("module", "kernel=Image", NULL), 0);
	EQ(key_set(key_find("kernel", 6), &c, "xen", NULL, &why), 0);
	EQ(key_set(key_find("initrd", 6), &c, "r", NULL, &why), 0);
	EQ(config_check(&c, &e), 0);
	EQ(key_set(key_find("module", 6), &c, "ramdisk=r", NULL, &why), 0);
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "--initrd and --module ramdisk= are both given");
	config_free(&c);
}

TEST(a_path_in_a_file_is_relative_to_that_file)
{
	EQ(set("kernel", "Image", "/vm"), 0);
	STR_EQ(c.kernel, "/vm/Image");
	EQ(set("kernel", "/boot/Image", "/vm"), 0);
	STR_EQ(c.kernel, "/boot/Image");
	EQ(set("disk", "a,ro", "../vm"), 0);
	STR_EQ(c.disks[0].path, "../vm/a");
	EQ(set("port", "a=unix:s", "/vm"), 0);
	STR_EQ(c.ports[0].backend, "unix:/vm/s");
	EQ(set("dump-dtb", "-", "/vm"), 0);
	STR_EQ(c.dump_dtb, "-");
	config_free(&c);
}

TEST(parameters_are_trimmed_and_joined_by_a_blank)
{
	const struct key *k = key_find("params", 6);

	EQ(set("params", " a  b ", NULL), 0);
	EQ(key_set(k, &c, "", NULL, &why), 0);
	EQ(key_set(k, &c, "c", NULL, &why), 0);
	STR_EQ(c.params, "a  b c");
	config_free(&c);
}

TEST(no_value_may_hold_what_a_file_cannot)
{
	refused("params", "a\nb", "control character");
	refused("kernel", "a\033[2J", "control character");
	refused("kernel", "a ", "blank");
	refused("kernel", " a", "blank");
	refused("kernel", "", "give FILE");
}

TEST(a_name_is_fit_for_a_file_name)
{
	EQ(set("name", "web-1.example", NULL), 0);
	refused("name", ".x", "start with");
	refused("name", "..", "start with");
	refused("name", "a/b", "use letters");
	refused("name",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aa"
		"a",
		"1 to 64 characters");
}

TEST(two_cards_do_not_share_an_address_or_a_descriptor)
{
	const struct key *k = key_find("network", 7);
	struct err e;

	EQ(set("network", "tap,mac=52:54:00:12:34:56", NULL), 0);
	EQ(key_set(key_find("kernel", 6), &c, "Image", NULL, &why), 0);
	EQ(config_check(&c, &e), 0);
	EQ(key_set(k, &c, "fd=5", NULL, &why), 0);
	EQ(config_check(&c, &e), 0);
	EQ(key_set(k, &c, "fd=5", NULL, &why), 0);
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "fd=5");
	EQ(set("network", "tap,mac=52:54:00:12:34:56", NULL), 0);
	EQ(key_set(key_find("kernel", 6), &c, "Image", NULL, &why), 0);
	EQ(key_set(k, &c, "tap,mac=52:54:00:12:34:56", NULL, &why), 0);
	EQ(config_check(&c, &e), -EINVAL);
	HAS(e.text, "same mac=");
	config_free(&c);
}

TEST(suggestions_are_near_or_absent)
{
	STR_EQ(key_suggest("kernal"), "kernel");
	STR_EQ(key_suggest("cpuss"), "cpus");
	STR_EQ(key_suggest("memroy"), "memory");
	OK(!key_suggest("trombone"));
	OK(!key_suggest(""));
	OK(!key_suggest("a-word-that-is-longer-than-any-key-of-ours"));
}
