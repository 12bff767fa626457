/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "host/disk.h"

static const char *path;

static const char *name(void)
{
	return path = test_path("image");
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

static unsigned done;

static void count(struct disk_request *r)
{
	(void)r;
	done++;
}

/* What has become of it; *@moved, if that is not NULL, how far it came. */
static int ask(struct disk *d, struct disk_request r, uint64_t *moved)
{
	const unsigned before = done;

	r.done = count;
	disk_submit(d, &r);
	EQ(done, before + 1);
	if (moved)
		*moved = r.moved;
	return r.result;
}

static int ask_vector(struct disk *d, enum disk_op op, struct iovec *iov, int n,
		      uint64_t off, uint64_t *moved)
{
	return ask(d,
		   (struct disk_request){
			   .op = op, .iov = iov, .n = n, .off = off },
		   moved);
}

static int ask_range(struct disk *d, enum disk_op op, uint64_t off,
		     uint64_t len, bool unmap)
{
	return ask(d,
		   (struct disk_request){
			   .op = op, .off = off, .len = len, .unmap = unmap },
		   NULL);
}

TEST(a_vector_is_written_and_read_back_whole)
{
	struct err e;
	struct disk *d = disk_open(image(4096), false, &e);
	char a[3], b[7];
	struct iovec w[] = { { "abc", 3 }, { "defg", 4 }, { "hij", 3 } };
	struct iovec r[] = { { a, 3 }, { b, 7 } };
	uint64_t n;

	OK(d);
	EQ(disk_size(d), 4096);
	EQ(ask_vector(d, DISK_WRITE, w, 3, 1000, &n), 0);
	EQ(n, 10);
	EQ(ask_vector(d, DISK_READ, r, 2, 1000, &n), 0);
	EQ(n, 10);
	MEM_EQ(a, "abc", 3);
	MEM_EQ(b, "defghij", 7);
	EQ(ask(d, (struct disk_request){ .op = DISK_FLUSH }, NULL), 0);
	disk_close(d);
}

TEST(a_read_across_the_end_is_an_error_that_says_how_much_there_was)
{
	struct err e;
	struct disk *d = disk_open(image(1000), true, &e);
	char a[600], b[600];
	struct iovec r[] = { { a, 600 }, { b, 600 } };
	uint64_t n;

	EQ(ask_vector(d, DISK_READ, r, 2, 0, &n), -EIO);
	EQ(n, 1000);
	disk_close(d);
}

/* Pieces end within an element of the vector, and between two. */
TEST(a_request_of_many_pieces_is_done_whole_and_in_place)
{
	const size_t size = 4 << 20, cut[] = { 4096, 3 << 20, 1044480 };
	uint8_t *buf = malloc(size), *back = malloc(size);
	struct iovec w[3], r = { back, size };
	struct disk *d;
	struct err e;
	uint64_t n;
	size_t i, at = 0;

	d = disk_open(image(size), false, &e);
	for (i = 0; i < size; i++)
		buf[i] = i * 2654435761u >> 24;
	for (i = 0; i < 3; at += cut[i++])
		w[i] = (struct iovec){ buf + at, cut[i] };
	EQ(at, size);
	EQ(ask_vector(d, DISK_WRITE, w, 3, 0, &n), 0);
	EQ(n, size);
	EQ(ask_vector(d, DISK_READ, &r, 1, 0, &n), 0);
	EQ(n, size);
	MEM_EQ(buf, back, size);
	free(buf);
	free(back);
	disk_close(d);
}

TEST(a_request_of_more_pieces_than_a_call_takes_is_done_whole)
{
	static char buf[IOV_MAX + 100], back[sizeof(buf)];
	static struct iovec v[sizeof(buf)];
	struct iovec r = { back, sizeof(back) };
	struct disk *d;
	struct err e;
	uint64_t n;
	size_t i;

	d = disk_open(image(4096), false, &e);
	for (i = 0; i < sizeof(buf); i++) {
		buf[i] = i * 2654435761u >> 24;
		v[i] = (struct iovec){ buf + i, 1 };
	}
	EQ(ask_vector(d, DISK_WRITE, v, sizeof(buf), 0, &n), 0);
	EQ(n, sizeof(buf));
	EQ(ask_vector(d, DISK_READ, &r, 1, 0, &n), 0);
	MEM_EQ(buf, back, sizeof(buf));
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
	EQ(ask_vector(d, DISK_WRITE, &v, 1, 0, NULL), 0);
	EQ(ask_range(d, DISK_ZERO, 512, 100000, false), 0);
	EQ(ask_range(d, DISK_ZERO, 110080, 512, true), 0);
	EQ(ask_range(d, DISK_DISCARD, 131072, 4096, false), 0);
	v = (struct iovec){ buf, size };
	EQ(ask_vector(d, DISK_READ, &v, 1, 0, NULL), 0);
	for (i = 0; i < size; i++)
		if ((i >= 512 && i < 100512) || (i >= 110080 && i < 110592))
			EQ(buf[i], 0);
		else if (i < 131072 || i >= 135168)
			EQ(buf[i], 0x55);
	free(buf);
	disk_close(d);
}

TEST(a_disk_that_goes_on_must_be_the_one_that_was_saved)
{
	static const char *const damaged[] = {
		"{}",
		"[]",
		"{\"format\": 1, \"size\": 4096, \"readonly\": false}",
		"{\"format\": \"raw\", \"size\": -1, \"readonly\": false}",
		"{\"format\": \"qcow2\", \"size\": 4096, \"readonly\": false}",
		"{\"format\": \"raw\", \"size\": 4096, \"readonly\": true}",
		"{\"format\": \"raw\", \"size\": 512, \"readonly\": false}",
	};
	struct err e = { 0 };
	struct disk *d = disk_open(image(4096), false, &e);
	json_t *o = json_object();
	unsigned i;

	EQ(disk_save(d, o), 0);
	EQ(disk_load(d, o, &e), 0);
	json_decref(o);
	for (i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		o = json_loads(damaged[i], 0, NULL);
		OK(o);
		EQ(disk_load(d, o, &e), -EINVAL);
		OK(*e.text);
		json_decref(o);
	}
	disk_close(d);
}
