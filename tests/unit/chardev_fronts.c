/* SPDX-License-Identifier: MIT */
/* A terminal with two consoles of a guest: which of them gets what is typed. */
#include "tests/unit/console.h"

/* A console of the guest, as the chardev knows it. */
struct front {
	bool is_read;
	size_t len;
	char got[64];
};

static struct chardev *c;
static struct front serial, virtio;

static bool is_read(void *ctx)
{
	return ((struct front *)ctx)->is_read;
}

static size_t room(void *ctx)
{
	return sizeof(serial.got) - 1 - ((struct front *)ctx)->len;
}

static void input(void *ctx, const void *buf, size_t len)
{
	struct front *f = ctx;

	memcpy(f->got + f->len, buf, len);
	f->len += len;
}

static void attach(struct front *f, enum front_trust trust)
{
	const struct chardev_front front = { .is_read = is_read,
					     .trust = trust,
					     .room = room,
					     .input = input,
					     .ctx = f };

	EQ(chardev_attach(c, &front), 0);
}

static void start(enum front_trust of_virtio)
{
	serial = virtio = (struct front){ .is_read = false };
	c = open_ok("null");
	attach(&serial, FRONT_SURE);
	attach(&virtio, of_virtio);
}

static void end(void)
{
	finish(c, NULL);
}

static void say(struct front *f, const char *text)
{
	EQ(chardev_write(c, f, text, strlen(text)), strlen(text));
}

/* As devices do that have a byte at a time, or some. */
static void say_in_pieces(struct front *f, const char *text, size_t n)
{
	for (; strlen(text) > n; text += n)
		EQ(chardev_write(c, f, text, n), n);
	say(f, text);
}

/* Who gets what is typed now; NULL: nobody. */
static struct front *type(const char *keys)
{
	size_t took;

	serial.len = virtio.len = 0;
	memset(serial.got, 0, sizeof(serial.got));
	memset(virtio.got, 0, sizeof(virtio.got));
	took = chardev_inject(c, keys, strlen(keys));
	EQ(took, serial.len + virtio.len);
	if (!took)
		return NULL;
	EQ(took, strlen(keys));
	STR_EQ(serial.len ? serial.got : virtio.got, keys);
	return serial.len ? &serial : &virtio;
}

TEST(input_waits_until_a_console_is_read_and_goes_there)
{
	start(FRONT_GUESS);
	EQ(type("x"), NULL);
	serial.is_read = true;
	EQ(type("x"), &serial);
	serial.is_read = false;
	EQ(type("x"), NULL);
	virtio.is_read = true;
	EQ(type("x"), &virtio);
	end();
}

TEST(a_single_console_gets_input_read_or_not)
{
	virtio = (struct front){ .is_read = false };
	c = open_ok("null");
	attach(&virtio, FRONT_SECOND);
	EQ(type("x"), &virtio);
	end();
}

TEST(of_two_that_are_read_at_once_the_last_gets_input)
{
	start(FRONT_SURE);
	serial.is_read = virtio.is_read = true;
	EQ(type("x"), &virtio);
	end();
}

/* Firmware and a boot loader on the one, a kernel and its shell on the other. */
TEST(input_follows_a_guest_that_changes_its_console)
{
	start(FRONT_GUESS);
	serial.is_read = true;
	say(&serial, "\033[2J\033[01;01HGNU GRUB\r\n*Debian");
	EQ(type("\r"), &serial);
	serial.is_read = false;
	say(&virtio, "[    0.0] Booting\n");
	virtio.is_read = true;
	EQ(type("a"), &virtio);
	say(&virtio, "# ");
	EQ(type("reboot\r"), &virtio);
	virtio.is_read = false;
	serial.is_read = true;
	EQ(type("\r"), &serial);
	end();
}

TEST(input_goes_where_the_last_prompt_is)
{
	start(FRONT_GUESS);
	serial.is_read = virtio.is_read = true;
	say_in_pieces(&serial, "login: ", 1);
	EQ(type("root"), &serial);
	say_in_pieces(&serial, "root\r\n\033[?2004l\r", 1);
	/* Its shell starts another over there, and waits for it. */
	say(&virtio, "\033]0;title\007\033[32m# ");
	EQ(type("id"), &virtio);
	say(&virtio, "id\r\nuid=0\r\n# ");
	EQ(type("exit\r"), &virtio);
	say(&virtio, "exit\r\n");
	EQ(type("x"), &virtio);
	say(&serial, "# ");
	EQ(type("x"), &serial);
	end();
}

