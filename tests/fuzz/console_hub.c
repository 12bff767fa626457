/* SPDX-License-Identifier: MIT */
/*
 * A VM's console and its hub between a guest, which writes and reads as it
 * likes, and connections that come, go, stop reading and type.
 *
 * The input is a stream of operations of all sides. The oracle: what the guest
 * writes at a position is known by that, so that each reader's bytes must follow
 * each other without a hole, but for those that a notice counts; and what a
 * connection types reaches the guest whole and in order.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "host/chardev.h"
#include "host/console_hub.h"
#include "tests/fuzz/input.h"
#include "tests/unit/test.h"
#include "tests/unit/loop_call.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

/* As many as a byte that is typed tells apart, each used once. */
#define PEERS 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	int fd; /* -1: it has gone, or not come yet */
	uint64_t pos;
	char note[128];
	unsigned note_len;
	bool notices;
	uint8_t typed, heard; /* how many bytes */
};

static struct peer peers[PEERS];
static unsigned npeers;
static struct loop *loop;
static struct chardev *chr;
static struct console_hub *hub;
static uint64_t written;
static size_t room;

static void stop(void *l)
{
	loop_stop(l);
}

static void spin(void)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		loop_call(loop, stop, loop);
		loop_run(loop);
	}
}

/* --- the guest --- */

/* What stands at @pos: never ASCII but for the ends of lines. */
static uint8_t at(uint64_t pos)
{
	return pos % 61 == 60 ? '\n' : 0x80 | (pos ^ pos >> 7 ^ pos >> 14);
}

static void guest_writes(size_t n)
{
	static uint8_t buf[1 << 17];
	size_t i;

	for (i = 0; i < n; i++)
		buf[i] = at(written + i);
	CHECK(chardev_write(chr, NULL, buf, n) == n);
	written += n;
	CHECK(console_hub_end(hub) == written);
	CHECK(written - console_hub_start(hub) <= HUB_RING);
}

static size_t guest_room(void *ctx)
{
	(void)ctx;
	return room;
}

static void guest_input(void *ctx, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t i;

	(void)ctx;
	CHECK(len <= room);
	room -= len;
	for (i = 0; i < len; i++) {
		struct peer *from = &peers[p[i] >> 4];

		CHECK(from->heard != from->typed);
		CHECK((p[i] & 15) == (from->heard++ & 15));
	}
}

static void guest_ignores(void *ctx)
{
	(void)ctx;
}

static void guest_has_room(unsigned n)
{
	room += n;
	chardev_room(chr);
}

/* --- connections --- */

static void attach(unsigned how)
{
	struct hub_wish wish = { .notices = how & 1, .leaves = how & 2 };
	struct peer *p = &peers[npeers];
	int fd[2];

	if (npeers == PEERS)
		return;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	wish.from = how & 4 ? written : written * (how >> 3) / 32;
	CHECK(console_hub_has_room(hub));
	CHECK(!console_hub_attach(hub, fd[0], &wish));
	npeers++;
	p->fd = fd[1];
	p->notices = how & 1;
	p->pos = wish.from;
}

/* One byte of a notice, which counts what is missing. */
static void noted(struct peer *p, char c)
{
	unsigned long long lost;

	CHECK(p->notices && p->note_len < sizeof(p->note) - 1);
	p->note[p->note_len++] = c;
	p->note[p->note_len] = 0;
	if (c != '\n' || p->note_len == 2)
		return;
	CHECK(sscanf(p->note, "\r\n[nestor: %llu bytes", &lost) == 1);
	p->pos += lost;
	p->note_len = 0;
}

/* As read() has it. */
static ssize_t peer_reads(struct peer *p, size_t n)
{
	static uint8_t buf[1 << 16];
	ssize_t i, len = read(p->fd, buf, n);

	for (i = 0; i < len; i++) {
		if (p->note_len || buf[i] == '\r') {
			noted(p, buf[i]);
			continue;
		}
		CHECK(p->pos < written);
		CHECK(buf[i] == at(p->pos++));
	}
	return len;
}

/* All that there is; unless it has ended, that is all that was written. */
static void peer_reads_all(struct peer *p)
{
	ssize_t n, idle;

	for (idle = 0; idle < 4; idle++) {
		while ((n = peer_reads(p, 1 << 16)) > 0)
			idle = 0;
		if (!n)
			return;
		spin();
	}
	CHECK(p->pos == written && !p->note_len);
}

static void peer_types(struct peer *p, unsigned n)
{
	const uint8_t tag = p - peers;
	uint8_t c;

	for (; n; n--) {
		c = tag << 4 | (p->typed & 15);
		if (send(p->fd, &c, 1, MSG_NOSIGNAL) != 1)
			return;
		p->typed++;
	}
}

static void peer_goes(struct peer *p, unsigned how)
{
	if (how % 3 < 2) {
		shutdown(p->fd, how % 3);
		return;
	}
	close(p->fd);
	p->fd = -1;
}

static void peer_acts(unsigned op)
{
	struct peer *p = &peers[byte() % PEERS];
	unsigned how = byte();

	if (p->fd < 0)
		return;
	if (op < 8)
		peer_reads(p, 1 + how * 256);
	else if (op < 10)
		peer_types(p, how % 64);
	else
		peer_goes(p, how);
}

/* --- both --- */

static void step(void)
{
	unsigned op = byte() % 16;

	switch (op) {
	case 0:
	case 1:
		attach(byte());
		break;
	case 2:
	case 3:
		guest_writes(byte());
		break;
	case 4:
		guest_writes(byte() << 9);
		break;
	case 5:
		guest_has_room(byte());
		break;
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
		peer_acts(op);
		break;
	default:
		spin();
	}
}

static void start(void)
{
	const struct chardev_front front = { .room = guest_room,
					     .input = guest_input,
					     .writable = guest_ignores };
	struct err e;
	unsigned i;

	written = room = npeers = 0;
	for (i = 0; i < PEERS; i++)
		peers[i] = (struct peer){ .fd = -1 };
	loop = loop_new();
	chr = chardev_open(loop, "null", &e);
	hub = console_hub_new(loop, chr);
	CHECK(hub && !chardev_attach(chr, &front));
}

/* Who is still there gets all that was meant for it, and so does the guest. */
static void finish(void)
{
	unsigned i;

	/* More than a byte is handed on at once. */
	guest_writes(2);
	for (i = 0; i < PEERS; i++) {
		guest_has_room(4096);
		spin();
	}
	for (i = 0; i < PEERS; i++) {
		if (peers[i].fd < 0)
			continue;
		CHECK(peers[i].heard == peers[i].typed);
		peer_reads_all(&peers[i]);
		close(peers[i].fd);
	}
	console_hub_free(hub);
	chardev_close(chr);
	loop_free(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	take_input(data, size);
	start();
	while (next < end)
		step();
	finish();
	return 0;
}
