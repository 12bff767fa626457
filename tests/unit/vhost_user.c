/* SPDX-License-Identifier: MIT */
/* The back end is a thread that does as it is told, and notes what it hears. */
#include "virtio/vhost_user.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "core/timer.h"
#include "tests/unit/vhost_user_rig.h"

static struct back back;
static struct vhost_back *front;

static void begin(void)
{
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	back.fd = fds[1];
	EQ(pthread_create(&back.thread, NULL, back_serve, &back), 0);
	front = vhost_user_new(fds[0], back.patience ? back.patience
						     : 60 * NSEC_PER_SEC);
	if (!front)
		close(fds[0]);
}

static void end(void)
{
	if (front)
		front->ops->free(front);
	pthread_join(back.thread, NULL);
}

static void good(void)
{
	back.features = PROTOCOL | 1ull << 32;
	back.protocol = 1ull << 3 | 1;
}

static int start_at(uint16_t base)
{
	static uint8_t ram[4096];
	const struct gmem_bank bank = { .base = 0x40000000,
					.size = sizeof(ram),
					.hva = ram };
	const struct vhost_ring ring = {
		64,   ram, ram + 1024, ram + 2048, eventfd(0, 0), eventfd(0, 0),
		base,
	};
	int r = front->ops->set_up(front, 1ull << 32, &bank,
				   memfd_create("ram", 0));

	return r ? r : front->ops->queue_start(front, 1, &ring);
}

static int start(void)
{
	return start_at(0);
}

static int stop(void)
{
	uint16_t base;

	return front->ops->queue_stop(front, 1, &base);
}

TEST(a_back_end_is_greeted_and_given_memory_and_queues)
{
	static const unsigned order[] = { 1, 15, 16, 3,	 2,  5,	 8,
					  9, 10, 13, 12, 18, 18, 11 };
	uint64_t region[5];

	good();
	begin();
	OK(front);
	EQ(front->features, 1ull << 32);
	EQ(start(), 0);
	EQ(stop(), 0);
	end();
	EQ(back.n, sizeof(order) / sizeof(*order));
	MEM_EQ(back.heard, order, sizeof(order));
	EQ(back.acked, 1ull << 32 | PROTOCOL);
	EQ(back.nfds, 3); /* memory, interrupt, notification */
	memcpy(region, back.last, sizeof(region));
	EQ(region[0], 1);
	EQ(region[1], 0x40000000);
	EQ(region[2], 4096);
	EQ(region[4], 0);
}

TEST(without_acknowledgements_it_is_told_all_the_same)
{
	good();
	back.protocol = 1;
	begin();
	OK(front);
	EQ(start(), 0);
	EQ(stop(), 0);
	end();
	EQ(back.n, 14);
}

TEST(a_back_end_without_protocol_features_is_refused)
{
	back.features = 1ull << 32;
	begin();
	OK(!front);
	EQ(errno, EPROTONOSUPPORT);
	end();
}

TEST(a_back_end_that_refuses_lies_or_leaves_is_an_error_for_good)
{
	static const unsigned requests[] = { 2, 5, 8, 9, 10, 12, 13, 18 };
	unsigned i;

	for (i = 0; i < sizeof(requests) / sizeof(*requests) * 3; i++) {
		const unsigned what = requests[i / 3];

		memset(&back, 0, sizeof(back));
		good();
		if (i % 3 == 0)
			back.refuse = what;
		else if (i % 3 == 1)
			back.hang_up = what;
		else
			back.lie = what;
		begin();
		OK(front);
		LT(start(), 0);
		LT(start(), 0);
		LT(stop(), 0);
		end();
	}
}

TEST(a_back_end_that_lies_in_its_greeting_is_none)
{
	static const unsigned requests[] = { 1, 15 };
	unsigned i;

	for (i = 0; i < 2; i++) {
		memset(&back, 0, sizeof(back));
		good();
		back.lie = requests[i];
		begin();
		OK(!front);
		end();
	}
}

TEST(a_back_end_that_answers_byte_by_byte_is_not_waited_for_for_ever)
{
	struct timespec from, to;

	memset(&back, 0, sizeof(back));
	good();
	back.dribble = 11;
	back.patience = 2 * NSEC_PER_SEC;
	begin();
	OK(front);
	EQ(start(), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	/* The header alone takes 12 times 200 ms. */
	EQ(stop(), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &to);
	OK(to.tv_sec - from.tv_sec < 10);
	EQ(stop(), -ETIMEDOUT);
	end();
}

TEST(a_queue_that_is_taken_back_goes_on_where_it_was)
{
	uint16_t base = 0;

	memset(&back, 0, sizeof(back));
	good();
	begin();
	OK(front);
	EQ(start(), 0);
	EQ(back.base, 0);
	EQ(front->ops->queue_stop(front, 1, &base), 0);
	EQ(base, 7);
	EQ(start_at(base), 0);
	EQ(back.base, 7);
	end();
}
