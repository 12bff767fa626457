/* SPDX-License-Identifier: MIT */
#include "run/command_kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/log.h"
#include "host/closure.h"
#include "host/cpio.h"
#include "tests/unit/test.h"

static struct cpio *cpio;
static struct closure *closure;
static struct strlist files;
static const char *kernel;

static void put(const char *path, const char *text)
{
	int fd = open(test_path(path + 1), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	OK(fd >= 0);
	EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void make_dir(const char *path)
{
	EQ(mkdir(test_path(path + 1), 0755), 0);
}

static void begin(const char *image)
{
	struct err e;

	cpio = cpio_new();
	closure = closure_new(test_dir(), cpio, &e);
	OK(closure);
	put("/Image", image);
	kernel = test_path("Image");
}

static void put_modules(const char *dep, const char *builtin)
{
	make_dir("/lib");
	make_dir("/lib/modules");
	make_dir("/lib/modules/7.3.4+x");
	put("/lib/modules/7.3.4+x/modules.dep", dep);
	put("/lib/modules/7.3.4+x/modules.builtin", builtin);
}

static bool ask(const char *one, const char *two)
{
	const char *const names[] = { one, two, NULL };

	while (files.n)
		free(files.s[--files.n]);
	return command_modules(closure, kernel, names, &files);
}

static void end(void)
{
	ask(NULL, NULL);
	free(files.s);
	closure_free(closure);
	cpio_free(cpio);
}

#define IMAGE "MZ.... Linux version 7.3.4+x (builder) #1"

TEST(modules_come_behind_those_that_they_need_and_once)
{
	begin(IMAGE);
	put_modules("kernel/fs/fuse.ko:\n"
		    "kernel/fs/virtiofs.ko.xz: kernel/fs/fuse.ko "
		    "kernel/virtio.ko\n"
		    "kernel/fs/overlay.ko: kernel/virtio.ko\n"
		    "kernel/virtio.ko:",
		    "");
	OK(ask("virtiofs", "overlay"));
	EQ(files.n, 4);
	STR_EQ(files.s[0], "/lib/modules/7.3.4+x/kernel/virtio.ko");
	STR_EQ(files.s[1], "/lib/modules/7.3.4+x/kernel/fs/fuse.ko");
	STR_EQ(files.s[2], "/lib/modules/7.3.4+x/kernel/fs/virtiofs.ko.xz");
	STR_EQ(files.s[3], "/lib/modules/7.3.4+x/kernel/fs/overlay.ko");
	end();
}

TEST(what_is_built_in_takes_no_module_and_what_is_neither_is_missing)
{
	begin(IMAGE " virtiofs");
	put_modules("kernel/notoverlay.ko:\n", "kernel/fs/overlay.ko\n");
	OK(ask("overlay", NULL));
	EQ(files.n, 0);
	OK(!ask("overlay", "virtiofs"));
	end();
}

TEST(without_a_list_the_image_itself_tells)
{
	begin(IMAGE " virtiofs");
	OK(ask("virtiofs", NULL));
	OK(!ask("virtiofs", "overlay"));
	end();
}

TEST(of_a_compressed_kernel_nothing_is_known_and_it_is_tried)
{
	begin("compressed");
	OK(ask("virtiofs", "overlay"));
	EQ(files.n, 0);
	end();
}

TEST(a_release_that_is_no_name_leads_nowhere)
{
	begin("Linux version ../../etc");
	OK(!ask("virtiofs", NULL));
	end();
	begin("Linux version ");
	OK(ask("virtiofs", NULL));
	end();
}
