/* SPDX-License-Identifier: MIT */
#include "host/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "tests/unit/test.h"

#define SIZE (4u << 20)

static struct err e;

/* An empty directory to be in. */
static void a_directory(void)
{
	EQ(chdir(test_dir()), 0);
}

static void put_file(const char *path, const void *buf, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	OK(fd >= 0);
	EQ(write(fd, buf, len), len);
	close(fd);
}

static uint8_t byte_of(const char *path, off_t off)
{
	int fd = open(path, O_RDONLY);
	uint8_t v = 0;

	OK(fd >= 0);
	EQ(pread(fd, &v, 1, off), 1);
	close(fd);
	return v;
}

static void refused(struct flash_bank *b, const char *why)
{
	EQ(b, NULL);
	STR_EQ(e.text, why);
}

TEST(code_is_the_file_and_erased_flash_behind_it)
{
	struct flash_bank *b;

	a_directory();
	put_file("code", "firmware", 8);
	b = flash_open_code("code", SIZE, false, &e);
	OK(b);
	MEM_EQ(flash_mem(b), "firmware\xff", 9);
	EQ(flash_mem(b)[4095], 0xff);
	EQ(flash_mem(b)[4096], 0xff);
	EQ(flash_mem(b)[SIZE - 1], 0xff);
	flash_close(b);
}

/* The copy of the beginning and the mapping of the rest meet without a seam. */
TEST(a_large_firmware_is_whole_and_lies_where_huge_pages_can)
{
	const size_t bank = 8u << 20;
	uint32_t *word = test_room(bank);
	size_t len[] = { 2u << 20, (2u << 20) + 4,  (4u << 20) - 4,
			 4u << 20, (5u << 20) + 12, bank };
	struct flash_bank *b;
	unsigned i;
	size_t n;

	for (n = 0; n < bank / 4; n++)
		word[n] = n * 2654435761u;
	a_directory();
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		put_file("code", word, len[i]);
		b = flash_open_code("code", bank, i % 2, &e);
		OK(b);
		if (!b)
			return;
		EQ((uintptr_t)flash_mem(b) % (2u << 20), 0);
		EQ(memcmp(flash_mem(b), word, len[i]), 0);
		for (n = len[i]; n < bank && flash_mem(b)[n] == 0xff; n++)
			;
		EQ(n, bank);
		flash_close(b);
	}
}

TEST(what_is_programmed_without_a_file_is_in_memory_alone)
{
	struct flash_bank *b;

	a_directory();
	put_file("template", "variables", 9);
	b = flash_open_scratch("template", SIZE, false, &e);
	OK(b);
	EQ(flash_store(b, 0, "V", 1), 0);
	EQ(flash_store(b, SIZE - 1, "E", 1), 0);
	MEM_EQ(flash_mem(b), "Variables\xff", 10);
	EQ(flash_mem(b)[SIZE - 1], 'E');
	/* Erased flash is one MiB, mapped often: none of the others changed. */
	EQ(flash_mem(b)[SIZE - 1 - (1 << 20)], 0xff);
	EQ(byte_of("template", 0), 'v');
	flash_close(b);
	b = flash_open_scratch(NULL, SIZE, false, &e);
	EQ(flash_mem(b)[SIZE - 1], 0xff);
	flash_close(b);
}

TEST(a_file_is_made_of_the_template_and_keeps_what_is_programmed)
{
	struct flash_bank *b;
	struct stat st;

	a_directory();
	put_file("template", "variables", 9);
	b = flash_open_vars("vars", "template", SIZE, &e);
	OK(b);
	MEM_EQ(flash_mem(b), "variables\xff", 10);
	EQ(flash_store(b, 100, "kept", 4), 0);
	MEM_EQ(flash_mem(b) + 100, "kept", 4);
	/* Already there, without any closing. */
	EQ(byte_of("vars", 100), 'k');
	EQ(stat("vars", &st), 0);
	EQ(st.st_size, SIZE);
	flash_close(b);
	b = flash_open_vars("vars", "template", SIZE, &e);
	OK(b);
	MEM_EQ(flash_mem(b) + 100, "kept", 4);
	flash_close(b);
}

TEST(holes_of_the_template_stay_holes)
{
	struct flash_bank *b;
	struct stat st;
	int fd;

	a_directory();
	put_file("template", "variables", 9);
	fd = open("template", O_WRONLY);
	EQ(ftruncate(fd, SIZE), 0);
	close(fd);
	b = flash_open_vars("vars", "template", SIZE, &e);
	OK(b);
	EQ(flash_mem(b)[SIZE - 1], 0);
	flash_close(b);
	EQ(stat("vars", &st), 0);
	EQ(st.st_size, SIZE);
	LT(st.st_blocks * 512, SIZE / 8);
}

