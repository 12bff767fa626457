/* SPDX-License-Identifier: MIT */
#include "config/options.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/keys.h"
#include "core/log.h"
#include "tests/unit/test.h"

static struct config c;
static struct err e;

/* config_parse() of "run" and the words that follow. */
#define PARSE(...) parse((char *[]){ "run", ##__VA_ARGS__, NULL })

static int parse(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	config_free(&c);
	e.text[0] = '\0';
	return config_parse(argc, argv, &c, &e);
}

static int parse_text(const char *name, const char *text)
{
	config_free(&c);
	EQ(config_init(&c, &e), 0);
	e.text[0] = '\0';
	return config_parse_text(name, text, strlen(text), &c, &e);
}

/* The name of a file that holds @text, until the test ends. */
static char *file_of(const char *text)
{
	static char name[32];
	int fd = memfd_create("vm.conf", 0);

	EQ(write(fd, text, strlen(text)), strlen(text));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static char *dump(const struct config *from)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	config_dump(from, f);
	fclose(f);
	return text;
}

TEST(long_options_take_a_value_either_way)
{
	EQ(PARSE("--kernel", "a", "--cpus=4"), CONFIG_RUN);
	STR_EQ(c.kernel, "a");
	EQ(c.cpus, 4);
	EQ(PARSE("--kernel=a=b"), CONFIG_RUN);
	STR_EQ(c.kernel, "a=b");
	config_free(&c);
}

TEST(short_options_can_be_bundled)
{
	EQ(PARSE("-vk", "a", "-c4", "-m", "1G"), CONFIG_RUN);
	OK(c.debug);
	STR_EQ(c.kernel, "a");
	EQ(c.cpus, 4);
	EQ(c.memory, 1ull << 30);
	EQ(PARSE("-vvka"), CONFIG_RUN);
	STR_EQ(c.kernel, "a");
	config_free(&c);
}

TEST(flags_have_a_form_for_on_and_one_for_off)
{
	EQ(PARSE("-ka", "--no-rng", "--hugepages", "--no-reboot"), CONFIG_RUN);
	OK(!c.rng);
	OK(c.hugepages);
	OK(c.on_reset == POLICY_STOP);
	EQ(PARSE("-ka", "--no-rng", "--rng", "--no-reboot", "--reboot"), 0);
	OK(c.rng);
	OK(c.on_reset == POLICY_RESTART);
	EQ(PARSE("-ka", "--rng=off"), CONFIG_RUN);
	OK(!c.rng);
	EQ(PARSE("-ka", "--rng=no"), -EINVAL);
	STR_EQ(e.text, "--rng=no: a flag is on or off; use --rng or --no-rng");
	EQ(PARSE("-ka", "--no-rng=on"), -EINVAL);
	EQ(PARSE("-ka", "--no-kernel"), -EINVAL);
	HAS(e.text, "only flags have a --no- form");
	EQ(PARSE("-ka", "--no-help"), -EINVAL);
	STR_EQ(e.text, "unknown option --no-help: see 'nestor help run'");
	EQ(PARSE("-ka", "--help=1"), -EINVAL);
}

TEST(errors_name_the_option_as_it_was_written)
{
	EQ(PARSE("-d", "disk.img,foo"), -EINVAL);
	STR_EQ(e.text, "-d disk.img,foo: unknown flag 'foo'; use ro, "
		       "serial=TEXT, transport=KIND or slot=N");
	EQ(PARSE("--disk=disk.img,foo"), -EINVAL);
	STR_EQ(e.text, "--disk disk.img,foo: unknown flag 'foo'; use ro, "
		       "serial=TEXT, transport=KIND or slot=N");
	EQ(PARSE("--kernel="), -EINVAL);
	STR_EQ(e.text, "--kernel '': empty; give FILE");
}

