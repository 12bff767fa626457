/* SPDX-License-Identifier: MIT */
#include "host/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/test.h"

static char path[108];
static int manager, fd = -1;

/* A service manager's socket, at a path or, if @abstract, at none. */
static void listen_in(bool abstract)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t len;

	snprintf(path, sizeof(path), "%s%s", abstract ? "@" : "",
		 test_path("socket"));
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	memcpy(addr.sun_path, path, strlen(path));
	if (abstract)
		addr.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	EQ(bind(manager, (struct sockaddr *)&addr, len), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	EQ(notify_open(&fd), 0);
}

static const char *heard(void)
{
	static char buf[1024];
	ssize_t n = recv(manager, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void finish(void)
{
	close(manager);
	close(fd);
}

TEST(without_a_service_manager_nobody_is_told)
{
	unsetenv("NOTIFY_SOCKET");
	EQ(notify_open(&fd), 0);
	EQ(fd, -1);
	EQ(notify_send(fd, "READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	EQ(notify_open(&fd), 0);
	EQ(notify_send(fd, "READY=1"), 0);
}

TEST(a_service_manager_is_told_in_one_datagram)
{
	listen_in(false);
	EQ(notify_send(fd, "READY=1\nMAINPID=%d", 7), 0);
	EQ(notify_send(fd, "STOPPING=1"), 0);
	STR_EQ(heard(), "READY=1\nMAINPID=7");
	STR_EQ(heard(), "STOPPING=1");
	STR_EQ(heard(), "");
	finish();
}

TEST(a_service_manager_may_have_an_abstract_socket)
{
	listen_in(true);
	EQ(notify_send(fd, "READY=1"), 0);
	STR_EQ(heard(), "READY=1");
	finish();
}

TEST(a_service_manager_that_is_not_there_is_an_error_and_no_more)
{
	char longer[200];

	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	EQ(notify_open(&fd), -ENOENT);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	EQ(notify_open(&fd), -EAFNOSUPPORT);
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	EQ(notify_open(&fd), -ENAMETOOLONG);
}

TEST(a_service_manager_is_told_after_its_socket_was_renamed)
{
	const char *old = test_path("old");

	listen_in(false);
	EQ(rename(path, old), 0);
	EQ(notify_send(fd, "STOPPING=1"), 0);
	STR_EQ(heard(), "STOPPING=1");
	EQ(rename(old, path), 0);
	close(manager);
	EQ(notify_send(fd, "STOPPING=1"), -ECONNREFUSED);
	finish();
}

TEST(what_is_too_long_for_a_service_manager_is_cut)
{
	static char text[2000];

	memset(text, 'y', sizeof(text) - 1);
	listen_in(false);
	EQ(notify_send(fd, "STATUS=%s", text), 0);
	EQ(strlen(heard()), 511);
	finish();
}
