/* SPDX-License-Identifier: MIT */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/console.h"

static struct sockaddr_un addr = { .sun_family = AF_UNIX };
static char spec[200];

static void name_socket(void)
{
	strcpy(addr.sun_path, test_path("s"));
	snprintf(spec, sizeof(spec), "unix:%s", addr.sun_path);
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	EQ(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static bool exists(void)
{
	return access(addr.sun_path, F_OK) == 0;
}

TEST(a_client_talks_to_the_socket_and_the_next_one_after_it)
{
	struct chardev *c;
	struct sink *s;
	int a, b;

	name_socket();
	c = open_ok(spec);
	s = sink_new(c, 100);
	EQ(chardev_write(c, NULL, "nobody hears\n", 13), 13);
	a = client();
	put_str(a, "hello");
	SPIN_STR(s->buf, "hello");
	chardev_write(c, NULL, "hi\n", 3);
	DRAIN_EQ(a, "hi\n");
	b = client();
	put_str(b, " again");
	OK(is_idle());
	STR_EQ(s->buf, "hello");
	close(a);
	SPIN_STR(s->buf, "hello again");
	chardev_write(c, NULL, "you\n", 4);
	DRAIN_EQ(b, "you\n");
	close(b);
	OK(is_idle());
	finish(c, s);
	OK(!exists());
}

TEST(a_client_that_has_sent_all_still_gets_output)
{
	struct chardev *c;
	struct sink *s;
	int a, b;

	name_socket();
	c = open_ok(spec);
	s = sink_new(c, 100);
	a = client();
	put_str(a, "all");
	shutdown(a, SHUT_WR);
	SPIN_STR(s->buf, "all");
	OK(is_idle());
	chardev_write(c, NULL, "ok\n", 3);
	DRAIN_EQ(a, "ok\n");
	close(a);
	b = client();
	put_str(b, "!");
	SPIN_STR(s->buf, "all!");
	close(b);
	finish(c, s);
}

TEST(a_client_that_leaves_with_the_front_full_makes_way)
{
	struct chardev *c;
	struct sink *s;
	int a;

	name_socket();
	c = open_ok(spec);
	s = sink_new(c, 2);
	a = client();
	put_str(a, "abcd");
	SPIN_STR(s->buf, "ab");
	close(a);
	OK(is_idle());
	chardev_write(c, NULL, "x\n", 2); /* finds out */
	a = client();
	s->cap = 100;
	chardev_room(c);
	put_str(a, "!");
	SPIN_UNTIL(strchr(s->buf, '!'));
	close(a);
	finish(c, s);
}

TEST(a1_the_socket_is_for_its_owner_alone)
{
	struct chardev *c;
	struct stat st;

	name_socket();
	umask(0);
	c = open_ok(spec);
	EQ(stat(addr.sun_path, &st), 0);
	EQ(st.st_mode & 0777, 0600);
	finish(c, NULL);
}

TEST(the_socket_of_a_dead_process_is_replaced)
{
	struct chardev *c;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	name_socket();
	EQ(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	EQ(listen(fd, 1), 0);
	HAS(open_fails(spec), "is in use");
	close(fd);
	OK(exists());
	c = open_ok(spec);
	close(client());
	finish(c, NULL);
}

TEST(what_is_no_socket_is_not_replaced)
{
	name_socket();
	close(open(addr.sun_path, O_CREAT | O_WRONLY, 0600));
	HAS(open_fails(spec), "is in use");
	OK(exists());
	unlink(addr.sun_path);
	loop_free(loop);
}

TEST(a_socket_that_somebody_put_in_our_place_is_left_alone)
{
	struct chardev *c;

	name_socket();
	c = open_ok(spec);
	unlink(addr.sun_path);
	close(open(addr.sun_path, O_CREAT | O_WRONLY, 0600));
	finish(c, NULL);
	OK(exists());
	unlink(addr.sun_path);
}

TEST(a_path_that_is_too_long_is_refused)
{
	char path[200] = "unix:/tmp/";

	memset(path + 10, 'x', 180);
	HAS(open_fails(path), "too long");
	HAS(open_fails("unix:/nowhere/s"), "No such file");
	loop_free(loop);
}