TEST(unknown_options_are_refused_with_the_nearest)
{
	EQ(PARSE("--kernal", "a"), -EINVAL);
	STR_EQ(e.text, "unknown option --kernal: did you mean --kernel?");
	EQ(PARSE("--no-rgn"), -EINVAL);
	HAS(e.text, "did you mean --no-rng?");
	EQ(PARSE("--kern", "a"), -EINVAL);
	EQ(PARSE("-x"), -EINVAL);
	HAS(e.text, "unknown option -x");
	EQ(PARSE("-vx"), -EINVAL);
	HAS(e.text, "unknown option -x");
	EQ(PARSE("---"), -EINVAL);
}

TEST(a_missing_value_or_kernel_is_refused)
{
	EQ(PARSE("--kernel"), -EINVAL);
	STR_EQ(e.text, "--kernel needs a value: --kernel FILE");
	EQ(PARSE("-vk"), -EINVAL);
	STR_EQ(e.text, "-k needs a value: -k FILE");
	EQ(PARSE(), -EINVAL);
	STR_EQ(e.text,
	       "no kernel given: use --kernel FILE, or --firmware FILE");
}

TEST(nested_alone_is_auto_and_takes_no_word_that_follows)
{
	EQ(PARSE("-k", "k", "--nested", "-c", "2"), CONFIG_RUN);
	EQ(c.nested, NESTED_AUTO);
	EQ(c.cpus, 2);
	EQ(PARSE("-k", "k", "--nested=nvhe"), CONFIG_RUN);
	EQ(c.nested, NESTED_NVHE);
	EQ(PARSE("-k", "k"), CONFIG_RUN);
	EQ(c.nested, NESTED_OFF);
	EQ(PARSE("-k", "k", "--nested", "vhe"), -EINVAL);
	STR_EQ(e.text, "stray argument 'vhe': if it belongs to --nested, "
		       "write --nested=vhe");
	EQ(PARSE("-k", "k", "--nested=el2"), -EINVAL);
	STR_EQ(e.text, "--nested el2: not one of off, auto, vhe, nvhe");
}

TEST(a_depth_of_nesting_that_kvm_cannot_bound_is_refused)
{
	EQ(PARSE("-k", "k", "--nested", "--nested-depth", "1"), CONFIG_RUN);
	EQ(c.nested_depth, 1);
	EQ(PARSE("-k", "k", "--nested", "--nested-depth=2"), -EINVAL);
	HAS(e.text, "--nested-depth 2: KVM bounds nesting at the first level");
	EQ(PARSE("-k", "k", "--nested-depth=1"), -EINVAL);
	HAS(e.text, "--nested-depth 1: there is no nesting to bound");
}

TEST(stray_arguments_are_refused)
{
	EQ(PARSE("-ka", "vmlinuz"), -EINVAL);
	HAS(e.text, "stray argument 'vmlinuz'");
	EQ(PARSE("-ka", "--", "-v"), CONFIG_RUN);
	config_free(&c);
	EQ(PARSE("-ka", "-"), -EINVAL);
	EQ(PARSE("-ka", ""), -EINVAL);
	EQ(PARSE("-ka", "--"), CONFIG_RUN);
	config_free(&c);
}

TEST(help_needs_nothing_else_and_leaves_nothing)
{
	EQ(PARSE("-d", "a", "--help", "--wrong"), CONFIG_HELP);
	EQ(c.ndisks, 0);
	EQ(PARSE("-vh"), CONFIG_HELP);
	EQ(PARSE("--wrong", "--help"), -EINVAL);
}

TEST(the_dump_is_possible_without_a_kernel)
{
	EQ(PARSE("--dump-config", "-c2"), CONFIG_DUMP);
	EQ(c.cpus, 2);
	config_free(&c);
}

TEST(the_last_value_of_an_option_counts_but_lists_grow)
{
	EQ(PARSE("-ka", "-kb", "-ic", "-id", "-pe", "-pf"), CONFIG_RUN);
	STR_EQ(c.kernel, "b");
	EQ(c.initrds.n, 2);
	STR_EQ(c.initrds.s[1], "d");
	STR_EQ(c.params, "e f");
	config_free(&c);
}

TEST(a_file_holds_keys_comments_and_blank_lines)
{
	EQ(parse_text("vm.conf", "# a VM\n\n  kernel =  Image # 1 \r\n"
				 "rng=off\nparams = a=b c\n reboot = off"),
	   0);
	STR_EQ(c.kernel, "Image # 1");
	OK(!c.rng);
	STR_EQ(c.params, "a=b c");
	OK(c.on_reset == POLICY_STOP);
	config_free(&c);
}

