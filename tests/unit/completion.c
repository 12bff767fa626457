/* SPDX-License-Identifier: MIT */
#include "cmd/completion.h"

#include <sys/mman.h>

#include "cmd/cmd.h"
#include "config/keys.h"
#include "cmd/opts.h"
#include "tests/unit/test.h"

static const struct opt opts[] = {
	OPT('k', "colour", 'k', "WHAT", "what [it's] called: $(x) `x`"),
	OPT('v', "vm", 0, "NAME", "a VM", .kind = OPT_VM),
	{ 0 },
};
static const struct command other = {
	.name = "other",
	.summary = "what's this: $(x)",
	.operands = "NAME",
	.vm = true,
	.opts = opts,
};
static const struct command *const table[] = { &command_run, &other,
					       &command_completion, NULL };

static char *script(void (*print)(FILE *, const struct command *const *))
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	print(f, table);
	fclose(f);
	return text;
}

/* What bash says when it has read the script, and then runs @line. */
static const char *bash(const char *line)
{
	static char said[16384];
	char *text = script(completion_bash), cmd[1024];
	int fd = memfd_create("script", 0);
	FILE *p;

	OK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	free(text);
	snprintf(cmd, sizeof(cmd),
		 "exec 2>&1; bash -c 'set -u; . /proc/%d/fd/%d; "
		 "t() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)); _nestor; "
		 "printf \"%%s\" \"${COMPREPLY[@]/%%/ }\"; }; %s'",
		 getpid(), fd, line);
	p = popen(cmd, "r");
	OK(p);
	said[fread(said, 1, sizeof(said) - 1, p)] = '\0';
	EQ(pclose(p), 0);
	close(fd);
	return said;
}

TEST(bash_completes_commands_and_what_follows_them)
{
	STR_EQ(bash("t nestor o"), "other ");
	STR_EQ(bash("t nestor \"\""),
	       "run other completion help --help --version ");
	STR_EQ(bash("t nestor help o"), "other ");
	STR_EQ(bash("t nestor completion \"\""), "bash zsh ");
	STR_EQ(bash("t nestor other -"), "-k --colour --vm -h --help ");
	STR_EQ(bash("t nestor nothing -"), "");
}

TEST(bash_completes_each_option_of_run)
{
	const char *said = bash("t nestor run -");
	const struct key *k;

	for (k = keys; k < keys + nkeys; k++)
		HAS(said, k->name);
	HAS(said, " --no-rng ");
	HAS(said, "-k ");
	STR_EQ(bash("t nestor run --dump-d"), "--dump-dtb ");
}

/* The line editor makes --console=v three words. */
TEST(bash_completes_values_behind_a_blank_and_behind_an_equals_sign)
{
	STR_EQ(bash("t nestor run --console \"\""), "auto serial virtio none ");
	STR_EQ(bash("t nestor run --console ="), "auto serial virtio none ");
	STR_EQ(bash("t nestor run --console = v"), "virtio ");
	STR_EQ(bash("t nestor run --nested = n"), "nvhe ");
	/* Whose value is only ever behind an equals sign. */
	STR_EQ(bash("t nestor run --nested x"), "");
	STR_EQ(bash("t nestor run --cpus \"\""), "");
}

TEST(bash_completes_files_directories_and_programs)
{
	STR_EQ(bash("t nestor run -k READ"), "README.md ");
	STR_EQ(bash("t nestor run --kernel = READ"), "README.md ");
	STR_EQ(bash("t nestor run -c 2 --disk READ"), "README.md ");
	STR_EQ(bash("t nestor run --runtime-dir tes"), "tests ");
	STR_EQ(bash("t nestor run --firmware au"), "auto ");
	HAS(bash("t nestor run -k x -- base"), "basename ");
	STR_EQ(bash("t nestor run -k x -- cat READ"), "README.md ");
	STR_EQ(bash("t nestor run -k x -- cat --"), "");
}

TEST(bash_asks_nestor_for_the_names_of_vms)
{
	STR_EQ(bash("nestor() { echo NAME ID; echo vm1 1; echo b-2 2; }; "
		    "t nestor other \"\"; t nestor other --vm v"),
	       "vm1 b-2 vm1 ");
	STR_EQ(bash("nestor() { echo NAME; (IFS=_; echo \"$* X\"); }; "
		    "t nestor other --runtime-dir /d \"\""),
	       "ls_--runtime-dir_/d ");
}

/* There need not be a zsh here: each quotation ends where it should. */
TEST(zsh_gets_the_texts_of_the_tables_quoted)
{
	char *text = script(completion_zsh);

	HAS(text, "'other:what'\\''s this\\: $(x)'\n");
	HAS(text, "'*'{-k+,--colour=}'[what \\[it'\\''s\\] called: $(x) `x`]"
		  ":WHAT: ' \\\n");
	HAS(text, "'*''--vm=[a VM]:NAME:_nestor_vms' \\\n");
	HAS(text, "'*''--nested=-[an EL2");
	HAS(text, "]::KIND:( off auto vhe nvhe )' \\\n");
	HAS(text, "'*''--cpu=[what CPU");
	HAS(text, ":host|FILE: _nestor_or_file host' \\\n");
	free(text);
}
