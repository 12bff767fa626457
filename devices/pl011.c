/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Sending: what the guest writes goes to the back end at once, so that the
 * transmit FIFO is empty again before the guest looks; each write completes
 * the transition through the trigger level that asserts UARTTXINTR. Only when
 * the back end takes no more does the FIFO fill, and TXFF say so. As on other
 * virtual machines, and as programs built for them expect, sending does not
 * wait for UARTEN and TXE.
 *
 * Receiving: the back end refills the FIFO only when it is empty, so that the
 * guest takes one interrupt per FIFO. As there is no bit rate, the receive
 * timeout has always passed when it has put what it has.
 *
 * A driver that starts up discards what it finds in the FIFO: Linux does, in
 * its first moments with the receiver enabled. On a wire nobody types that
 * early, but here input may have been waiting in a pipe for long. So the back
 * end is let in only when the guest shows that it would listen. If it polls, it
 * reads UARTFR time and again without sending anything, or UARTDR, and has done so
 * lately: the kernel behind a firmware may have no driver for it. Else it
 * enables a receive interrupt; but Linux does so for a moment before it discards,
 * too, and firmware may have left the receiver enabled. It counts at once when it
 * comes right after a look at an empty FIFO, with which discarding ends, and else
 * when the interrupt has been enabled for a while.
 */
#include "devices/pl011.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/timer.h"
#include "core/util.h"
#include "devices/primecell.h"
#include "host/chardev.h"

/* Register offsets (DDI 0183, table 3-1). */
enum {
	UARTDR = 0x00,
	UARTRSR = 0x04, /* UARTECR when written */
	UARTFR = 0x18,
	UARTILPR = 0x20,
	UARTIBRD = 0x24,
	UARTFBRD = 0x28,
	UARTLCR_H = 0x2c,
	UARTCR = 0x30,
	UARTIFLS = 0x34,
	UARTIMSC = 0x38,
	UARTRIS = 0x3c,
	UARTMIS = 0x40,
	UARTICR = 0x44,
	UARTDMACR = 0x48,
};

#define DR_BE (1u << 10)
#define DR_OE (1u << 11)

#define FR_CTS	(1u << 0)
#define FR_DSR	(1u << 1)
#define FR_DCD	(1u << 2)
#define FR_BUSY (1u << 3)
#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define FR_RXFF (1u << 6)
#define FR_TXFE (1u << 7)
#define FR_RI	(1u << 8)

#define LCR_H_BRK (1u << 0)
#define LCR_H_FEN (1u << 4)

#define CR_UARTEN (1u << 0)
#define CR_LBE	  (1u << 7)
#define CR_TXE	  (1u << 8)
#define CR_RXE	  (1u << 9)
#define CR_DTR	  (1u << 10)
#define CR_RTS	  (1u << 11)
#define CR_OUT1	  (1u << 12)
#define CR_OUT2	  (1u << 13)

#define INT_RI	(1u << 0)
#define INT_CTS (1u << 1)
#define INT_DCD (1u << 2)
#define INT_DSR (1u << 3)
#define INT_RX	(1u << 4)
#define INT_TX	(1u << 5)
#define INT_RT	(1u << 6)
#define INT_BE	(1u << 9)
#define INT_OE	(1u << 10)
#define INT_ALL 0x7ffu

#define IFLS_RESET 0x12
#define CR_RESET   (CR_RXE | CR_TXE)

#define FIFO 16u
/* So many looks at UARTFR in a row are no longer part of sending. */
#define POLLS 16u
/* What has polled, and no more for so long, does something else. */
#define LATELY NSEC_PER_SEC
/* For so long no driver has a receive interrupt enabled and still discards. */
#define STARTED (250 * NSEC_PER_MSEC)

struct pl011 {
	struct device dev;
	struct irq irq;
	struct chardev *chr;
	pthread_mutex_t lock;
	/* Under the lock. */
	uint16_t rx[FIFO]; /* with the error bits of UARTDR */
	unsigned rx_head, rx_len;
	bool overrun; /* since there was room for the last time */
	uint8_t tx[FIFO];
	unsigned tx_len;
	unsigned polls;	  /* reads of UARTFR in a row; POLLS: it listens */
	uint64_t polled;  /* when, for the last time that it did so */
	bool found_empty; /* by the last access, a read of UARTFR */
	bool by_irq;	  /* it listens by interrupts */
	struct timer started;
	uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
	bool raised, paused;
};