TEST(errors_in_a_file_name_it_and_the_line)
{
	EQ(parse_text("d/vm.conf", "kernel = a\n\nkernal = b\n"), -EINVAL);
	STR_EQ(e.text, "d/vm.conf:3: unknown key 'kernal': did you mean "
		       "'kernel'?");
	EQ(parse_text("vm.conf", "cpus = 0"), -EINVAL);
	STR_EQ(e.text, "vm.conf:1: cpus = 0: not in the range 1 to 512");
	EQ(parse_text("vm.conf", "kernel"), -EINVAL);
	STR_EQ(e.text, "vm.conf:1: 'kernel' is not 'key = value'");
	EQ(parse_text("vm.conf", "no-rng = on"), -EINVAL);
	STR_EQ(e.text, "vm.conf:1: unknown key 'no-rng'; write 'rng = off'");
	EQ(parse_text("vm.conf", "rng = yes"), -EINVAL);
	HAS(e.text, "neither 'on' nor 'off'");
	EQ(parse_text("vm.conf", "rng ="), -EINVAL);
	HAS(e.text, "rng = '': empty; give on or off");
	EQ(parse_text("vm.conf", "config = other"), -EINVAL);
	HAS(e.text, "command line only");
	EQ(parse_text("vm.conf", "\033]0;\a = 1"), -EINVAL);
	STR_EQ(e.text, "vm.conf:1: contains a control character");
	config_free(&c);
}

TEST(a_nul_byte_in_a_file_is_refused)
{
	EQ(config_init(&c, &e), 0);
	EQ(config_parse_text("f", "cpus = 2\0\n", 10, &c, &e), -EINVAL);
	HAS(e.text, "f:1: contains a control character");
	config_free(&c);
}

TEST(a_line_may_end_as_on_other_systems_and_holds_no_other_carriage_return)
{
	EQ(parse_text("f",
		      "kernel = k\r\nparams = quiet a=b \r\n\r\nrng = off\r"),
	   0);
	STR_EQ(c.kernel, "k");
	STR_EQ(c.params, "quiet a=b");
	OK(!c.rng);
	EQ(parse_text("f", "kernel = k\r\r\n"), -EINVAL);
	STR_EQ(e.text, "f:1: contains a control character");
	EQ(parse_text("f", "\rkernel = k\n"), -EINVAL);
	EQ(parse_text("f", "kernel = a\rb\n"), -EINVAL);
	EQ(parse_text("f", "kernel = a\x7f\n"), -EINVAL);
	config_free(&c);
}

TEST(a_control_character_is_refused_and_shown_not_obeyed)
{
	EQ(PARSE("-k", "a\nmemory = 2G"), -EINVAL);
	HAS(e.text, "-k a^Jmemory = 2G: contains a control character");
	EQ(PARSE("-ka", "-p", "a\033[31mb"), -EINVAL);
	HAS(e.text, "-p a^[[31mb: contains");
	EQ(PARSE("-ka", "--config", "d\n/f"), -EINVAL);
	HAS(e.text, "--config d^J/f: contains");
	EQ(PARSE("-ka", "\033]0;x\a"), -EINVAL);
	HAS(e.text, "stray argument '^[]0;x^G'");
	EQ(parse_text("f", "k\xc2\x9b = 1"), -EINVAL);
	HAS(e.text, "unknown key 'k?'");
}

TEST(a_directory_that_no_dump_could_name_is_refused)
{
	const char *odd = test_path("a\nb");

	EQ(mkdir(odd, 0700), 0);
	EQ(chdir(odd), 0);
	EQ(PARSE("-ka"), -EINVAL);
	HAS(e.text, "/a^Jb, contains a control character");
}

