/* SPDX-License-Identifier: MIT */
#include "core/cmdline.h"

#include "tests/unit/test.h"

static const char *value(const char *cmdline, const char *name)
{
	static char buf[64];
	size_t len = 99;
	const char *v = cmdline_value(cmdline, name, &len);

	if (!v)
		return "(none)";
	snprintf(buf, sizeof(buf), "%.*s", (int)len, v);
	return buf;
}

TEST(of_several_the_last_counts)
{
	STR_EQ(value("console=ttyAMA0 quiet console=hvc0", "console"), "hvc0");
	STR_EQ(value("\tconsole=hvc0\n console=ttyAMA0\n", "console"),
	       "ttyAMA0");
	STR_EQ(value("console=hvc0 console=", "console"), "");
	STR_EQ(value("console=hvc0 console", "console"), "");
}

TEST(a_name_is_all_of_a_word_up_to_its_value)
{
	STR_EQ(value("netconsole=a xconsole=b console.x=c", "console"),
	       "(none)");
	STR_EQ(value("quiet=console=x", "console"), "(none)");
	STR_EQ(value("console=a=b", "console"), "a=b");
	STR_EQ(value("arm64.nosvex", "arm64.nosve"), "(none)");
	STR_EQ(value("arm64.nosve", "arm64.nosve"), "");
	STR_EQ(value("", "console"), "(none)");
	STR_EQ(value(NULL, "console"), "(none)");
}

TEST(dashes_and_underscores_are_alike_in_names)
{
	STR_EQ(value("kvm_arm.mode=nvhe", "kvm-arm.mode"), "nvhe");
	STR_EQ(value("kvm-arm.mode=a_b-c", "kvm_arm.mode"), "a_b-c");
	STR_EQ(value("kvm.arm.mode=nvhe", "kvm-arm.mode"), "(none)");
}

TEST(quotes_keep_blanks_and_are_no_part_of_a_value)
{
	STR_EQ(value("console=\"hvc0\"", "console"), "hvc0");
	STR_EQ(value("\"console=hvc0\" quiet", "console"), "hvc0");
	STR_EQ(value("dyndbg=\"file a +p console=x\" y", "console"), "(none)");
	STR_EQ(value("dyndbg=\"file a +p\" y", "dyndbg"), "file a +p");
	STR_EQ(value("\"dyndbg=file a +p\" y", "dyndbg"), "file a +p");
	STR_EQ(value("\"quiet\" x", "quiet"), "");
	STR_EQ(value("a=\"b console=hvc0", "console"), "(none)");
	STR_EQ(value("a=\"", "a"), "");
	STR_EQ(value("\"", "a"), "(none)");
}

/* Linux takes the blank of Latin-1 for one too (lib/ctype.c). */
TEST(a_blank_of_latin_1_ends_a_parameter)
{
	STR_EQ(value("quiet\xa0"
		     "console=hvc0\xa0x",
		     "console"),
	       "hvc0");
	STR_EQ(value("a=\"\xa0 console=x\" y", "console"), "(none)");
}

TEST(every_spelling_that_linux_takes_is_read_as_it_does)
{
	STR_EQ(value("root=\"/dev/my disk\" console=a", "root"),
	       "/dev/my disk");
	STR_EQ(value("root=\"LABEL=a b\"", "root"), "LABEL=a b");
	STR_EQ(value("root=a\"b c\"d e", "root"), "a\"b c\"d");
	STR_EQ(value("console=a\"\" b", "console"), "a\"\"");
	STR_EQ(value("console=\"\"", "console"), "");
	STR_EQ(value("console=tty0,\"9600\"n8", "console"), "tty0,\"9600\"n8");
	STR_EQ(value("console=a console=b -- console=c -- console=d",
		     "console"),
	       "b");
	STR_EQ(value("console=a --", "console"), "a");
	STR_EQ(value("-- console=a", "console"), "(none)");
	STR_EQ(value("--=x console=a", "console"), "a");
	STR_EQ(value("--- console=a", "console"), "a");
	STR_EQ(value("-console=x --console=y", "console"), "(none)");
	STR_EQ(value("CONSOLE=x Console=y", "console"), "(none)");
	STR_EQ(value("kvm-arm_mode=x kvm_arm.mode=\"nested\"", "kvm-arm.mode"),
	       "nested");
	STR_EQ(value("\"kvm-arm.mode=nested\"", "kvm_arm.mode"), "nested");
	STR_EQ(value("init=/bin/sh console=hvc0=1", "console"), "hvc0=1");
}

TEST(behind_two_dashes_everything_is_inits)
{
	STR_EQ(value("console=hvc0 -- console=ttyAMA0", "console"), "hvc0");
	STR_EQ(value("--x=1 console=hvc0", "console"), "hvc0");
	STR_EQ(value("\"--\" console=hvc0", "console"), "(none)");
}
