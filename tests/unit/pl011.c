/* SPDX-License-Identifier: MIT */
#include "tests/unit/pl011_rig.h"

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