/* What values are made of: what parts and lines are cut at, and odd bytes. */
static void make_value(char *s, size_t size, uint32_t *seed)
{
	static const char *const bits[] = {
		"a",
		",",
		",,",
		"=",
		" ",
		"\t",
		"#",
		"\r",
		"\n",
		"ro",
		"serial",
		"cid=3",
		"tap",
		"fd=7",
		"opt/",
		"kernel=",
		"file:",
		"mac=52:54:00:12:34:56",
		"/",
		"\xc3\xb6",
		"\x7f",
		"\033",
		"uuid=",
		"none",
		"transport=pci",
		"slot=7",
		"down",
		"sku=",
		"ramdisk=",
		"auto",
		"-",
		"1.5G",
		"2",
	};
	unsigned n = 1 + (*seed >> 16) % 7;

	*s = '\0';
	while (n--) {
		*seed = *seed * 1664525u + 1013904223u;
		strncat(s, bits[(*seed >> 16) % (sizeof(bits) / sizeof(*bits))],
			size - strlen(s) - 1);
	}
}

TEST(whatever_is_accepted_is_dumped_and_reads_back_the_same)
{
	uint32_t seed = 1;
	char value[256], *first, *second;
	unsigned i, accepted = 0, n;
	struct config x;

	for (i = 0; i < 6000; i++) {
		EQ(config_init(&x, &e), 0);
		for (n = 0; n < nkeys; n++) {
			if (keys[n].role != KEY_SETS)
				continue;
			make_value(value, sizeof(value), &seed);
			/* A name's label, so that more is accepted. */
			if (seed & 1)
				memmove(value + 2, value, strlen(value) + 1),
					memcpy(value, "l=", 2);
			accepted += !key_set(&keys[n], &x, value,
					     seed & 2 ? "d" : NULL, &e);
		}
		first = dump(&x);
		EQ(parse_text("/elsewhere/vm.conf", first), 0);
		second = dump(&c);
		STR_EQ(second, first);
		free(first);
		free(second);
		config_free(&x);
		config_free(&c);
	}
	LT(6000, accepted);
}

TEST(paths_in_a_file_start_at_its_directory)
{
	EQ(parse_text("vm.conf", "kernel = a"), 0);
	STR_EQ(c.kernel, "a");
	EQ(parse_text("d/e/vm.conf", "kernel = a"), 0);
	STR_EQ(c.kernel, "d/e/a");
	EQ(parse_text("/vm.conf", "initrd = a\ninitrd = b"), 0);
	STR_EQ(c.initrds.s[1], "/b");
	config_free(&c);
}

TEST(options_win_over_a_file_wherever_it_is_named)
{
	char *f = file_of("kernel = /k\ncpus = 8\ndisk = /a\n"
			  "params = x\n");

	EQ(PARSE("-c2", "-d", "/b", "-py", "--config", f), CONFIG_RUN);
	STR_EQ(c.kernel, "/k");
	EQ(c.cpus, 2);
	EQ(c.ndisks, 2);
	STR_EQ(c.disks[0].path, "/a");
	STR_EQ(c.disks[1].path, "/b");
	STR_EQ(c.params, "x y");
	config_free(&c);
}

TEST(a_file_that_cannot_be_read_is_refused)
{
	EQ(PARSE("--config", "/nonexistent"), -ENOENT);
	HAS(e.text, "--config /nonexistent: No such file");
	EQ(PARSE("--config", "/"), -EISDIR);
	EQ(PARSE("--config", "/dev/zero"), -EFBIG);
	HAS(e.text, "--config /dev/zero: has more than 1048576 bytes");
	EQ(PARSE("-ka", "--config", "/dev/null"), CONFIG_RUN);
	config_free(&c);
}

TEST(the_dump_reads_back_the_same)
{
	char *first, *second;

	EQ(PARSE("-ka", "-i", "b c", "-p", "x=\"y z\" #", "-c3", "-m1025M",
		 "-d", "d,,e,ro,serial=a,,b", "-d", "/f", "-n", "tap", "-n",
		 "tap=t,mac=52:54:00:00:00:01", "-n", "fd=9", "--console=none",
		 "--port", "p=file:q", "--port", "r=pty", "--no-rng",
		 "--no-sve", "--no-reboot", "--timeout", "9", "--dtb=t",
		 "--dtb-overlay=o", "--module", "kernel=k,,,a,,b",
		 "--dump-dtb=-", "--name", "n", "--hugepages"),
	   CONFIG_RUN);
	first = dump(&c);
	EQ(parse_text("/elsewhere/vm.conf", first), 0);
	second = dump(&c);
	STR_EQ(second, first);
	HAS(first, ",serial=a,,b");
	HAS(first, "dump-dtb = -\n");
	free(first);
	free(second);
	config_free(&c);
}