TEST(a_line_that_is_being_typed_is_not_torn_apart)
{
	start(FRONT_GUESS);
	serial.is_read = virtio.is_read = true;
	say(&serial, "login: ");
	say(&virtio, "login: ");
	EQ(type("ro"), &virtio);
	say(&virtio, "ro");
	say(&serial, "\r\nlogin: ");
	EQ(type("ot"), &virtio);
	/* Nor if it is not shown. */
	say(&virtio, "ot\r\nPassword: ");
	EQ(type("sec"), &virtio);
	say(&serial, "login: ");
	EQ(type("ret"), &virtio);
	/* What does not ask keeps input too, if nobody else asks since. */
	say(&virtio, "\r\n# ");
	EQ(type("cat\r"), &virtio);
	say(&virtio, "cat\r\n");
	EQ(type("text\r"), &virtio);
	end();
}

TEST(what_one_console_does_not_take_goes_to_the_next_prompt)
{
	static const char much[] = "0123456789012345678901234567890123456789"
				   "0123456789012345678901234567890123456789";
	int peer;

	serial = virtio = (struct front){ .is_read = true };
	c = open_pipe(0, &peer);
	attach(&serial, FRONT_SURE);
	attach(&virtio, FRONT_GUESS);
	put_str(peer, much);
	SPIN_UNTIL(serial.len == sizeof(serial.got) - 1);
	OK(is_idle());
	EQ(virtio.len, 0);
	say(&virtio, "# ");
	SPIN_STR(virtio.got, much + sizeof(serial.got) - 1);
	close(peer);
	end();
}

TEST(what_a_kernel_says_is_no_prompt)
{
	start(FRONT_GUESS);
	serial.is_read = virtio.is_read = true;
	say(&virtio, "# ");
	say_in_pieces(&serial, "[    1.0] one\r\n[    1.1] two\r\n", 1);
	EQ(type("x"), &virtio);
	say(&virtio, "x\r\n");
	say_in_pieces(&serial, "[    1.2] three\r\n", 16);
	EQ(type("x"), &virtio);
	/* Nor what has no letter in it. */
	say(&serial, "\033[m \r \t");
	EQ(type("x"), &virtio);
	/* It leaves the prompt where it was. */
	say(&virtio, "# ");
	say_in_pieces(&virtio, "\r\n[    1.3] four\r\n", 16);
	EQ(type("x"), &virtio);
	end();
}

TEST(who_opens_a_console_that_says_so_is_typed_at_without_a_prompt)
{
	start(FRONT_GUESS);
	virtio.is_read = true;
	say(&virtio, "[    0.0] Booting\n");
	EQ(type("x"), &virtio);
	serial.is_read = true;
	EQ(type("x"), &serial);
	end();
}

TEST(what_may_be_read_takes_input_from_nobody_without_a_prompt)
{
	start(FRONT_GUESS);
	serial.is_read = true;
	EQ(type("x"), &serial);
	say(&virtio, "a service says something\n");
	virtio.is_read = true;
	EQ(type("x"), &serial);
	say(&virtio, "login: ");
	EQ(type("x"), &virtio);
	end();
}

TEST(where_a_kernel_talks_but_has_not_its_console_input_waits_for_that)
{
	start(FRONT_SECOND);
	virtio.is_read = true;
	say(&virtio, "[    0.0] Booting\n");
	EQ(type("early"), NULL);
	serial.is_read = true;
	EQ(type("early"), &serial);
	say(&virtio, "login: ");
	EQ(type("x"), &virtio);
	end();
}

TEST(fronts_are_four_at_the_most)
{
	const struct chardev_front front = { .room = room, .ctx = &serial };
	unsigned i;

	c = open_ok("null");
	for (i = 0; i < 4; i++)
		EQ(chardev_attach(c, &front), 0);
	EQ(chardev_attach(c, &front), -ENOSPC);
	end();
}
