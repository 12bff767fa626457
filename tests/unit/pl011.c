/* SPDX-License-Identifier: MIT */
#include "devices/pl011.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "core/log.h"
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

static struct chardev *chr;
static struct device *dev;
static int peer;
static unsigned edges;
static bool line;

static void set_irq(void *ctx, unsigned n, bool on)
{
	(void)ctx;
	EQ(n, 1);
	NE(line, on);
	line = on;
	edges++;
}

static void start(void)
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

static void finish(void)
{
	dev->ops->free(dev);
	chardev_close(chr);
	loop_free(loop);
	close(peer);
}

static void wr(uint64_t off, uint64_t val)
{
	dev->ops->write(dev, off, 4, val);
}

static uint32_t rd(uint64_t off)
{
	return dev->ops->read(dev, off, 4);
}

/* Type @s, which nobody takes yet or not as a whole. */
static void offer(const char *s)
{
	EQ(write(peer, s, strlen(s)), strlen(s));
}

/* The UART has got all that was typed; asking does not touch it. */
static bool is_taken(void)
{
	int left;

	EQ(ioctl(peer, SIOCOUTQ, &left), 0);
	return left == 0;
}

static void type(const char *s)
{
	offer(s);
	SPIN_UNTIL(is_taken());
}

/* What has come out, as a string. */
static const char *seen(void)
{
	static char buf[65536];
	ssize_t n = read(peer, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = 0;
	return buf;
}

TEST(uart_is_known_by_its_numbers)
{
	static const uint8_t id[8] = {
		0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 5, 0xb1
	};
	unsigned i;

	start();
	for (i = 0; i < 8; i++)
		EQ(rd(0xfe0 + 4 * i), id[i]);
	EQ(rd(0xfd0), 0);
	finish();
}

TEST(uart_has_its_reset_values)
{
	start();
	EQ(rd(CR), 0x300);
	EQ(rd(IFLS), 0x12);
	EQ(rd(IMSC) | rd(RIS) | rd(LCR_H) | rd(RSR), 0);
	EQ(rd(FR) & (BUSY | TXFF | RXFF | RXFE | TXFE), RXFE | TXFE);
	EQ(rd(FR) & 7, 7); /* a terminal is there */
	wr(IBRD, 0x12345);
	wr(LCR_H, FEN);
	dev->ops->reset(dev);
	EQ(rd(IBRD) | rd(LCR_H), 0);
	finish();
}

TEST(uart_sends_a_line_at_its_end_without_the_loop)
{
	start();
	wr(DR, 'h');
	wr(DR, 'i');
	STR_EQ(seen(), "");
	wr(DR, '\n');
	STR_EQ(seen(), "hi\n");
	finish();
}

TEST(uart_sends_part_of_a_line_before_long)
{
	start();
	wr(DR, '$');
	SPIN_UNTIL(is_readable(peer, 0));
	STR_EQ(seen(), "$");
	finish();
}

TEST(uart_sends_what_is_left_when_it_closes)
{
	start();
	wr(DR, '$');
	dev->ops->free(dev);
	chardev_close(chr);
	STR_EQ(seen(), "$");
	loop_free(loop);
	close(peer);
}

/* As Linux does: fill, enable, and be called for more until all is sent. */
TEST(uart_interrupts_for_more_to_send_until_masked)
{
	start();
	wr(LCR_H, FEN);
	wr(IMSC, TX);
	OK(!line); /* nothing has been sent: no transition */
	wr(DR, 'a');
	OK(line);
	EQ(rd(MIS), TX);
	wr(DR, 'b');
	OK(line);
	wr(IMSC, 0);
	OK(!line);
	EQ(edges, 2);
	wr(ICR, TX);
	wr(IMSC, TX);
	OK(!line);
	finish();
}

TEST(s1_uart_says_honestly_that_nobody_reads_and_goes_on_when_somebody_does)
{
	unsigned sent = 0, got = 0;

	start();
	wr(LCR_H, FEN);
	wr(IMSC, TX);
	while (!(rd(FR) & TXFF)) {
		wr(DR, "abcdefg\n"[sent++ % 8]);
		LT(sent, 10000000);
		if (sent % 4096 == 0)
			wr(ICR, TX);
	}
	EQ(rd(FR) & (TXFE | BUSY), BUSY);
	EQ(rd(RIS) & TX, 0);
	OK(!line);
	wr(DR, 'X'); /* lost, as on an overrun FIFO */
	SPIN_UNTIL((got += strlen(seen())) >= sent);
	EQ(got, sent);
	SPIN_UNTIL(line);
	EQ(rd(FR) & (TXFE | BUSY | TXFF), TXFE);
	finish();
}

/* The FIFO full, as nobody reads; how many bytes were sent. */
static unsigned fill_fifo(void)
{
	unsigned n;

	for (n = 0; !(rd(FR) & TXFF); n++)
		wr(DR, 'x');
	return n;
}

TEST(uart_flushes_what_it_has_to_send_when_its_fifos_are_disabled)
{
	unsigned sent, got = 0;

	start();
	wr(LCR_H, FEN);
	sent = fill_fifo();
	wr(IMSC, TX);
	OK(!line);
	/* Not by another change of the line's. */
	wr(LCR_H, FEN | 0x60);
	EQ(rd(FR) & (TXFE | TXFF), TXFF);
	wr(LCR_H, 0);
	EQ(rd(FR) & (TXFE | TXFF | BUSY), TXFE);
	OK(line);
	wr(LCR_H, FEN);
	SPIN_UNTIL((got += strlen(seen())) >= sent - 16);
	spin();
	STR_EQ(seen(), "");
	EQ(got, sent - 16);
	finish();
}

TEST(uart_keeps_what_it_has_received_when_its_fifos_are_disabled)
{
	unsigned i;

	start();
	wr(LCR_H, FEN);
	OK(rd(FR) & RXFE);
	wr(IMSC, RX | RT);
	type("abc");
	wr(LCR_H, 0);
	for (i = 0; i < 3; i++) {
		OK(rd(FR) & RXFF);
		EQ(rd(DR), "abc"[i]);
	}
	OK(rd(FR) & RXFE);
	EQ(rd(RSR), 0);
	finish();
}

TEST(uart_without_fifos_holds_one_byte)
{
	start();
	wr(IMSC, RX | RT);
	offer("ab");
	SPIN_UNTIL(line);
	EQ(rd(FR) & (RXFE | RXFF), RXFF);
	EQ(rd(RIS) & RX, RX);
	EQ(rd(DR), 'a');
	EQ(rd(RIS) & (RX | RT), 0);
	OK(rd(FR) & RXFE);
	SPIN_UNTIL(line);
	EQ(rd(DR), 'b');
	finish();
}

TEST(uart_takes_one_interrupt_for_a_fifo_of_input)
{
	unsigned i;

	start();
	wr(LCR_H, FEN);
	wr(IMSC, RX | RT);
	offer("0123456789abcdefXYZ");
	SPIN_UNTIL(line);
	EQ(edges, 1);
	EQ(rd(MIS), RX | RT);
	OK(rd(FR) & RXFF);
	for (i = 0; i < 16; i++)
		EQ(rd(DR), "0123456789abcdef"[i]);
	OK(!line);
	EQ(rd(RIS), 0);
	OK(rd(FR) & RXFE);
	EQ(rd(DR), 0); /* empty: nothing */
	SPIN_UNTIL(line);
	EQ(rd(MIS), RT); /* three are below the trigger level */
	EQ(rd(DR), 'X');
	EQ(rd(DR), 'Y');
	EQ(rd(DR), 'Z');
	EQ(edges, 4);
	finish();
}

TEST(uart_keeps_input_back_until_the_guest_listens)
{
	unsigned i;

	start();
	wr(LCR_H, FEN);
	offer("early");
	spin();
	/* Sending, with a look at the flags before each byte and behind. */
	for (i = 0; i < 100; i++) {
		rd(FR);
		wr(DR, '.');
		rd(FR);
	}
	/* A driver that starts: flags, then drop what is there. */
	wr(CR, 0x301);
	spin();
	for (i = 0; i < 3; i++)
		OK(rd(FR) & RXFE);
	spin();
	OK(rd(FR) & RXFE);
	wr(IMSC, RX | RT);
	SPIN_UNTIL(line);
	for (i = 0; i < 5; i++)
		EQ(rd(DR), "early"[i]);
	finish();
}

/* How Linux starts up, which enables the interrupts for a moment first. */
TEST(uart_keeps_input_back_while_linux_starts)
{
	unsigned i;
	uint64_t t0;

	start();
	wr(LCR_H, FEN);
	offer("early");
	wr(IMSC, 0);
	wr(CR, 0x301); /* as firmware may have left it */
	wr(ICR, 0x7d0);
	rd(IMSC);
	t0 = mono_ns();
	wr(IMSC, RX | RT);
	spin_for(1);
	wr(IMSC, 0);
	/* Were they enabled for so long, nobody could know. */
	OK(rd(FR) & RXFE || mono_ns() - t0 > 250 * NSEC_PER_MSEC);
	wr(CR, 0x301);
	wr(ICR, RX | RT);
	spin();
	while (!(rd(FR) & RXFE))
		rd(DR);
	wr(IMSC, RX | RT);
	SPIN_UNTIL(line);
	for (i = 0; i < 5; i++)
		EQ(rd(DR), "early"[i]);
	finish();
}

TEST(uart_gives_input_to_a_guest_that_enables_the_interrupt_once)
{
	uint64_t t0 = mono_ns();

	start();
	wr(LCR_H, FEN);
	offer("early");
	wr(IMSC, RT);
	wr(CR, 0x301);
	SPIN_UNTIL(line);
	OK(mono_ns() - t0 >= 250 * NSEC_PER_MSEC);
	EQ(rd(DR), 'e');
	/* Another mask changes nothing of that. */
	SPIN_UNTIL(is_taken());
	wr(IMSC, RX | RT);
	EQ(rd(DR), 'a');
	finish();
}

TEST(uart_gives_input_to_a_guest_that_polls)
{
	start();
	offer("p");
	SPIN_UNTIL(!(rd(FR) & RXFE));
	EQ(rd(DR), 'p');
	EQ(edges, 0);
	/* It need not poll as much again. */
	wr(DR, '>');
	type("q");
	EQ(rd(DR), 'q');
	finish();
}

TEST(uart_takes_nothing_while_its_receiver_is_off)
{
	start();
	wr(CR, 0x101);
	wr(IMSC, RX | RT);
	offer("x");
	spin();
	OK(rd(FR) & RXFE);
	wr(CR, 0x301);
	SPIN_UNTIL(line);
	EQ(rd(DR), 'x');
	finish();
}

TEST(uart_trigger_levels_are_those_of_ifls)
{
	static const unsigned level[5] = { 2, 4, 8, 12, 14 };
	unsigned i, k;

	start();
	wr(LCR_H, FEN);
	wr(IMSC, RX | RT);
	for (i = 0; i < 5; i++) {
		wr(IFLS, i << 3);
		for (k = 1; k < level[i]; k++)
			offer("x");
		SPIN_UNTIL(is_taken());
		EQ(rd(RIS) & RX, 0);
		type("y");
		EQ(rd(RIS) & RX, RX);
		rd(DR);
		EQ(rd(RIS) & RX, 0);
		while (!(rd(FR) & RXFE))
			rd(DR);
	}
	finish();
}

enum { LBE = 0x80, RXE = 0x200, OE = 0x400, BE = 0x200 };

TEST(uart_in_loopback_receives_what_it_sends_and_nothing_else)
{
	unsigned i;

	start();
	wr(LCR_H, FEN);
	wr(CR, LBE | RXE | 0x100);
	wr(IMSC, RX | RT);
	offer("x");
	for (i = 0; i < 16; i++)
		wr(DR, 'a' + i);
	OK(line);
	OK(rd(FR) & RXFF);
	for (i = 0; i < 16; i++)
		EQ(rd(DR), 'a' + i);
	OK(rd(FR) & RXFE);
	/* With the receiver off it goes nowhere. */
	wr(CR, LBE | 0x100);
	wr(DR, 'z');
	OK(rd(FR) & RXFE);
	EQ(recv(peer, &i, 1, 0), -1);
	/* Out of it, what waited comes in. */
	wr(CR, RXE | 0x100);
	SPIN_UNTIL(is_taken());
	SPIN_UNTIL(!(rd(FR) & RXFE));
	EQ(rd(DR), 'x');
	finish();
}

TEST(uart_in_loopback_has_its_outputs_for_the_modems_lines)
{
	static const struct {
		unsigned cr, fr, ris;
	} lines[] = { { 0x400, 0x02, 8 },     /* DTR: DSR */
		      { 0x800, 0x01, 2 },     /* RTS: CTS */
		      { 0x1000, 0x04, 4 },    /* OUT1: DCD */
		      { 0x2000, 0x100, 1 } }; /* OUT2: RI */
	unsigned i;

	start();
	EQ(rd(FR) & 0x107, 7);
	wr(CR, LBE);
	EQ(rd(FR) & 0x107, 0);
	EQ(rd(RIS) & 0xf, 0xe);
	for (i = 0; i < 4; i++) {
		wr(ICR, 0xf);
		wr(CR, LBE | lines[i].cr);
		EQ(rd(FR) & 0x107, lines[i].fr);
		EQ(rd(RIS) & 0xf, lines[i].ris);
		wr(CR, LBE);
	}
	finish();
}

TEST(uart_says_that_a_character_was_lost_and_before_which)
{
	start();
	wr(CR, LBE | RXE);
	wr(DR, 'a');
	wr(DR, 'b');
	wr(DR, 'c');
	OK(rd(RIS) & OE);
	EQ(rd(RSR), 8);
	EQ(rd(DR), 'a');
	EQ(rd(RSR), 8);
	wr(DR, 'd');
	EQ(rd(DR), 0x800 | 'd');
	wr(RSR, 0);
	EQ(rd(RSR), 0);
	wr(DR, 'e');
	EQ(rd(DR), 'e');
	EQ(rd(RSR), 0);
	finish();
}

TEST(uart_in_loopback_receives_a_break_of_its_own)
{
	start();
	wr(LCR_H, 1);
	EQ(rd(RIS) & BE, 0);
	wr(LCR_H, 0);
	wr(CR, LBE | RXE);
	wr(LCR_H, 1);
	wr(LCR_H, 1);
	EQ(rd(RIS) & BE, BE);
	EQ(rd(DR), 0x400);
	EQ(rd(RSR), 4);
	OK(rd(FR) & RXFE);
	finish();
}

TEST(uart_interrupts_are_cleared_by_icr)
{
	start();
	wr(LCR_H, FEN);
	wr(IMSC, RX | RT);
	type("a");
	OK(line);
	wr(ICR, RT);
	OK(!line);
	type("b");
	OK(line);
	EQ(rd(DR), 'a');
	EQ(rd(DR), 'b');
	OK(!line);
	finish();
}

TEST(uart_accesses_of_odd_widths_and_places_do_nothing)
{
	start();
	dev->ops->write(dev, DR + 1, 1, 'x');
	dev->ops->write(dev, DR, 8, 'x');
	dev->ops->write(dev, 0xffc, 4, 'x');
	dev->ops->write(dev, 0x80, 4, 'x');
	spin();
	STR_EQ(seen(), "");
	EQ(dev->ops->read(dev, FR, 8), 0);
	EQ(dev->ops->read(dev, FR + 1, 1), 0);
	dev->ops->write(dev, DR, 1, '1');
	dev->ops->write(dev, DR, 2, '2');
	dev->ops->write(dev, DR, 4, '\n');
	STR_EQ(seen(), "12\n");
	EQ(dev->ops->read(dev, CR, 1), 0);
	EQ(dev->ops->read(dev, CR, 2), 0x300);
	finish();
}

TEST(uart_takes_and_sends_nothing_while_the_guest_is_paused)
{
	unsigned sent, got = 0;

	start();
	wr(LCR_H, FEN);
	sent = fill_fifo();
	OK(rd(FR) & RXFE);
	wr(IMSC, RX | RT | TX);
	dev->ops->quiesce(dev, NULL);
	offer("typed");
	SPIN_UNTIL((got += strlen(seen())) >= sent - 16);
	spin();
	STR_EQ(seen(), "");
	EQ(rd(FR) & (RXFE | TXFF), RXFE | TXFF);
	EQ(edges, 0);
	dev->ops->resume(dev);
	OK(line);
	SPIN_UNTIL((got += strlen(seen())) >= sent);
	SPIN_UNTIL(is_taken());
	EQ(rd(DR), 't');
	finish();
}

TEST(uart_that_starts_up_in_a_pause_has_its_time_afterwards)
{
	uint64_t from;

	start();
	wr(LCR_H, FEN);
	wr(IMSC, RX);
	offer("typed");
	dev->ops->quiesce(dev, NULL);
	spin_for(500);
	OK(!is_taken());
	from = mono_ns();
	dev->ops->resume(dev);
	SPIN_UNTIL(is_taken());
	OK(mono_ns() - from >= 250 * NSEC_PER_MSEC);
	EQ(rd(DR), 't');
	finish();
}

TEST(uart_reset_drops_its_fifos_and_its_interrupt)
{
	start();
	wr(LCR_H, FEN);
	wr(IMSC, RX | RT);
	type("abc");
	OK(line);
	dev->ops->reset(dev);
	OK(!line);
	OK(rd(FR) & RXFE);
	finish();
}