TEST(a_command_stands_behind_two_dashes_with_options_of_its_own)
{
	EQ(PARSE("-kk", "--env", "A=b", "--env=C", "--workdir", "w", "--root",
		 "initramfs", "--add", "f", "--", "prog", "-v", "--", "x"),
	   CONFIG_RUN);
	EQ(c.command.argv.n, 4);
	STR_EQ(c.command.argv.s[0], "prog");
	STR_EQ(c.command.argv.s[1], "-v");
	STR_EQ(c.command.argv.s[2], "--");
	OK(!c.debug);
	EQ(c.command.env.n, 2);
	STR_EQ(c.command.root, COMMAND_INITRAMFS);
	STR_EQ(c.command.workdir, "w");
	EQ(c.command.files.n, 1);
	config_free(&c);
}

TEST(a_commands_machine_is_larger_unless_it_is_said_how_large)
{
	EQ(PARSE("-kk", "--", "prog"), CONFIG_RUN);
	OK(c.cpus >= 1 && c.cpus <= 8 && c.memory >= 512u << 20);
	OK(c.memory <= 2048ull << 20 && c.memory % (1 << 20) == 0);
	config_free(&c);
	EQ(PARSE("-kk", "-c3", "-m64M", "--", "prog"), CONFIG_RUN);
	EQ(c.cpus, 3);
	EQ(c.memory, 64 << 20);
	config_free(&c);
}

TEST(options_of_a_command_without_one_are_refused)
{
	EQ(PARSE("-kk", "--env", "A=b"), -EINVAL);
	STR_EQ(e.text, "--env is for a command, and there is none: give it "
		       "behind '--'");
	EQ(PARSE("-kk", "--root=/x", "--"), -EINVAL);
	EQ(PARSE("-kk", "-p\"rdinit=/bin/sh\"", "--", "prog"), -EINVAL);
	STR_EQ(e.text, "--params: rdinit= is what runs prog; leave it out");
	EQ(PARSE("-kk", "--env", "1A=b", "--", "prog"), -EINVAL);
	HAS(e.text, "not of the form NAME[=VALUE]");
	EQ(PARSE("--", "prog"), -EINVAL);
	EQ(PARSE("-kk", "--detach", "--", "prog"), -EINVAL);
	HAS(e.text, "leave --detach out");
}

TEST(a_share_has_a_tag_of_its_own_and_a_directory)
{
	EQ(PARSE("-kk", "--share", "a=/x,ro", "--share", "b.1=y,,z"),
	   CONFIG_RUN);
	EQ(c.nshares, 2);
	STR_EQ(c.shares[0].tag, "a");
	OK(c.shares[0].readonly && !c.shares[1].readonly);
	STR_EQ(c.shares[1].dir, "y,z");
	config_free(&c);
	EQ(PARSE("-kk", "--share", "/x"), -EINVAL);
	HAS(e.text, "not of the form TAG=DIR[,...]");
	EQ(PARSE("-kk", "--share", "a=/x", "--share", "a=/y"), -EEXIST);
	EQ(PARSE("-kk", "--share", "a b=/x"), -EINVAL);
	EQ(PARSE("-kk", "--share", "a="), -EINVAL);
	EQ(PARSE("-kk", "--share", "a=/x,rw"), -EINVAL);
	HAS(e.text, "unknown flag 'rw'; use ro");
	EQ(PARSE("-kk", "--share", "a23456789012345678901234567890123456=x"),
	   CONFIG_RUN);
	config_free(&c);
	EQ(PARSE("-kk", "--share", "a234567890123456789012345678901234567=x"),
	   -EINVAL);
}
