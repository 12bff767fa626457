/* SPDX-License-Identifier: MIT */
/* The keys of firmware, and what goes together with it. */
#include <errno.h>

#include "cmd/cmd.h"
#include "config/keys.h"
#include "config/options.h"
#include "core/log.h"
#include "tests/unit/test.h"

static struct config c;
static struct err e;

static int parse(int argc, char **argv)
{
	e.text[0] = '\0';
	return config_parse(argc, argv, &c, &e);
}

#define PARSE(...)                                                         \
	parse(sizeof((char *[]){ "run", ##__VA_ARGS__ }) / sizeof(char *), \
	      (char *[]){ "run", ##__VA_ARGS__, NULL })

static void refused(const char *key, const char *value, const char *why)
{
	char arg[512];

	snprintf(arg, sizeof(arg), "--%s=%s", key, value);
	EQ(PARSE("-k", "k", arg), -EINVAL);
	HAS(e.text, why);
}

/* What config_dump() writes, which must read back. */
static const char *dump(void)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	OK(f);
	config_dump(&c, f);
	fclose(f);
	return text;
}

TEST(auto_is_no_path_and_stays_as_it_is)
{
	EQ(PARSE("--firmware", "auto"), CONFIG_RUN);
	STR_EQ(c.firmware, "auto");
	HAS(dump(), "firmware = auto\n");
	config_free(&c);
	EQ(PARSE("--firmware", "fw.fd"), CONFIG_RUN);
	HAS(dump(), "/fw.fd\n");
	config_free(&c);
}

TEST(acpi_is_for_a_firmware_of_64_bits)
{
	EQ(PARSE("--firmware", "f"), CONFIG_RUN);
	EQ(c.acpi, ACPI_AUTO);
	config_free(&c);
	EQ(PARSE("--firmware", "f", "--acpi=on"), CONFIG_RUN);
	EQ(c.acpi, ACPI_ON);
	HAS(dump(), "acpi = on\n");
	config_free(&c);
	EQ(PARSE("-k", "k", "--acpi", "off"), CONFIG_RUN);
	EQ(c.acpi, ACPI_OFF);
	config_free(&c);
	EQ(PARSE("-k", "k", "--acpi", "auto"), CONFIG_RUN);
	config_free(&c);
	EQ(PARSE("-k", "k", "--acpi", "on"), -EINVAL);
	STR_EQ(e.text, "--acpi on: without a firmware nothing hands the tables "
		       "on; add --firmware, or leave it out");
	EQ(PARSE("--firmware", "f", "--aarch32", "--acpi", "on"), -EINVAL);
	HAS(e.text, "--aarch32 and --acpi on are both given");
}

TEST(a_firmware_needs_no_kernel_and_a_kernel_no_firmware)
{
	EQ(PARSE("--firmware", "f", "--vars", "v"), CONFIG_RUN);
	config_free(&c);
	EQ(PARSE("--firmware", "f", "-k", "k", "-i", "i", "-p", "quiet"),
	   CONFIG_RUN);
	config_free(&c);
	EQ(PARSE("--vars", "v", "-k", "k"), -EINVAL);
	STR_EQ(e.text, "--vars v: there is no firmware whose variables it "
		       "could keep; add --firmware");
	EQ(PARSE("--firmware", "f", "-p", "quiet"), -EINVAL);
	HAS(e.text, "--params is for a kernel");
	EQ(PARSE("--firmware", "f", "-i", "i"), -EINVAL);
	HAS(e.text, "--initrd is for a kernel");
	EQ(PARSE("--firmware", "f", "-k", "x", "--module", "kernel=k"),
	   -EINVAL);
	HAS(e.text, "leave --firmware out");
}

TEST(files_of_fw_cfg_have_names_of_the_users)
{
	EQ(PARSE("-k", "k", "--fw-cfg", "opt/a=x", "--fw-cfg", "opt/b=y=z"),
	   CONFIG_RUN);
	EQ(c.nfw_cfgs, 2);
	STR_EQ(c.fw_cfgs[0].name, "opt/a");
	STR_EQ(c.fw_cfgs[1].path, "y=z");
	HAS(dump(), "fw-cfg = opt/a=/");
	config_free(&c);
	refused("fw-cfg", "opt/a", "not of the form NAME=FILE");
	refused("fw-cfg", "opt/a=", "not of the form NAME=FILE");
	refused("fw-cfg", "opt/=x", "must begin with opt/");
	refused("fw-cfg", "etc/table-loader=x", "must begin with opt/");
	refused("fw-cfg", "opt/a b=x", "without blanks");
	refused("fw-cfg",
		"opt/345678901234567890123456789012345678901234567890123456=x",
		"use 1 to 55 characters in the name");
	LT(PARSE("-k", "k", "--fw-cfg", "opt/a=x", "--fw-cfg", "opt/a=y"), 0);
	HAS(e.text, "two files named 'opt/a'");
}

TEST(there_may_be_sixteen_files_of_the_users)
{
	char arg[17][32], *argv[20] = { "run", "-k", "k" };
	unsigned i;

	for (i = 0; i < 17; i++) {
		snprintf(arg[i], sizeof(arg[i]), "--fw-cfg=opt/%u=x", i);
		argv[3 + i] = arg[i];
	}
	EQ(parse(19, argv), CONFIG_RUN);
	config_free(&c);
	LT(parse(20, argv), 0);
	HAS(e.text, "one too many; there is room for 16");
}

TEST(fields_of_smbios_add_up_and_the_last_of_one_counts)
{
	EQ(PARSE("-k", "k", "--smbios", "serial=1,product=A,, B", "--smbios",
		 "serial=2,uuid=123e4567-E89B-12d3-a456-426614174000"),
	   CONFIG_RUN);
	STR_EQ(c.smbios.text[SMBIOS_SERIAL], "2");
	STR_EQ(c.smbios.text[SMBIOS_PRODUCT], "A, B");
	EQ(c.smbios.text[SMBIOS_FAMILY], NULL);
	EQ(c.smbios.uuid[0], 0x12);
	EQ(c.smbios.uuid[15], 0);
	HAS(dump(), "smbios = product=A,, B\nsmbios = serial=2\n"
		    "smbios = uuid=123e4567-e89b-12d3-a456-426614174000\n");
	config_free(&c);
}

TEST(what_smbios_cannot_hold_is_refused)
{
	refused("smbios", "serial", "serial needs a value: serial=TEXT");
	refused("smbios", "x",
		"unknown field 'x'; use manufacturer=TEXT, product=TEXT");
	refused("smbios", "colour=red", "unknown field 'colour=red'");
	refused("smbios", "serial=", "use 1 to 64 characters in the serial");
	refused("smbios",
		"serial=12345678901234567890123456789012345678901234567890"
		"123456789012345",
		"use 1 to 64 characters in the serial");
	refused("smbios", "serial=\xc3\xa4",
		"use printable ASCII in the serial");
	refused("smbios", "uuid=123", "not a UUID");
	refused("smbios", "uuid=123e4567-e89b-12d3-a456-4266141740000",
		"not a UUID");
	refused("smbios", "uuid=123e4567e89b12d3a456426614174000",
		"not a UUID");
	refused("smbios", "uuid=00000000-0000-0000-0000-000000000000",
		"means that there is none");
}

TEST(a_format_is_that_of_a_kernel_which_nestor_loads)
{
	EQ(PARSE("-k", "k"), CONFIG_RUN);
	EQ(c.kernel_format, KERNEL_AUTO);
	config_free(&c);
	EQ(PARSE("-k", "k", "--kernel-format", "flat"), CONFIG_RUN);
	EQ(c.kernel_format, KERNEL_FLAT);
	HAS(dump(), "kernel-format = flat\n");
	config_free(&c);
	EQ(PARSE("-k", "k", "--kernel-format=elf"), -EINVAL);
	HAS(e.text, "auto");
	EQ(PARSE("-k", "k", "--firmware", "f", "--kernel-format=flat"),
	   -EINVAL);
	STR_EQ(e.text, "--kernel-format flat: the firmware starts the kernel; "
		       "leave it out");
	EQ(PARSE("--firmware", "f", "--kernel-format=flat"), -EINVAL);
	HAS(e.text, "there is no --kernel; leave it out");
}
