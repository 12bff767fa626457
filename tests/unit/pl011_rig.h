/* SPDX-License-Identifier: MIT */
/*
 * A UART in front of a socket, with a test at its registers and at the other end.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "core/log.h"
#include "devices/pl011.h"
#include "host/chardev.h"
#include "tests/unit/spin.h"

enum {
	DR = 0x00,
	RSR = 0x04,
	FR = 0x18,
	IBRD = 0x24,
	LCR_H = 0x2c,
	CR = 0x30,
	IFLS = 0x34,
	IMSC = 0x38,
	RIS = 0x3c,
	MIS = 0x40,
	ICR = 0x44,
};

enum {
	RX = 0x10,
	TX = 0x20,
	RT = 0x40,
	BUSY = 0x08,
	RXFE = 0x10,
	TXFF = 0x20,
	RXFF = 0x40,
	TXFE = 0x80,
	FEN = 0x10,
};

enum { LBE = 0x80, RXE = 0x200, OE = 0x400, BE = 0x200 };

static struct chardev *chr;
static struct device *dev;
static int peer;
static unsigned edges;
static bool line;

static inline void set_irq(void *ctx, unsigned n, bool on)
{
	(void)ctx;
	EQ(n, 1);
	NE(line, on);
	line = on;
	edges++;
}

static inline void start(void)
{
	struct irq irq = { .set = set_irq, .line = 1 };
	struct err e;
	char spec[16];
	int fds[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	peer = fds[1];
	snprintf(spec, sizeof(spec), "fd:%d", fds[0]);
	loop = loop_new();
	chr = chardev_open(loop, spec, &e);
	OK(chr);
	dev = pl011_new(loop, chr, &irq);
	OK(dev);
}

static inline void finish(void)
{
	dev->ops->free(dev);
	chardev_close(chr);
	loop_free(loop);
	close(peer);
}

static inline void wr(uint64_t off, uint64_t val)
{
	dev->ops->write(dev, off, 4, val);
}

static inline uint32_t rd(uint64_t off)
{
	return dev->ops->read(dev, off, 4);
}

/* Type @s, which nobody takes yet or not as a whole. */
static inline void offer(const char *s)
{
	EQ(write(peer, s, strlen(s)), strlen(s));
}

/* The UART has got all that was typed; asking does not touch it. */
static inline bool is_taken(void)
{
	int left;

	EQ(ioctl(peer, SIOCOUTQ, &left), 0);
	return left == 0;
}

static inline void type(const char *s)
{
	offer(s);
	SPIN_UNTIL(is_taken());
}

/* What has come out, as a string. */
static inline const char *seen(void)
{
	static char buf[65536];
	ssize_t n = read(peer, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = 0;
	return buf;
}

/* The FIFO full, as nobody reads; how many bytes were sent. */
static inline unsigned fill_fifo(void)
{
	unsigned n;

	for (n = 0; !(rd(FR) & TXFF); n++)
		wr(DR, 'x');
	return n;
}
