/* SPDX-License-Identifier: MIT */
#include "host/closure.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include "core/log.h"
#include "host/cpio.h"
#include "host/elf.h"
#include "tests/unit/test.h"

static const char *root;
static struct cpio *cpio;
static struct closure *closure;
static struct err e;

static void begin(void)
{
	root = test_dir();
	cpio = cpio_new();
	closure = closure_new(root, cpio, &e);
	OK(closure);
}

static void end(void)
{
	closure_free(closure);
	cpio_free(cpio);
}

/* A file in the root, with the directories that lead to it. */
static void put(const char *path, mode_t mode, const void *buf, size_t len)
{
	char *real = test_path(path + 1), *slash = real + strlen(root) + 1;
	int fd;

	for (slash = strchr(slash, '/'); slash; slash = strchr(slash, '/')) {
		*slash = '\0';
		mkdir(real, 0755);
		*slash++ = '/';
	}
	fd = open(real, O_WRONLY | O_CREAT | O_TRUNC, mode);
	EQ(write(fd, buf, len), (ssize_t)len);
	close(fd);
}

static void put_text(const char *path, mode_t mode, const char *text)
{
	put(path, mode, text, strlen(text));
}

/* What a linker makes of little: headers, a dynamic section, its strings. */
struct tiny {
	Elf64_Ehdr h;
	Elf64_Phdr ph[3];
	Elf64_Dyn dyn[10];
	char str[300];
};

static void tiny_init(struct tiny *t)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->h.e_ident, ELFMAG, SELFMAG);
	t->h.e_ident[EI_CLASS] = ELFCLASS64;
	t->h.e_ident[EI_DATA] = ELFDATA2LSB;
	t->h.e_machine = EM_AARCH64;
	t->h.e_phoff = offsetof(struct tiny, ph);
	t->h.e_phentsize = sizeof(Elf64_Phdr);
	t->h.e_phnum = 2;
	t->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				 .p_vaddr = 0x10000,
				 .p_filesz = sizeof(*t) };
	t->ph[1] = (Elf64_Phdr){ .p_type = PT_DYNAMIC,
				 .p_offset = offsetof(struct tiny, dyn),
				 .p_filesz = sizeof(t->dyn) };
	t->dyn[0] = (Elf64_Dyn){ .d_tag = DT_STRTAB,
				 .d_un.d_val =
					 0x10000 + offsetof(struct tiny, str) };
}

static unsigned tiny_string(struct tiny *t, const char *s)
{
	static unsigned at;

	at = 1;
	while (t->str[at])
		at += strlen(t->str + at) + 1;
	strcpy(t->str + at, s);
	return at;
}

static void tiny_tag(struct tiny *t, int tag, const char *s)
{
	unsigned i;

	for (i = 0; t->dyn[i].d_tag; i++)
		;
	t->dyn[i].d_tag = tag;
	t->dyn[i].d_un.d_val = tiny_string(t, s);
}

/* With pairs of a tag and a string, up to tag 0. */
static void put_elf(const char *path, const char *interp, ...)
{
	struct tiny t;
	va_list ap;
	int tag;

	tiny_init(&t);
	va_start(ap, interp);
	while ((tag = va_arg(ap, int)))
		tiny_tag(&t, tag, va_arg(ap, const char *));
	va_end(ap);
	if (interp) {
		t.h.e_phnum = 3;
		t.ph[2] = (Elf64_Phdr){
			.p_type = PT_INTERP,
			.p_offset = offsetof(struct tiny, str) +
				    tiny_string(&t, interp),
		};
	}
	put(path, 0755, &t, sizeof(t));
}

TEST(a_dynamic_program_comes_with_its_linker_and_libraries_and_theirs)
{
	begin();
	put_text("/lib/ld.so.1", 0755, "linker");
	put_elf("/usr/lib/liba.so", NULL, DT_NEEDED, "libb.so", 0);
	put_elf("/lib/aarch64-linux-gnu/libb.so", NULL, 0);
	put_elf("/bin/p", "/lib/ld.so.1", DT_NEEDED, "liba.so", 0);
	EQ(closure_add(closure, "/bin/p", &e), 0);
	OK(cpio_has(cpio, "/bin/p"));
	OK(cpio_has(cpio, "/lib/ld.so.1"));
	OK(cpio_has(cpio, "/usr/lib/liba.so"));
	OK(cpio_has(cpio, "/lib/aarch64-linux-gnu/libb.so"));
	end();
}

TEST(libraries_that_need_each_other_are_added_once)
{
	begin();
	put_elf("/lib/liba.so", NULL, DT_NEEDED, "libb.so", 0);
	put_elf("/lib/libb.so", NULL, DT_NEEDED, "liba.so", 0);
	put_elf("/p", NULL, DT_NEEDED, "liba.so", 0);
	EQ(closure_add(closure, "/p", &e), 0);
	OK(cpio_has(cpio, "/lib/liba.so") && cpio_has(cpio, "/lib/libb.so"));
	end();
}

