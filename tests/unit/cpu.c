/* SPDX-License-Identifier: MIT */
/* CPU templates: what a file may say, and what KVM is asked for because of it. */
#include "arm64/cpu.h"

#include <errno.h>

#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "tests/unit/board_rig.h"

#define ISAR0 ARM64_SYS_REG(3, 0, 0, 6, 0)
#define ISAR1 ARM64_SYS_REG(3, 0, 0, 6, 1)
#define PFR0  ARM64_SYS_REG(3, 0, 0, 4, 0)
#define MMFR4 ARM64_SYS_REG(3, 0, 0, 7, 4)
#define CLIDR ARM64_SYS_REG(3, 1, 0, 0, 1)
#define MIDR  ARM64_SYS_REG(3, 0, 0, 0, 0)

static struct cpu_template *t;
static struct err e;

static int parse(const char *text)
{
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", text);
	t = NULL;
	e.text[0] = 0;
	return cpu_template_parse("a.cpu", copy, &t, &e);
}

static void refused(const char *text, const char *sentence)
{
	EQ(parse(text), -EINVAL);
	HAS(e.text, sentence);
	OK(!strpbrk(e.text, "\n\r\033"));
	OK(!t);
}

TEST(lines_blanks_comments_and_numbers_are_read)
{
	EQ(parse("# a CPU\n\n  ID_AA64ISAR0_EL1.AES\t=\t0x1  # less\r\n"
		 "ID_AA64ISAR0_EL1.SHA1=0\nMIDR_EL1.PartNum = 4095"),
	   0);
	EQ(t->n, 3);
	EQ(t->line[0].number, 3);
	EQ(t->line[0].value, 1);
	EQ(t->line[0].field.lsb, 4);
	EQ(t->line[1].value, 0);
	EQ(t->line[2].value, 0xfff);
	cpu_template_free(t);
	EQ(parse(""), 0);
	EQ(t->n, 0);
	cpu_template_free(t);
}

TEST(what_makes_no_sense_is_named_by_file_and_line)
{
	refused("\nID_AA64FOO_EL1.AES = 1",
		"--cpu a.cpu:2: there is no ID register 'ID_AA64FOO_EL1.AES'");
	refused("ID_AA64ISAR0_EL1.FOO = 1",
		"'ID_AA64ISAR0_EL1.FOO' is no field");
	refused("ID_AA64ISAR0_EL1.AES", "no '=' in 'ID_AA64ISAR0_EL1.AES'");
	refused("ID_AA64ISAR0_EL1.AES =", "'' is no number");
	refused("ID_AA64ISAR0_EL1.AES = -1", "'-1' is no number");
	refused("ID_AA64ISAR0_EL1.AES = 1x", "'1x' is no number");
	refused("ID_AA64ISAR0_EL1.AES = 99999999999999999999",
		"'99999999999999999999' is no number");
	refused("ID_AA64ISAR0_EL1.AES = 16",
		"has 4 bits, which 16 does not fit");
	refused("= 1", "there is no ID register ''");
	refused("\033[2J = 1", "'?[2J'");
}

TEST(no_bit_is_set_twice)
{
	refused("ID_AA64ISAR0_EL1.AES = 1\n\nID_AA64ISAR0_EL1[7:0] = 0",
		"--cpu a.cpu:3: ID_AA64ISAR0_EL1[7:0] is set in line 1 "
		"already");
}

TEST(more_lines_than_a_cpu_has_fields_are_refused)
{
	static char text[CPU_LINES_MAX * 24 + 64];
	size_t n = 0;
	unsigned i;

	for (i = 0; i <= CPU_LINES_MAX; i++)
		n += sprintf(text + n, "S3_0_C0_C%u_%u[%u:%u] = 0\n",
			     1 + i / 512, i / 64 % 8, i % 64, i % 64);
	EQ(cpu_template_parse("a.cpu", text, &t, &e), -E2BIG);
	HAS(e.text, "more than 1024 fields");
}

TEST(a_feature_is_off_if_all_that_is_said_of_it_is_0)
{
	struct vcpu_model m = { .sve = true, .pauth = true, .pmu = true };

	EQ(parse("ID_AA64PFR0_EL1.SVE = 0\nID_AA64ISAR1_EL1.APA = 0\n"
		 "ID_AA64ISAR1_EL1.API = 1\n"),
	   0);
	cpu_template_model(t, &m);
	OK(!m.sve && m.pauth && m.pmu);
	cpu_template_free(t);
	EQ(parse("ID_AA64DFR0_EL1.PMUVer = 0\nID_AA64ISAR1_EL1.APA = 0"), 0);
	cpu_template_model(t, &m);
	OK(!m.pauth && !m.pmu);
	cpu_template_free(t);
}

/* --- on a board --- */

static struct board *board;

/* A board of two CPUs with this file; what board_new() says. */
static int make(const char *text)
{
	struct config c = board_rig_config();
	char *path = test_path("cpu");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	OK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	c.cpu = path;
	c.cpus = 2;
	return board_rig_make(&c, &board, &e);
}

static unsigned sets_of(uint64_t id)
{
	unsigned i, n = 0;

	for (i = 0; i < fake_ncalls; i++)
		n += fake_calls[i].request == KVM_SET_ONE_REG &&
		     fake_calls[i].a == id;
	return n;
}