static unsigned depth(const struct pl011 *u)
{
	return u->lcr_h & LCR_H_FEN ? FIFO : 1;
}

/* The fill level that a field of UARTIFLS stands for (DDI 0183, 3.3.9). */
static unsigned trigger(const struct pl011 *u, unsigned field)
{
	static const uint8_t level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	return u->lcr_h & LCR_H_FEN ? level[field & 7] : 1;
}

static void update(struct pl011 *u)
{
	bool raise = u->ris & u->imsc;

	if (raise == u->raised || (raise && u->paused))
		return;
	irq_set(&u->irq, raise);
	u->raised = raise;
}

/* Receiving. */

static void receive(struct pl011 *u, uint16_t c)
{
	if (u->rx_len >= depth(u)) {
		u->overrun = true;
		u->rsr |= DR_OE >> 8;
		u->ris |= INT_OE;
		return;
	}
	/* Something is missing before this one (DDI 0183, 3.3.1). */
	if (u->overrun)
		c |= DR_OE;
	u->overrun = false;
	u->rx[(u->rx_head + u->rx_len++) % FIFO] = c;
	u->ris |= INT_RT;
	if (u->rx_len >= trigger(u, u->ifls >> 3))
		u->ris |= INT_RX;
	if (c & DR_BE)
		u->ris |= INT_BE;
}

/* Sending. */

/* In loopback what is sent is received, and nothing else is (3.3.8). */
static bool loops(const struct pl011 *u)
{
	return u->cr & CR_LBE;
}

static void send(struct pl011 *u)
{
	size_t n = chardev_write(u->chr, u, u->tx, u->tx_len);

	u->tx_len -= n;
	memmove(u->tx, u->tx + n, u->tx_len);
	if (u->tx_len < depth(u) && u->tx_len <= trigger(u, u->ifls))
		u->ris |= INT_TX;
	else
		u->ris &= ~INT_TX;
}

static void transmit(struct pl011 *u, uint8_t c)
{
	if (loops(u)) {
		if (u->cr & CR_RXE)
			receive(u, c);
		u->ris |= INT_TX;
		return;
	}
	if (u->tx_len >= depth(u))
		return; /* as an overrun FIFO does */
	u->tx[u->tx_len++] = c;
	send(u);
}

static void pl011_writable(void *ctx)
{
	struct pl011 *u = ctx;

	pthread_mutex_lock(&u->lock);
	if (u->tx_len && !u->paused)
		send(u);
	update(u);
	pthread_mutex_unlock(&u->lock);
}

/* Input from the back end. */

static bool listens(const struct pl011 *u)
{
	return u->cr & CR_RXE && !loops(u) &&
	       (u->by_irq ||
		(u->polls >= POLLS && mono_ns() - u->polled < LATELY));
}

/* A receive interrupt is enabled, or none is any more. */
static void set_mask(struct pl011 *u, uint32_t imsc)
{
	bool before = u->imsc & (INT_RX | INT_RT);
	bool now = imsc & (INT_RX | INT_RT);

	u->imsc = imsc;
	u->polls = 0;
	u->by_irq = now && (u->by_irq || u->found_empty);
	if (!now || u->by_irq)
		timer_stop(&u->started);
	else if (!before)
		timer_after(&u->started, STARTED);
	chardev_room(u->chr);
}

static void has_started(struct timer *t)
{
	struct pl011 *u = container_of(t, struct pl011, started);

	pthread_mutex_lock(&u->lock);
	u->by_irq = u->imsc & (INT_RX | INT_RT);
	chardev_room(u->chr);
	pthread_mutex_unlock(&u->lock);
}

static bool pl011_is_read(void *ctx)
{
	struct pl011 *u = ctx;
	bool is;

	pthread_mutex_lock(&u->lock);
	is = listens(u);
	pthread_mutex_unlock(&u->lock);
	return is;
}

static size_t pl011_room(void *ctx)
{
	struct pl011 *u = ctx;
	size_t n = 0;

	pthread_mutex_lock(&u->lock);
	if (!u->paused && listens(u) && u->rx_len < depth(u))
		n = depth(u) - u->rx_len;
	pthread_mutex_unlock(&u->lock);
	return n;
}

