/* SPDX-License-Identifier: MIT */
/*
 * PL011, PL031, PL061, pvpanic and the watchdog under a guest that does anything.
 *
 * The input is a stream of operations: an opcode byte, then its operands. The
 * models keep their state under control of an oracle: an interrupt line is
 * only told of changes, a read gives no more bytes than its width, and what
 * the UART says of its FIFOs agrees with itself.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "devices/sbsa_gwdt.h"
#include "host/chardev.h"
#include "tests/fuzz/input.h"
#include "tests/unit/loop_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UART, RTC, GPIO, PANIC, WATCHDOG, DEVICES };

enum op {
	OP_READ,  /* device+width, offset */
	OP_WRITE, /* device+width, offset, value */
	OP_RESET, /* device */
	OP_TYPE,  /* length, bytes: the peer of the UART sends */
	OP_DRAIN, /* it reads */
	OP_LOOP,  /* the loop runs for a moment */
	OP_INPUT, /* line, level */
	OP_PRESS, /* line */
	OP_CLOSE, /* the peer goes */
	OP_PAUSE, /* the watchdog, or it goes on */
	OP_COUNT, /* n: the system counter goes on by 2^n */
	OPS,
};

static struct loop *loop;
static struct chardev *chr;
static struct device *dev[DEVICES];
static bool line[DEVICES];
static int peer;

static uint64_t word(unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | byte();
	return v;
}

static void set_irq(void *ctx, unsigned n, bool on)
{
	(void)ctx;
	if (line[n] == on)
		abort();
	line[n] = on;
}

static void on_event(void *ctx, unsigned bits)
{
	(void)ctx;
	if (!bits || bits > 3)
		abort();
}

static uint64_t counter;

static uint64_t count(void *ctx)
{
	(void)ctx;
	return counter;
}

/* WS1 comes once, until the guest has refreshed. */
static void on_bite(void *ctx)
{
	(void)ctx;
	if ((dev[WATCHDOG]->ops->read(dev[WATCHDOG], 0, 4) & 6) != 6)
		abort();
}

static void start(void)
{
	struct sbsa_gwdt_host host = { .counter = count,
				       .hz = 1000000000,
				       .bite = on_bite };
	struct irq irq[DEVICES];
	struct err e;
	char spec[16];
	unsigned i;
	int fds[2];

	for (i = 0; i < DEVICES; i++) {
		irq[i] = (struct irq){ .set = set_irq, .line = i };
		line[i] = false;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	peer = fds[1];
	snprintf(spec, sizeof(spec), "fd:%d", fds[0]);
	loop = loop_new();
	chr = chardev_open(loop, spec, &e);
	dev[UART] = pl011_new(loop, chr, &irq[UART]);
	dev[RTC] = pl031_new(loop, &irq[RTC]);
	dev[GPIO] = pl061_new(loop, &irq[GPIO]);
	dev[PANIC] = pvpanic_new(on_event, NULL);
	counter = 0;
	dev[WATCHDOG] = sbsa_gwdt_new(loop, &irq[WATCHDOG], &host);
}

static void finish(void)
{
	unsigned i;

	for (i = 0; i < DEVICES; i++)
		dev[i]->ops->free(dev[i]);
	chardev_close(chr);
	loop_free(loop);
	if (peer >= 0)
		close(peer);
}

static void stop(void *l)
{
	loop_stop(l);
}

/* A device with an access that is inside of it, as the bus makes sure. */
static unsigned target(unsigned *size, uint64_t *off)
{
	unsigned b = byte(), d = b % DEVICES;
	uint64_t room = d == PANIC ? 2 : 0x1000;
	bool upper = d == WATCHDOG && byte() & 1;

	*size = 1u << (b / DEVICES & 3);
	if (*size > room)
		*size = 1;
	*off = word(2) % (room - *size + 1);
	if (b & 0x80) /* mostly at registers */
		*off -= *off % *size;
	if (upper)
		*off += SBSA_GWDT_REFRESH;
	return d;
}

static void read_one(void)
{
	uint64_t off, val;
	unsigned size, d = target(&size, &off);

	val = dev[d]->ops->read(dev[d], off, size);
	if (size < 8 && val >> size * 8)
		abort();
}

static void write_one(void)
{
	uint64_t off;
	unsigned size, d = target(&size, &off);

	dev[d]->ops->write(dev[d], off, size, word(size));
}

/* Empty and full cannot both be true, of either FIFO. */
static void check_uart(void)
{
	uint64_t fr = dev[UART]->ops->read(dev[UART], 0x18, 4);

	if ((fr & 0x50) == 0x50 || (fr & 0xa0) == 0xa0 ||
	    !(fr & 0x80) != !!(fr & 0x08))
		abort();
	if (line[UART] != !!dev[UART]->ops->read(dev[UART], 0x40, 4))
		abort();
}

/* Its interrupt is WS0, and WS1 never stands alone while it is on. */
static void check_watchdog(void)
{
	uint64_t wcs = dev[WATCHDOG]->ops->read(dev[WATCHDOG], 0, 4);

	if (line[WATCHDOG] != !!(wcs & 2) || (wcs & 7) == 5)
		abort();
}

static void type(void)
{
	uint8_t buf[256];
	unsigned i, n = byte();

	for (i = 0; i < n; i++)
		buf[i] = byte();
	if (peer >= 0 && send(peer, buf, n, MSG_NOSIGNAL) < 0) {
		/* It has enough. */
	}
}

static void drain(void)
{
	char buf[4096];

	while (peer >= 0 && read(peer, buf, sizeof(buf)) > 0)
		;
}

static void step(void)
{
	unsigned n;

	switch ((enum op)(byte() % OPS)) {
	case OP_READ:
		read_one();
		break;
	case OP_WRITE:
		write_one();
		break;
	case OP_RESET:
		n = byte() % DEVICES;
		if (dev[n]->ops->reset)
			dev[n]->ops->reset(dev[n]);
		break;
	case OP_TYPE:
		type();
		break;
	case OP_DRAIN:
		drain();
		break;
	case OP_LOOP:
		loop_call(loop, stop, loop);
		loop_run(loop);
		break;
	case OP_INPUT:
		n = byte();
		pl061_set_input(dev[GPIO], n % PL061_LINES, n & 0x80);
		break;
	case OP_PRESS:
		pl061_press(dev[GPIO], byte() % PL061_LINES);
		break;
	case OP_CLOSE:
		if (peer >= 0)
			close(peer);
		peer = -1;
		break;
	case OP_PAUSE:
		if (byte() & 1)
			dev[WATCHDOG]->ops->quiesce(dev[WATCHDOG], NULL);
		else
			dev[WATCHDOG]->ops->resume(dev[WATCHDOG]);
		break;
	case OP_COUNT:
		counter += 1ull << byte() % 64;
		break;
	case OPS:
		break;
	}
	check_uart();
	check_watchdog();
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
