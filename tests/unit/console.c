/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/virtio_console.h>

#include "host/chardev.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/console.h"

#define MULTIPORT   (1ull << VIRTIO_CONSOLE_F_MULTIPORT)
#define IN	    0
#define OUT	    1
#define CONTROL_IN  2
#define CONTROL_OUT 3
#define IN1	    4
#define OUT1	    5
/* Where queue q's i-th buffer lies. */
#define BUF(q, i) (DATA + (q)*0x4000 + (i)*0x100)

/* A console whose back ends are sockets, and the thread of its loop. */
struct con {
	struct rig r;
	struct loop *loop;
	pthread_t thread;
	struct chardev *chr[2];
	int peer[2];
};

static struct chardev *back_end(struct con *c, unsigned i)
{
	struct chardev *chr;
	char spec[16];
	struct err e;
	int fd[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	snprintf(spec, sizeof(spec), "fd:%d", fd[0]);
	chr = chardev_open(c->loop, spec, &e);
	OK(chr);
	c->peer[i] = fd[1];
	return chr;
}

static void *run(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void con_of(struct con *c, unsigned ports, uint64_t features)
{
	struct console_port port = { .name = "second" };

	log_level = LOG_ERROR;
	rig_ram(&c->r);
	c->loop = loop_new();
	c->chr[0] = back_end(c, 0);
	c->chr[1] = ports ? back_end(c, 1) : NULL;
	port.chr = c->chr[1];
	rig_plug(&c->r, virtio_console_new(&c->r.m, c->loop, c->chr[0],
					   FRONT_GUESS, &port, ports));
	EQ(pthread_create(&c->thread, NULL, run, c->loop), 0);
	rig_start(&c->r, features);
}

static void con_free(struct con *c)
{
	loop_stop(c->loop);
	pthread_join(c->thread, NULL);
	chardev_close(c->chr[0]);
	chardev_close(c->chr[1]);
	rig_free(&c->r);
	loop_free(c->loop);
}

static void await_used(const struct con *c, unsigned q, uint16_t idx)
{
	AWAIT(rig_used_idx(&c->r, q) == idx);
}

static void print(struct con *c, unsigned q, unsigned i, const char *s)
{
	memcpy(rig_at(&c->r, BUF(q, i)), s, strlen(s));
	rig_desc(&c->r, q, i, BUF(q, i), strlen(s), 0, 0);
	rig_send(&c->r, q, i);
}

static void room(struct con *c, unsigned q, unsigned i, uint32_t len)
{
	rig_desc(&c->r, q, i, BUF(q, i), len, W, 0);
	rig_send(&c->r, q, i);
}

static void tell(struct con *c, unsigned i, uint32_t id, uint16_t event,
		 uint16_t value)
{
	struct virtio_console_control h = { htole32(id), htole16(event),
					    htole16(value) };

	memcpy(rig_at(&c->r, BUF(CONTROL_OUT, i)), &h, sizeof(h));
	rig_desc(&c->r, CONTROL_OUT, i, BUF(CONTROL_OUT, i), sizeof(h), 0, 0);
	rig_send(&c->r, CONTROL_OUT, i);
}

/* The @i-th control message is @event, of @id, with @len bytes behind it. */
static void told(const struct con *c, unsigned i, uint32_t id, uint16_t event,
		 const void *tail, uint32_t len)
{
	const struct virtio_console_control *h =
		rig_at(&c->r, BUF(CONTROL_IN, i));

	LT(i, rig_used_idx(&c->r, CONTROL_IN));
	EQ(rig_used_len(&c->r, CONTROL_IN, i), sizeof(*h) + len);
	EQ(h->id, id);
	EQ(h->event, event);
	EQ(h->value, 1);
	MEM_EQ(h + 1, tail, len);
}

VIRTIO_TEST(what_a_guest_prints_reaches_the_peer)
{
	struct con c;
	char buf[16] = { 0 };

	con_of(&c, 0, 0);
	EQ(c.r.v->nqueues, 2);
	OK(!(rig_offered(&c.r) & MULTIPORT));
	print(&c, OUT, 0, "hello\n");
	await_used(&c, OUT, 1);
	EQ(rig_used_len(&c.r, OUT, 0), 0);
	EQ(recv(c.peer[0], buf, 6, MSG_WAITALL), 6);
	STR_EQ(buf, "hello\n");
	con_free(&c);
}

VIRTIO_TEST(input_waits_for_a_buffer_and_fills_it)
{
	struct con c;

	con_of(&c, 0, 0);
	EQ(write(c.peer[0], "abcdef", 6), 6);
	usleep(5000); /* a moment in which it could get lost */
	room(&c, IN, 0, 4);
	await_used(&c, IN, 1);
	EQ(rig_used_len(&c.r, IN, 0), 4);
	MEM_EQ(rig_at(&c.r, BUF(IN, 0)), "abcd", 4);
	room(&c, IN, 1, 4);
	await_used(&c, IN, 2);
	EQ(rig_used_len(&c.r, IN, 1), 2);
	con_free(&c);
}

/* A console on a terminal, of which the master is returned. */
static int con_on_terminal(struct con *c, unsigned cols, unsigned rows)
{
	const struct winsize size = { .ws_col = cols, .ws_row = rows };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct console_port port = { .name = "second" };
	struct err e;

	OK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	log_level = LOG_ERROR;
	rig_ram(&c->r);
	c->loop = loop_new();
	c->chr[0] = chardev_open(c->loop, "stdio", &e);
	port.chr = c->chr[1] = chardev_open(c->loop, "null", &e);
	OK(c->chr[0] && c->chr[1]);
	rig_plug(&c->r, virtio_console_new(&c->r.m, c->loop, c->chr[0],
					   FRONT_GUESS, &port, 1));
	return master;
}

TEST(a_resize_reaches_the_configuration_and_the_driver)
{
	struct winsize size = { .ws_col = 132, .ws_row = 43 };
	struct con c;
	int master = con_on_terminal(&c, 80, 25);

	EQ(rig_get(&c.r, VIRTIO_MMIO_CONFIG), 80 | 25 << 16);
	rig_start(&c.r, MULTIPORT);
	EQ(pthread_create(&c.thread, NULL, run, c.loop), 0);
	tell(&c, 0, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	room(&c, CONTROL_IN, 0, 64);
	room(&c, CONTROL_IN, 1, 64);
	told(&c, 1, 0, VIRTIO_CONSOLE_RESIZE, "\x50\0\x19", 4);
	room(&c, CONTROL_IN, 2, 64);
	room(&c, CONTROL_IN, 3, 64);
	EQ(rig_used_idx(&c.r, CONTROL_IN), 3);
	EQ(ioctl(master, TIOCSWINSZ, &size), 0);
	chardev_resize(c.chr[0]);
	EQ(rig_get(&c.r, VIRTIO_MMIO_CONFIG), 132 | 43 << 16);
	EQ(rig_get(&c.r, VIRTIO_MMIO_INTERRUPT_STATUS) & 2, 2);
	told(&c, 3, 0, VIRTIO_CONSOLE_RESIZE, "\x84\0\x2b", 4);
	con_free(&c);
}

VIRTIO_TEST(ports_are_announced_named_and_opened)
{
	struct con c;
	unsigned i;

	con_of(&c, 1, MULTIPORT);
	EQ(c.r.v->nqueues, 6);
	EQ(c.r.v->config[4], 2);
	for (i = 0; i < 10; i++)
		room(&c, CONTROL_IN, i, 64);
	tell(&c, 0, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	EQ(rig_used_idx(&c.r, CONTROL_IN), 2);
	told(&c, 0, 0, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	told(&c, 1, 1, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	tell(&c, 1, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	told(&c, 2, 0, VIRTIO_CONSOLE_CONSOLE_PORT, "", 0);
	told(&c, 3, 0, VIRTIO_CONSOLE_RESIZE, "\0\0\0", 4);
	told(&c, 4, 0, VIRTIO_CONSOLE_PORT_OPEN, "", 0);
	tell(&c, 2, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	told(&c, 5, 1, VIRTIO_CONSOLE_PORT_NAME, "second", 6);
	told(&c, 6, 1, VIRTIO_CONSOLE_PORT_OPEN, "", 0);
	EQ(rig_used_idx(&c.r, CONTROL_IN), 7);
	con_free(&c);
}

VIRTIO_TEST(announcements_wait_for_buffers)
{
	struct con c;

	con_of(&c, 1, MULTIPORT);
	room(&c, CONTROL_IN, 0, 64);
	tell(&c, 0, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	EQ(rig_used_idx(&c.r, CONTROL_IN), 1);
	room(&c, CONTROL_IN, 1, 64);
	told(&c, 1, 1, VIRTIO_CONSOLE_PORT_ADD, "", 0);
	con_free(&c);
}

VIRTIO_TEST(a_port_gets_input_once_the_guest_has_opened_it)
{
	struct con c;

	con_of(&c, 1, MULTIPORT);
	room(&c, IN1, 0, 64);
	EQ(write(c.peer[1], "x", 1), 1);
	usleep(5000); /* a moment in which it could get in */
	EQ(rig_used_idx(&c.r, IN1), 0);
	tell(&c, 0, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	await_used(&c, IN1, 1);
	print(&c, OUT1, 0, "y\n");
	await_used(&c, OUT1, 1);
	con_free(&c);
}

VIRTIO_TEST(a_control_message_for_no_port_is_ignored)
{
	struct con c;

	con_of(&c, 1, MULTIPORT);
	tell(&c, 0, 2, VIRTIO_CONSOLE_PORT_OPEN, 1);
	tell(&c, 1, UINT32_MAX, VIRTIO_CONSOLE_PORT_READY, 1);
	tell(&c, 2, 0, 0xffff, 1);
	EQ(rig_used_idx(&c.r, CONTROL_OUT), 3);
	EQ(c.r.v->stats.errors, 2);
	OK(!rig_needs_reset(&c.r));
	con_free(&c);
}

VIRTIO_TEST(S1_output_that_nobody_reads_stays_in_the_guest_and_is_not_lost)
{
	const unsigned len = 0x40000, total = QSIZE;
	size_t left = (size_t)total * len;
	struct con c;
	uint8_t buf[4096];
	unsigned n;

	con_of(&c, 0, 0);
	for (n = 0; n < total; n++) {
		rig_desc(&c.r, OUT, n, DATA, len, 0, 0);
		rig_avail(&c.r, OUT, n);
	}
	/* Far more than a socket holds; a moment to put it somewhere else. */
	for (n = 0; n < 20; n++) {
		rig_notify(&c.r, OUT);
		usleep(1000);
	}
	LT(rig_used_idx(&c.r, OUT), total / 2);
	/* The device does its other work meanwhile. */
	room(&c, IN, 0, 16);
	EQ(write(c.peer[0], "x", 1), 1);
	await_used(&c, IN, 1);
	while (left) {
		ssize_t r = read(c.peer[0], buf, sizeof(buf));

		OK(r > 0);
		left -= r;
	}
	await_used(&c, OUT, total);
	con_free(&c);
}

VIRTIO_TEST(S1_a_flood_of_input_waits_outside)
{
	struct con c;
	struct pollfd p = { .events = POLLOUT };
	char buf[4096] = { 0 };
	size_t in = 0;
	unsigned i;

	con_of(&c, 0, 0);
	p.fd = c.peer[0];
	/* A socket's buffer and the back end's, and nothing for a moment. */
	while (poll(&p, 1, 20) == 1) {
		in += send(p.fd, buf, sizeof(buf), 0);
		LT(in, 4 << 20);
	}
	for (i = 0; i < 1000; i++) {
		rig_desc(&c.r, IN, i % QSIZE, DATA, 16, W, 0);
		rig_send(&c.r, IN, i % QSIZE);
		await_used(&c, IN, i + 1);
	}
	con_free(&c);
}

VIRTIO_TEST(Q13_a_reset_midway_through_output_starts_afresh)
{
	const unsigned len = 0x40000;
	struct con c;
	char buf[8] = { 0 };

	con_of(&c, 0, 0);
	rig_desc(&c.r, OUT, 0, DATA, len, 0, 0);
	rig_send(&c.r, OUT, 0);
	rig_start(&c.r, 0);
	/* Whatever was sent before is taken away here. */
	while (recv(c.peer[0], rig_at(&c.r, DATA), 4096, MSG_DONTWAIT) > 0)
		;
	print(&c, OUT, 0, "new\n");
	await_used(&c, OUT, 1);
	while (buf[0] != 'n')
		EQ(recv(c.peer[0], buf, 1, 0), 1);
	EQ(recv(c.peer[0], buf, 3, MSG_WAITALL), 3);
	STR_EQ(buf, "ew\n");
	con_free(&c);
}

/* --- floods --- */

static uint64_t passed;
static uint8_t last[4];

static void pass(void *ctx, const void *front, const void *buf, size_t len)
{
	(void)front;
	(void)ctx;
	passed += len;
	memcpy(last, (const uint8_t *)buf + len - (len < 4 ? len : 4),
	       len < 4 ? len : 4);
}

/* A console into nowhere, through a tap that counts; its loop is run by hand. */
static struct loop *counted(struct rig *r, struct chardev **chr)
{
	struct chardev_tap tap = { .output = pass };
	struct loop *l = loop_new();
	struct err e;

	log_level = LOG_ERROR;
	rig_ram(r);
	*chr = chardev_open(l, "null", &e);
	OK(*chr);
	EQ(chardev_tap(*chr, &tap), 0);
	rig_plug(r, virtio_console_new(&r->m, l, *chr, FRONT_GUESS, NULL, 0));
	rig_start(r, 1ull << VIRTIO_RING_F_INDIRECT_DESC);
	return l;
}

static void stop(void *l)
{
	loop_stop(l);
}

/* A task of somebody else's comes after at most one turn of the console's. */
static void one_turn(struct loop *l)
{
	loop_call(l, stop, l);
	EQ(loop_run(l), 0);
}

/* @n descriptors of 512 KiB each, all of the same memory, in one table. */
static void aim(struct rig *r, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		rig_desc_at(r, RAM + 0x30000, i, RAM + 0x80000, 0x80000,
			    i < n - 1 ? N : 0, i + 1);
	rig_desc(r, OUT, 0, RAM + 0x30000, n * 16, IND, 0);
}

#define TURN 0x6000u /* at most, with a piece that begins at its end */

VIRTIO_TEST_BY_HAND(Q15_a_chain_of_output_of_any_length_is_written_in_turns)
{
	struct chardev *chr;
	struct loop *l;
	struct rig r;
	uint64_t before;
	unsigned i;

	l = counted(&r, &chr);
	aim(&r, 64);
	rig_send(&r, OUT, 0);
	OK(passed);
	for (i = 0; i < 100; i++) {
		before = passed;
		one_turn(l);
		OK(passed > before);
		OK(passed - before <= TURN);
	}
	/* A reset ends it. */
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	before = passed;
	one_turn(l);
	one_turn(l);
	EQ(passed, before);
	chardev_close(chr);
	rig_free(&r);
	loop_free(l);
}

VIRTIO_TEST_BY_HAND(output_in_several_turns_arrives_whole_and_once)
{
	struct chardev *chr;
	struct loop *l;
	struct rig r;

	l = counted(&r, &chr);
	memcpy(rig_at(&r, RAM + 0xffffc), "end\n", 4);
	aim(&r, 2);
	rig_send(&r, OUT, 0);
	while (!rig_used_idx(&r, OUT))
		one_turn(l);
	EQ(passed, 0x100000);
	MEM_EQ(last, "end\n", 4);
	EQ(r.irqs, 1);
	chardev_close(chr);
	rig_free(&r);
	loop_free(l);
}

VIRTIO_TEST_BY_HAND(a_held_console_prints_nothing_until_it_goes_on)
{
	struct chardev *chr;
	struct loop *l;
	struct rig r;
	uint64_t before;

	l = counted(&r, &chr);
	aim(&r, 2);
	rig_send(&r, OUT, 0);
	before = passed;
	virtio_quiesce(r.v, NULL);
	one_turn(l);
	one_turn(l);
	EQ(passed, before);
	virtio_resume(r.v);
	while (!rig_used_idx(&r, OUT))
		one_turn(l);
	EQ(passed, 0x100000);
	chardev_close(chr);
	rig_free(&r);
	loop_free(l);
}