static void pl011_input(void *ctx, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	struct pl011 *u = ctx;

	pthread_mutex_lock(&u->lock);
	while (len--)
		receive(u, *p++);
	update(u);
	pthread_mutex_unlock(&u->lock);
}

static void pl011_break(void *ctx)
{
	struct pl011 *u = ctx;

	pthread_mutex_lock(&u->lock);
	if (!u->paused && listens(u))
		receive(u, DR_BE);
	update(u);
	pthread_mutex_unlock(&u->lock);
}

static void poll(struct pl011 *u, unsigned by)
{
	u->polls = u->polls + by < POLLS ? u->polls + by : POLLS;
	if (u->polls == POLLS)
		u->polled = mono_ns();
}

static uint32_t take(struct pl011 *u)
{
	uint16_t c;

	poll(u, POLLS);
	if (!u->rx_len)
		return 0;
	c = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % FIFO;
	u->rx_len--;
	/* That of an overrun was set when it happened, and stays. */
	u->rsr = (u->rsr & DR_OE >> 8) | c >> 8;
	if (u->rx_len < trigger(u, u->ifls >> 3))
		u->ris &= ~INT_RX;
	if (!u->rx_len)
		u->ris &= ~INT_RT;
	return c;
}

/* Registers. */

/* The modem's lines: a terminal that is there, or our own outputs. */
static uint32_t modem(const struct pl011 *u)
{
	if (!loops(u))
		return FR_CTS | FR_DSR | FR_DCD;
	return (u->cr & CR_RTS ? FR_CTS : 0) | (u->cr & CR_DTR ? FR_DSR : 0) |
	       (u->cr & CR_OUT1 ? FR_DCD : 0) | (u->cr & CR_OUT2 ? FR_RI : 0);
}

static void set_control(struct pl011 *u, uint32_t cr)
{
	uint32_t changed = modem(u);

	u->cr = cr;
	changed ^= modem(u);
	u->ris |= (changed & FR_RI ? INT_RI : 0) |
		  (changed & FR_CTS ? INT_CTS : 0) |
		  (changed & FR_DCD ? INT_DCD : 0) |
		  (changed & FR_DSR ? INT_DSR : 0);
}

/*
 * A break goes as far as what is sent does: to nobody, but in loopback. To
 * disable the FIFOs is how a driver flushes the one that transmits (3.3.8); what
 * was received can still be read.
 */
static void set_line(struct pl011 *u, uint32_t lcr_h)
{
	bool begins = lcr_h & ~u->lcr_h & LCR_H_BRK;

	if (u->lcr_h & ~lcr_h & LCR_H_FEN && u->tx_len) {
		u->tx_len = 0;
		u->ris |= INT_TX;
	}
	u->lcr_h = lcr_h;
	if (begins && loops(u) && u->cr & CR_RXE)
		receive(u, DR_BE);
}

static uint32_t flags(struct pl011 *u)
{
	uint32_t fr = modem(u);

	poll(u, 1);
	fr |= u->tx_len ? FR_BUSY : FR_TXFE;
	if (u->tx_len >= depth(u))
		fr |= FR_TXFF;
	if (!u->rx_len)
		fr |= FR_RXFE;
	if (u->rx_len >= depth(u))
		fr |= FR_RXFF;
	return fr;
}

static uint32_t get(struct pl011 *u, uint64_t off)
{
	switch (off) {
	case UARTDR:
		return take(u);
	case UARTRSR:
		return u->rsr;
	case UARTFR:
		return flags(u);
	case UARTILPR:
		return u->ilpr;
	case UARTIBRD:
		return u->ibrd;
	case UARTFBRD:
		return u->fbrd;
	case UARTLCR_H:
		return u->lcr_h;
	case UARTCR:
		return u->cr;
	case UARTIFLS:
		return u->ifls;
	case UARTIMSC:
		return u->imsc;
	case UARTRIS:
		return u->ris;
	case UARTMIS:
		return u->ris & u->imsc;
	case UARTDMACR:
		return u->dmacr;
	default:
		return primecell_id(PL011_PERIPH_ID, off);
	}
}