TEST(rpath_holds_for_libraries_of_libraries_and_runpath_does_not)
{
	begin();
	put_elf("/opt/x/liba.so", NULL, DT_NEEDED, "libb.so", 0);
	put_elf("/opt/x/libb.so", NULL, 0);
	put_elf("/opt/bin/p", NULL, DT_NEEDED, "liba.so", DT_RPATH,
		"/nowhere:$ORIGIN/../x", 0);
	put_elf("/opt/bin/q", NULL, DT_NEEDED, "libc.so", DT_RUNPATH,
		"${ORIGIN}/../y", 0);
	put_elf("/opt/y/libc.so", NULL, DT_NEEDED, "libd.so", 0);
	put_elf("/opt/y/libd.so", NULL, 0);
	EQ(closure_add(closure, "/opt/bin/p", &e), 0);
	OK(cpio_has(cpio, "/opt/x/liba.so") &&
	   cpio_has(cpio, "/opt/x/libb.so"));
	EQ(closure_add(closure, "/opt/bin/q", &e), -ENOENT);
	STR_EQ(e.text, "/opt/y/libc.so needs the library libd.so, which is in "
		       "none of the root's library directories");
	end();
}

TEST(ld_so_conf_and_what_it_includes_name_directories)
{
	begin();
	put_text("/etc/ld.so.conf", 0644,
		 "# all\ninclude /etc/ld.so.conf.d/*.conf\n/opt/one \n");
	put_text("/etc/ld.so.conf.d/x.conf", 0644, "/opt/two # here\n");
	put_text("/etc/ld.so.cache", 0644, "cache");
	put_elf("/opt/one/liba.so", NULL, 0);
	put_elf("/opt/two/libb.so", NULL, 0);
	put_elf("/p", NULL, DT_NEEDED, "liba.so", DT_NEEDED, "libb.so", 0);
	EQ(closure_add(closure, "/p", &e), 0);
	OK(cpio_has(cpio, "/opt/one/liba.so"));
	OK(cpio_has(cpio, "/opt/two/libb.so"));
	OK(cpio_has(cpio, "/etc/ld.so.cache"));
	end();
}

TEST(what_ld_so_conf_includes_stays_in_the_root_and_has_no_dot_in_front)
{
	begin();
	put_text("/etc/ld.so.conf", 0644, "include /etc/ld.so.conf.d/*.conf\n");
	EQ(symlink("/elsewhere", test_path("etc/ld.so.conf.d")), 0);
	put_text("/elsewhere/b.conf", 0644, "/opt/b\n");
	put_text("/elsewhere/a.conf", 0644, "/opt/a\n");
	put_text("/elsewhere/.c.conf", 0644, "/opt/c\n");
	put_elf("/opt/a/liba.so", NULL, 0);
	put_elf("/opt/b/liba.so", NULL, 0);
	put_elf("/opt/c/libc.so", NULL, 0);
	put_elf("/p", NULL, DT_NEEDED, "liba.so", 0);
	put_elf("/q", NULL, DT_NEEDED, "libc.so", 0);
	EQ(closure_add(closure, "/p", &e), 0);
	OK(cpio_has(cpio, "/opt/a/liba.so"));
	OK(!cpio_has(cpio, "/opt/b/liba.so"));
	EQ(closure_add(closure, "/q", &e), -ENOENT);
	end();
}

TEST(a_library_for_another_machine_is_passed_over)
{
	struct tiny t;

	begin();
	tiny_init(&t);
	t.h.e_machine = EM_X86_64;
	put("/lib64/liba.so", 0755, &t, sizeof(t));
	put_elf("/usr/lib/liba.so", NULL, 0);
	put_elf("/p", NULL, DT_NEEDED, "liba.so", 0);
	EQ(closure_add(closure, "/p", &e), 0);
	OK(!cpio_has(cpio, "/lib64/liba.so"));
	OK(cpio_has(cpio, "/usr/lib/liba.so"));
	end();
}

TEST(a_script_comes_with_its_interpreter_and_envs_program)
{
	begin();
	put_text("/usr/bin/env", 0755, "env");
	put_text("/usr/bin/python3", 0755, "python");
	put_text("/bin/sh", 0755, "shell");
	put_text("/one", 0755, "#! /bin/sh -e\n");
	put_text("/two", 0755, "#!/usr/bin/env python3\n");
	put_text("/three", 0755, "#!/bin/nothing\n");
	EQ(closure_add(closure, "/one", &e), 0);
	OK(cpio_has(cpio, "/bin/sh"));
	EQ(closure_add(closure, "/two", &e), 0);
	OK(cpio_has(cpio, "/usr/bin/env") &&
	   cpio_has(cpio, "/usr/bin/python3"));
	EQ(closure_add(closure, "/three", &e), -ENOENT);
	HAS(e.text, "/three needs /bin/nothing");
	end();
}

TEST(scripts_that_interpret_each_other_end)
{
	begin();
	put_text("/one", 0755, "#!/two\n");
	put_text("/two", 0755, "#!/one\n");
	EQ(closure_add(closure, "/one", &e), 0);
	end();
}

