/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "host/disk.h"

static char dir[] = "/tmp/nestor-disk-XXXXXX";
static char path[64];

static void clean_up(void)
{
	unlink(path);
	rmdir(dir);
}

/* The name of a file that goes away with the test. */
static const char *name(void)
{
	OK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/image", dir);
	atexit(clean_up);
	return path;
}

static const char *image(off_t size)
{
	int fd = open(name(), O_CREAT | O_RDWR, 0600);

	OK(fd >= 0);
	EQ(ftruncate(fd, size), 0);
	close(fd);
	return path;
}

static void refused(const char *why)
{
	struct err e = { 0 };

	OK(!disk_open(path, false, &e));
	HAS(e.text, path);
	HAS(e.text, why);
}

TEST(a_directory_is_no_disk)
{
	EQ(mkdir(name(), 0700), 0);
	refused("a directory");
	rmdir(path);
}

TEST(a_FIFO_is_no_disk_and_is_not_waited_for)
{
	EQ(mkfifo(name(), 0600), 0);
	refused("a FIFO");
}

TEST(a_socket_is_no_disk)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", name());
	EQ(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	refused("a socket");
}

TEST(a_character_device_is_no_disk)
{
	struct err e;

	OK(!disk_open("/dev/null", false, &e));
	HAS(e.text, "a character device");
}

TEST(a_missing_file_is_named)
{
	name();
	refused("No such file");
}

TEST(an_image_below_a_sector_is_refused)
{
	image(511);
	refused("smaller than one sector");
}

/* Whether another process can open the image. */
static bool other_opens(bool readonly)
{
	pid_t pid = fork();
	struct err e;
	int status;

	if (pid == 0)
		_exit(!disk_open(path, readonly, &e));
	waitpid(pid, &status, 0);
	return status == 0;
}

TEST(an_image_is_written_by_one_and_read_by_many)
{
	struct err e;
	struct disk *d = disk_open(image(4096), false, &e);

	OK(d);
	OK(!other_opens(false));
	OK(!other_opens(true));
	refused("another process");
	disk_close(d);
	d = disk_open(path, true, &e);
	OK(d);
	OK(disk_readonly(d));
	OK(other_opens(true));
	OK(!other_opens(false));
	disk_close(d);
	OK(other_opens(false));
}

TEST(a_vector_is_written_and_read_back_whole)
{
	struct err e;
	struct disk *d = disk_open(image(4096), false, &e);
	char a[3], b[7];
	struct iovec w[] = { { "abc", 3 }, { "defg", 4 }, { "hij", 3 } };
	struct iovec r[] = { { a, 3 }, { b, 7 } };

	OK(d);
	EQ(disk_size(d), 4096);
	EQ(disk_writev(d, w, 3, 1000), 10);
	EQ(disk_readv(d, r, 2, 1000), 10);
	MEM_EQ(a, "abc", 3);
	MEM_EQ(b, "defghij", 7);
	EQ(disk_flush(d), 0);
	disk_close(d);
}

TEST(a_read_across_the_end_says_how_much_there_was)
{
	struct err e;
	struct disk *d = disk_open(image(1000), true, &e);
	char a[600], b[600];
	struct iovec r[] = { { a, 600 }, { b, 600 } };

	EQ(disk_readv(d, r, 2, 0), 1000);
	disk_close(d);
}

TEST(zeroing_and_discarding_spare_the_neighbours)
{
	const size_t size = 256 * 1024;
	struct err e;
	struct disk *d = disk_open(image(size), false, &e);
	uint8_t *buf = malloc(size);
	struct iovec v = { buf, size };
	size_t i;

	memset(buf, 0x55, size);
	EQ(disk_writev(d, &v, 1, 0), size);
	EQ(disk_zero(d, 512, 100000, false), 0);
	EQ(disk_zero(d, 110080, 512, true), 0);
	EQ(disk_discard(d, 131072, 4096), 0);
	v = (struct iovec){ buf, size };
	EQ(disk_readv(d, &v, 1, 0), size);
	for (i = 0; i < size; i++)
		if ((i >= 512 && i < 100512) || (i >= 110080 && i < 110592))
			EQ(buf[i], 0);
		else if (i < 131072 || i >= 135168)
			EQ(buf[i], 0x55);
	free(buf);
	disk_close(d);
}