static void put(struct pl011 *u, uint64_t off, uint32_t val)
{
	if (u->polls < POLLS)
		u->polls = 0;
	switch (off) {
	case UARTDR:
		transmit(u, val);
		break;
	case UARTRSR:
		u->rsr = 0;
		break;
	case UARTILPR:
		u->ilpr = val & 0xff;
		break;
	case UARTIBRD:
		u->ibrd = val & 0xffff;
		break;
	case UARTFBRD:
		u->fbrd = val & 0x3f;
		break;
	case UARTLCR_H:
		set_line(u, val & 0xff);
		break;
	case UARTCR:
		set_control(u, val & 0xff87);
		chardev_room(u->chr);
		break;
	case UARTIFLS:
		u->ifls = val & 0x3f;
		break;
	case UARTIMSC:
		set_mask(u, val & INT_ALL);
		break;
	case UARTICR:
		u->ris &= ~val;
		break;
	case UARTDMACR:
		u->dmacr = val & 7;
		break;
	}
}

/*
 * After an access: the interrupt, and the back end if there is room for it now.
 */
static void settle(struct pl011 *u)
{
	update(u);
	if (!u->rx_len && listens(u))
		chardev_room(u->chr);
}

static uint64_t pl011_read(struct device *dev, uint64_t off, unsigned size)
{
	struct pl011 *u = (struct pl011 *)dev;
	uint32_t val;

	if (!primecell_access(off, size))
		return 0;
	pthread_mutex_lock(&u->lock);
	val = get(u, off) & primecell_mask(size);
	u->found_empty = off == UARTFR && val & FR_RXFE;
	settle(u);
	pthread_mutex_unlock(&u->lock);
	return val;
}

static void pl011_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	struct pl011 *u = (struct pl011 *)dev;

	if (!primecell_access(off, size))
		return;
	pthread_mutex_lock(&u->lock);
	put(u, off, val & primecell_mask(size));
	u->found_empty = false;
	settle(u);
	pthread_mutex_unlock(&u->lock);
}

static void power_on(struct pl011 *u)
{
	u->rx_head = u->rx_len = u->tx_len = u->polls = 0;
	u->overrun = u->found_empty = u->by_irq = false;
	u->rsr = u->ilpr = u->ibrd = u->fbrd = u->lcr_h = 0;
	u->imsc = u->ris = u->dmacr = 0;
	u->cr = CR_RESET;
	u->ifls = IFLS_RESET;
}

static void pl011_reset(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	pthread_mutex_lock(&u->lock);
	timer_stop(&u->started);
	power_on(u);
	update(u);
	pthread_mutex_unlock(&u->lock);
}

static void pl011_quiesce(struct device *dev, struct quiet *q)
{
	struct pl011 *u = (struct pl011 *)dev;

	(void)q;
	pthread_mutex_lock(&u->lock);
	u->paused = true;
	timer_stop(&u->started);
	pthread_mutex_unlock(&u->lock);
}

/* A driver that was starting up has all of its while again. */
static void pl011_resume(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	pthread_mutex_lock(&u->lock);
	u->paused = false;
	u->polled = mono_ns();
	if (u->imsc & (INT_RX | INT_RT) && !u->by_irq)
		timer_after(&u->started, STARTED);
	chardev_room(u->chr);
	pthread_mutex_unlock(&u->lock);
	pl011_writable(u);
}

static void pl011_free(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	timer_close(&u->started);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static const struct device_ops pl011_ops = {
	.name = "pl011",
	.read = pl011_read,
	.write = pl011_write,
	.quiesce = pl011_quiesce,
	.resume = pl011_resume,
	.reset = pl011_reset,
	.free = pl011_free,
};

struct device *pl011_new(struct loop *loop, struct chardev *chr,
			 const struct irq *irq)
{
	struct pl011 *u = calloc(1, sizeof(*u));
	struct chardev_front front = {
		.is_read = pl011_is_read,
		.room = pl011_room,
		.input = pl011_input,
		.writable = pl011_writable,
		.line_break = pl011_break,
		.ctx = u,
	};
	int r;

	if (!u)
		return NULL;
	u->dev.ops = &pl011_ops;
	u->irq = *irq;
	u->chr = chr;
	pthread_mutex_init(&u->lock, NULL);
	power_on(u);
	r = timer_open(&u->started, loop, CLOCK_MONOTONIC, has_started);
	if (r == 0)
		r = chardev_attach(chr, &front);
	if (r == 0)
		return &u->dev;
	pl011_free(&u->dev);
	errno = -r;
	return NULL;
}