TEST(a_command_is_found_as_a_shell_finds_it)
{
	char *found;

	begin();
	put_text("/usr/bin/ls", 0755, "");
	put_text("/bin/notes", 0644, "");
	put_text("/home/me/run", 0755, "");
	EQ(closure_find(closure, "ls", "/nowhere:/bin:/usr/bin", "/", &found),
	   0);
	STR_EQ(found, "/usr/bin/ls");
	free(found);
	EQ(closure_find(closure, "./run", "/bin", "/home/me", &found), 0);
	STR_EQ(found, "/home/me/run");
	free(found);
	EQ(closure_find(closure, "/usr/./bin/../bin/ls", "", "/", &found), 0);
	STR_EQ(found, "/usr/bin/ls");
	free(found);
	EQ(closure_find(closure, "run", ":/bin", "/home/me", &found), 0);
	free(found);
	EQ(closure_find(closure, "notes", "/bin:/x", "/", &found), -EACCES);
	EQ(closure_find(closure, "no", "/bin", "/", &found), -ENOENT);
	EQ(closure_find(closure, "/bin", "", "/", &found), -EACCES);
	end();
}

TEST(a_root_is_not_left_by_links_or_dots)
{
	const char *real = test_path("link");
	char *found;

	begin();
	put_text("/etc/motd", 0755, "inside");
	EQ(symlink("/etc/motd", real), 0);
	EQ(closure_add(closure, "/link", &e), 0);
	EQ(closure_find(closure, "../../../etc/motd", "", "/a", &found), 0);
	STR_EQ(found, "/etc/motd");
	free(found);
	unlink(real);
	EQ(symlink("/etc/passwd", real), 0);
	EQ(closure_add(closure, "/link/", &e), -ENOENT);
	EQ(closure_find(closure, "/link", "", "/", &found), -ENOENT);
	end();
}

TEST(a_tree_is_added_with_links_and_without_what_is_no_file)
{
	begin();
	put_text("/t/a/one", 0644, "1");
	put_elf("/t/broken", NULL, DT_NEEDED, "libnone.so", 0);
	EQ(symlink("a/one", test_path("t/link")), 0);
	EQ(mkfifo(test_path("t/fifo"), 0600), 0);
	EQ(closure_add(closure, "/t", &e), 0);
	OK(cpio_has(cpio, "/t/a/one") && cpio_has(cpio, "/t/link") &&
	   cpio_has(cpio, "/t/broken") && !cpio_has(cpio, "/t/fifo"));
	EQ(closure_add(closure, "/t/fifo", &e), -EINVAL);
	EQ(closure_add(closure, "/t/none", &e), -ENOENT);
	end();
}

/* What elf_read() makes of the @len bytes at @buf; of none, nothing is left. */
static int read_bytes(const void *buf, size_t len, struct elf *elf)
{
	int fd, r;

	put("/p", 0755, buf, len);
	fd = closure_open(closure, "/p");
	r = elf_read(fd, elf);
	close(fd);
	OK(r == 0 || r == -ENOEXEC);
	if (r)
		OK(!elf->nneeded && !elf->needed && !elf->rpath &&
		   !elf->runpath && !elf->interp);
	return r;
}

TEST(B1_an_ELF_file_that_is_cut_off_is_none)
{
	struct tiny t;
	struct elf elf;
	size_t i, end_of_strings;

	begin();
	tiny_init(&t);
	tiny_tag(&t, DT_NEEDED, "liba.so");
	tiny_tag(&t, DT_RPATH, "/x");
	end_of_strings = offsetof(struct tiny, str) + 1 + sizeof("liba.so") +
			 sizeof("/x");
	for (i = 0; i < end_of_strings; i++)
		EQ(read_bytes(&t, i, &elf), -ENOEXEC);
	EQ(read_bytes(&t, i, &elf), 0);
	EQ(elf.nneeded, 1);
	STR_EQ(elf.needed[0], "liba.so");
	STR_EQ(elf.rpath, "/x");
	elf_free(&elf);
	end();
}

TEST(B1_an_ELF_file_with_a_byte_changed_is_none_or_needs_no_more)
{
	struct tiny t, bad;
	struct elf elf;
	size_t i;
	int r;

	begin();
	tiny_init(&t);
	tiny_tag(&t, DT_NEEDED, "liba.so");
	tiny_tag(&t, DT_RPATH, "/x");
	for (i = 0; i < offsetof(struct tiny, str) + 20; i++) {
		bad = t;
		((uint8_t *)&bad)[i] ^= 0xff;
		r = read_bytes(&bad, sizeof(bad), &elf);
		/* Magic, class and byte order. */
		if (i < EI_VERSION)
			EQ(r, -ENOEXEC);
		if (r)
			continue;
		OK(elf.nneeded <= 1 && !elf.runpath && !elf.interp);
		elf_free(&elf);
	}
	end();
}
