/* SPDX-License-Identifier: MIT */
/* What the UART receives, and when. */
#include "tests/unit/pl011_rig.h"

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

static size_t others_room(void *ctx)
{
	(void)ctx;
	return 1;
}

static void others_input(void *ctx, const void *buf, size_t len)
{
	(void)buf;
	*(size_t *)ctx += len;
}

/* A second console of the guest, which might be read: how much it has got. */
static size_t *add_other(void)
{
	static size_t got;
	const struct chardev_front front = { .trust = FRONT_GUESS,
					     .room = others_room,
					     .input = others_input,
					     .ctx = &got };

	got = 0;
	EQ(chardev_attach(chr, &front), 0);
	return &got;
}

/* As firmware has, where the kernel behind it has no driver for the UART. */
TEST(uart_that_has_been_polled_long_ago_is_read_no_more)
{
	uint64_t polled;
	size_t *other;
	unsigned i;

	start();
	other = add_other();
	wr(LCR_H, FEN);
	for (i = 0; i < 16; i++)
		OK(rd(FR) & RXFE);
	type("x");
	EQ(rd(DR), 'x');
	polled = mono_ns();
	while (!*other) {
		type("x");
		/* Its FIFO is not to be full before. */
		spin_for(100);
	}
	OK(mono_ns() - polled >= NSEC_PER_SEC);
	/* It is again when it is polled again, or what has come is read. */
	EQ(rd(DR), 'x');
	*other = 0;
	type("x");
	EQ(*other, 0);
	finish();
}

TEST(uart_is_read_also_while_the_guest_is_paused)
{
	size_t *other;

	start();
	other = add_other();
	wr(IMSC, RX | RT);
	rd(FR);
	wr(IMSC, 0);
	rd(FR);
	wr(IMSC, RX | RT);
	dev->ops->quiesce(dev, NULL);
	offer("x");
	spin();
	OK(!is_taken());
	dev->ops->resume(dev);
	SPIN_UNTIL(is_taken());
	EQ(*other, 0);
	EQ(rd(DR), 'x');
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