static void host(void)
{
	fake_kvm_reset();
	fake_kvm_idreg(ISAR0, 0x21120, 0xffffffff);
	fake_kvm_idreg(ISAR1, 0x11, 0xff);
	fake_kvm_idreg(PFR0, 0x11, 0);
	fake_kvm_idreg(CLIDR, 0x3, UINT64_MAX);
	fake_kvm_idreg(MIDR, 0x410fd080, UINT64_MAX);
}

TEST(one_vcpu_sets_a_register_of_the_vm_once_before_the_gic_is_ready)
{
	host();
	EQ(make("ID_AA64ISAR0_EL1.AES = 1\nID_AA64ISAR0_EL1.SHA2 = 0\n"), 0);
	EQ(sets_of(ISAR0), 1);
	LT(board_rig_at("ARM_VCPU_FINALIZE"),
	   board_rig_at("SET_ONE_REG 0x603000000013c030 0x20110\n"));
	LT(board_rig_at("SET_ONE_REG 0x603000000013c030 0x20110\n"),
	   board_rig_at("SET_DEVICE_ATTR 0x4 0"));
	board_rig_unmake(board);
}

TEST(what_is_so_already_is_not_set)
{
	host();
	EQ(make("ID_AA64ISAR0_EL1.AES = 2\nID_AA64PFR0_EL1.EL0 = 1\n"), 0);
	EQ(sets_of(ISAR0), 0);
	EQ(sets_of(PFR0), 0);
	board_rig_unmake(board);
}

TEST(each_vcpu_sets_what_it_has_for_itself)
{
	host();
	EQ(make("CLIDR_EL1.Ctype1 = 2"), 0);
	EQ(sets_of(CLIDR), 2);
	board_rig_unmake(board);
}

TEST(the_line_that_kvm_refuses_is_found_among_others)
{
	host();
	EQ(make("ID_AA64ISAR0_EL1.SHA2 = 0\nID_AA64ISAR0_EL1.AES = 3\n"),
	   -EINVAL);
	HAS(e.text, ":2: ID_AA64ISAR0_EL1.AES = 0x3, but a guest has 0x2 here, "
		    "and KVM refuses the other; ");
	board_rig_unmake(board);
}

TEST(a_field_that_nobody_can_change_is_refused_without_asking)
{
	host();
	EQ(make("ID_AA64PFR0_EL1.FP = 15"), -EINVAL);
	HAS(e.text, ":1: ID_AA64PFR0_EL1.FP = 0xf, but a guest has 0x0 here, "
		    "and nobody can change that");
	EQ(sets_of(PFR0), 0);
	board_rig_unmake(board);
	host();
	EQ(make("ID_AA64PFR0_EL1.GIC = 1"), -EINVAL);
	HAS(e.text, "follows from the machine's GIC");
	board_rig_unmake(board);
}

TEST(a_register_that_guests_do_not_have_is_refused)
{
	host();
	EQ(make("ID_AA64ISAR2_EL1.WFxT = 0"), -ENOTSUP);
	HAS(e.text, ":1: ID_AA64ISAR2_EL1.WFxT: guests have no such register");
	board_rig_unmake(board);
}

TEST(whose_cpu_it_is_takes_a_capability_before_the_first_vcpu)
{
	host();
	EQ(make("MIDR_EL1.PartNum = 0xd07"), 0);
	LT(board_rig_at("ENABLE_CAP 0xef"), board_rig_at("CREATE_VCPU"));
	EQ(sets_of(MIDR), 1);
	board_rig_unmake(board);
	host();
	fake_kvm_fail(KVM_ENABLE_CAP, 1, EINVAL);
	EQ(make("MIDR_EL1.PartNum = 0xd07"), -ENOTSUP);
	HAS(e.text, "use Linux 6.15 or newer");
	EQ(fake_kvm_count(KVM_CREATE_VCPU), 0);
	board_rig_unmake(board);
}

TEST(an_older_kvm_cannot_do_templates_and_says_so)
{
	host();
	fake_kvm_fail(KVM_ARM_GET_REG_WRITABLE_MASKS, 1, ENOTTY);
	EQ(make("ID_AA64ISAR0_EL1.AES = 1"), -ENOTSUP);
	HAS(e.text, "use Linux 6.7 or newer");
	board_rig_unmake(board);
}

TEST(without_a_file_nothing_is_asked_or_set)
{
	struct config c = board_rig_config();

	host();
	c.cpu = "host";
	EQ(board_rig_make(&c, &board, &e), 0);
	EQ(fake_kvm_count(KVM_ARM_GET_REG_WRITABLE_MASKS), 0);
	EQ(sets_of(ISAR0), 0);
	board_rig_unmake(board);
}

TEST(what_is_printed_of_a_host_is_a_template_that_changes_nothing)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int fd;

	host();
	fd = kvm_open();
	EQ(cpu_template_print(fd, false, f, &e), 0);
	close(fd);
	fclose(f);
	HAS(text, "\nID_AA64ISAR0_EL1.AES = 0x2\n");
	HAS(text, "\nID_AA64ISAR0_EL1[3:0] = 0x0\n");
	HAS(text, "\nID_AA64PFR0_EL1.SVE = 0x0\n");
	HAS(text, "\n# ID_AA64PFR0_EL1.FP = 0x0\n");
	HAS(text, "\n# MIDR_EL1.PartNum = 0xd08\n");
	OK(!strstr(text, "GIC"));
	host();
	EQ(make(text), 0);
	EQ(sets_of(ISAR0) + sets_of(PFR0) + sets_of(MIDR) + sets_of(CLIDR), 0);
	board_rig_unmake(board);
	free(text);
}
