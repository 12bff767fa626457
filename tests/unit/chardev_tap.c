/* SPDX-License-Identifier: MIT */
/* Those who look on at a chardev's output, and put input in. */
#include "tests/unit/console.h"

static int peer;

struct tapped {
	char buf[100000];
	size_t len;
	unsigned rooms;
};

static void tap_output(void *ctx, const void *front, const void *buf,
		       size_t len)
{
	struct tapped *t = ctx;

	(void)front;
	memcpy(t->buf + t->len, buf, len);
	t->len += len;
}

static void tap_room(void *ctx)
{
	((struct tapped *)ctx)->rooms++;
}

static struct tapped *tap_new(struct chardev *c)
{
	struct tapped *t = calloc(1, sizeof(*t));
	struct chardev_tap tap = {
		.output = tap_output,
		.room = tap_room,
		.ctx = t,
	};

	EQ(chardev_tap(c, &tap), 0);
	return t;
}

TEST(a_tap_sees_all_output_also_what_nobody_takes)
{
	struct chardev *c = open_ok("null");
	struct tapped *a = tap_new(c), *b = tap_new(c);

	chardev_write(c, NULL, "one\n", 4);
	chardev_write(c, NULL, "2", 1);
	STR_EQ(a->buf, "one\n2");
	STR_EQ(b->buf, "one\n2");
	free(a);
	free(b);
	finish(c, NULL);
}

TEST(a_tap_sees_no_more_than_was_taken)
{
	struct chardev *c = open_pipe(1, &peer);
	struct tapped *t = tap_new(c);
	static char text[1000];
	size_t n, put = 0;

	memset(text, 'x', sizeof(text));
	do {
		n = chardev_write(c, NULL, text, sizeof(text));
		put += n;
	} while (n == sizeof(text));
	EQ(t->len, put);
	free(t);
	finish(c, NULL);
}

TEST(what_is_injected_waits_for_room_and_a_break_does_not)
{
	struct chardev *c = open_ok("null");
	struct tapped *t = tap_new(c);
	struct sink *s = sink_new(c, 3);

	OK(chardev_is_fed(c));
	EQ(chardev_inject(c, "abcdef", 6), 3);
	OK(is_idle());
	t->rooms = 0;
	s->cap = 10;
	chardev_room(c);
	SPIN_UNTIL(t->rooms);
	EQ(chardev_inject(c, "def", 3), 3);
	STR_EQ(s->buf, "abcdef");
	chardev_break(c);
	EQ(s->breaks, 1);
	free(t);
	finish(c, s);
}

struct twin {
	unsigned n;
	uint8_t first[64];
	bool same;
};

static struct twin twin;
static char *shared;

/* As a guest does that changes what it has given while it is looked at. */
static void tap_and_change(void *ctx, const void *front, const void *buf,
			   size_t len)
{
	(void)front;
	(void)ctx;
	memset(shared, 'x', 64);
	if (twin.n++ == 0)
		memcpy(twin.first, buf, len);
	else
		twin.same = !memcmp(twin.first, buf, len);
}

TEST(all_who_look_at_output_see_the_same)
{
	const struct chardev_tap tap = { .output = tap_and_change };
	struct chardev *c = open_ok("null");
	char text[64] = "what a guest says";

	shared = text;
	twin.n = 0;
	EQ(chardev_tap(c, &tap), 0);
	EQ(chardev_tap(c, &tap), 0);
	EQ(chardev_write(c, NULL, text, 17), 17);
	EQ(twin.n, 2);
	OK(twin.same);
	MEM_EQ(twin.first, "what a guest says", 17);
	finish(c, NULL);
}