TEST(an_empty_bank_takes_memory_when_something_is_stored)
{
	struct flash_bank *b = flash_open_empty(SIZE);

	OK(b);
	OK(!flash_mem(b));
	EQ(flash_store(b, SIZE - 4, "last", 4), 0);
	MEM_EQ(flash_mem(b) + SIZE - 8, "\xff\xff\xff\xfflast", 8);
	EQ(flash_mem(b)[0], 0xff);
	flash_close(b);
}

TEST(a_shorter_file_grows_by_erased_flash)
{
	struct flash_bank *b;

	a_directory();
	put_file("vars", "short", 5);
	b = flash_open_vars("vars", NULL, SIZE, &e);
	OK(b);
	MEM_EQ(flash_mem(b), "short\xff", 6);
	EQ(byte_of("vars", SIZE - 1), 0xff);
	flash_close(b);
}

TEST(a_link_that_leads_nowhere_yet_is_followed)
{
	struct flash_bank *b;
	struct stat st;

	a_directory();
	EQ(mkdir("dir", 0755), 0);
	EQ(symlink("dir/one", "first"), 0);
	EQ(symlink("../second", "dir/one"), 0);
	b = flash_open_vars("first", NULL, SIZE, &e);
	OK(b);
	EQ(lstat("second", &st), 0);
	OK(S_ISREG(st.st_mode));
	EQ(lstat("first", &st), 0);
	OK(S_ISLNK(st.st_mode));
	flash_close(b);
	EQ(symlink("loop", "loop"), 0);
	refused(flash_open_vars("loop", NULL, SIZE, &e),
		"--vars loop: Too many levels of symbolic links; check the "
		"symbolic links on the path: they lead round, or must not be "
		"followed");
}

TEST(a_file_in_use_is_refused_and_free_again_afterwards)
{
	struct flash_bank *b;

	a_directory();
	b = flash_open_vars("vars", NULL, SIZE, &e);
	OK(b);
	refused(flash_open_vars("vars", NULL, SIZE, &e),
		"--vars vars: another VM keeps its variables there; give each "
		"a file of its own");
	flash_close(b);
	b = flash_open_vars("vars", NULL, SIZE, &e);
	OK(b);
	flash_close(b);
}

TEST(no_temporary_file_is_left_when_the_template_cannot_be_used)
{
	a_directory();
	EQ(mkdir("template", 0755), 0);
	refused(flash_open_vars("vars", "template", SIZE, &e),
		"--firmware, its variables in template: give a regular file");
	EQ(rmdir("template"), 0);
	/* Then the directory is empty again, and can go. */
	EQ(rmdir(test_dir()), 0);
}

TEST(the_template_is_found_beside_the_firmware_by_its_name)
{
	static const char *const pairs[][2] = {
		{ "AAVMF_CODE.fd", "AAVMF_VARS.fd" },
		{ "AAVMF_CODE.ms.fd", "AAVMF_VARS.ms.fd" },
		{ "AAVMF_CODE.no-secboot.fd", "AAVMF_VARS.fd" },
		{ "QEMU_EFI-pflash.raw", "vars-template-pflash.raw" },
		{ "aavmf-aarch64-code.bin", "aavmf-aarch64-vars.bin" },
		{ "QEMU_CODE.fd", "QEMU_VARS.fd" },
		{ "edk2-aarch64-code.fd", "edk2-arm-vars.fd" },
		{ "QEMU_EFI.fd", "QEMU_VARS.fd" },
	};
	char code[64], want[64], got[PATH_MAX];
	unsigned i;

	a_directory();
	EQ(mkdir("CODE", 0755), 0);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		snprintf(code, sizeof(code), "CODE/%s", pairs[i][0]);
		snprintf(want, sizeof(want), "CODE/%s", pairs[i][1]);
		put_file(want, "x", 1);
		firmware_template(code, got);
		STR_EQ(got, want);
		unlink(want);
	}
	firmware_template("CODE/AAVMF_CODE.fd", got);
	STR_EQ(got, "");
	firmware_template("CODE/u-boot.bin", got);
	STR_EQ(got, "");
}

TEST(what_is_no_image_of_flash_is_refused)
{
	a_directory();
	put_file("empty", "", 0);
	put_file("big", "", 0);
	EQ(truncate("big", SIZE + 1), 0);
	refused(flash_open_code("empty", SIZE, false, &e),
		"--firmware empty: the file is empty; was it copied "
		"completely?");
	refused(flash_open_code("big", SIZE, false, &e),
		"--firmware big: has 4194305 bytes, but a bank of flash only "
		"4 MiB; give a smaller file");
	refused(flash_open_vars("empty", NULL, SIZE, &e),
		"--vars empty: the file is empty; remove it, and it is made "
		"anew");
	refused(flash_open_code("/dev/null", SIZE, false, &e),
		"--firmware /dev/null: give a regular file");
}
