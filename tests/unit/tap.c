/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "host/tap.h"

TEST(a_name_too_long_for_an_interface_is_refused)
{
	struct err e;

	OK(!tap_open("sixteen-letters!", &e));
	HAS(e.text, "sixteen-letters!");
	HAS(e.text, "at most 15");
}

TEST(a_descriptor_that_is_no_tap_is_refused_and_stays_open)
{
	struct err e;
	int fd[2];

	EQ(pipe(fd), 0);
	OK(!tap_take(fd[0], &e));
	HAS(e.text, "no tap");
	EQ(close(fd[0]), 0);
}

TEST(an_open_failure_names_the_remedy)
{
	struct err e = { 0 };
	struct netif *t = tap_open("nestor-unit", &e);

	/* Where it works, there is nothing to say. */
	if (t)
		STR_EQ(t->name, "nestor-unit");
	else
		OK(strstr(e.text, "modprobe tun") ||
		   strstr(e.text, "run as root") ||
		   strstr(e.text, "cannot open"));
	netif_free(t);
}

TEST(a_packet_goes_through_a_wrapped_socket_whole)
{
	int fd[2];
	struct netif *a, *b;
	char buf[32], more[32];
	struct iovec w[] = { { "headerheader", 12 }, { "packet", 6 } };
	struct iovec r[] = { { buf, 14 }, { more, 32 } };

	EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	a = tap_wrap(fd[0], 0);
	b = tap_wrap(fd[1], 0);
	EQ(b->ops->read(b, r, 2), -EAGAIN);
	EQ(a->ops->write(a, w, 2), 18);
	EQ(b->ops->read(b, r, 2), 18);
	MEM_EQ(buf, "headerheaderpa", 14);
	MEM_EQ(more, "cket", 4);
	STR_EQ(a->name, "");
	netif_free(a);
	netif_free(b);
}
