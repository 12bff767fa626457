/* SPDX-License-Identifier: MIT */
#include "run/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "core/loop.h"
#include "tests/unit/test.h"

/* A relay, the guest's end of its channel, and ends of its three streams. */
static struct loop *loop;
static struct relay *relay;
static int guest, in, out[2];
static int how, number, turns;
static char text[300], notice[300], broken[300];
static bool started;

static void on_started(void *ctx)
{
	(void)ctx;
	started = true;
}

static void on_notice(void *ctx, const char *t)
{
	(void)ctx;
	strcpy(notice, t);
}

static void on_ended(void *ctx, enum frame_end h, unsigned n, const char *t)
{
	(void)ctx;
	EQ(how, 0);
	how = h;
	number = n;
	strcpy(text, t);
}

static void on_broken(void *ctx, const char *why)
{
	(void)ctx;
	strcpy(broken, why);
}

static void begin(void)
{
	static const struct relay_host host = { on_started, on_notice, on_ended,
						on_broken, NULL };
	int fds[3], p[2], i;

	loop = loop_new();
	EQ(pipe(p), 0);
	fds[0] = p[0];
	in = p[1];
	for (i = 0; i < 2; i++) {
		EQ(pipe2(p, O_NONBLOCK), 0);
		out[i] = p[0];
		fds[1 + i] = p[1];
	}
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	guest = p[0];
	EQ(fcntl(guest, F_SETFL, O_NONBLOCK), 0);
	relay = relay_new(loop, p[1], fds, &host);
	OK(relay);
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

static void end(void)
{
	relay_free(relay);
	loop_free(loop);
	close(guest);
	close(out[0]);
	close(out[1]);
}

static void turn(struct io *io, uint32_t events)
{
	(void)events;
	if (--turns == 0) {
		loop_del(io);
		loop_stop(loop);
	}
}

/* Whatever is ready has its turns, between those of what is always ready. */
static void run(void)
{
	struct io io = { .fd = eventfd(1, 0), .fn = turn };

	turns = 40;
	EQ(loop_add(loop, &io, EPOLLIN), 0);
	EQ(loop_run(loop), 0);
	close(io.fd);
}

static void say(enum frame_type type, const void *data, size_t len)
{
	uint8_t header[FRAME_HEADER];

	frame_header(header, type, len);
	EQ(write(guest, header, sizeof(header)), (ssize_t)sizeof(header));
	EQ(write(guest, data, len), (ssize_t)len);
	run();
}

#define SAY(type, s) say(type, s, sizeof(s) - 1)

/* The next frame for the guest; false if there is none. */
static bool hear(struct frame *f)
{
	static uint8_t buf[FRAME_HEADER + FRAME_MAX];
	uint32_t word;

	run();
	if (read(guest, buf, FRAME_HEADER) != (ssize_t)FRAME_HEADER)
		return false;
	memcpy(&word, buf, sizeof(word));
	f->type = word >> 24;
	f->len = word & 0xffffff;
	f->data = buf + FRAME_HEADER;
	OK(f->len <= FRAME_MAX);
	EQ(read(guest, buf + FRAME_HEADER, f->len), (ssize_t)f->len);
	return true;
}

static size_t drain(int fd)
{
	static char buf[1 << 17];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		all += n;
	return all;
}

TEST(output_goes_to_its_own_descriptor_and_then_the_end_is_told)
{
	char buf[16] = "";

	begin();
	say(FRAME_STARTED, NULL, 0);
	OK(started);
	SAY(FRAME_DATA, "\1out");
	SAY(FRAME_DATA, "\2err");
	SAY(FRAME_END, "e\52name");
	EQ(read(out[0], buf, sizeof(buf)), 3);
	MEM_EQ(buf, "out", 3);
	EQ(read(out[1], buf, sizeof(buf)), 3);
	MEM_EQ(buf, "err", 3);
	EQ(how, 'e');
	EQ(number, 42);
	STR_EQ(text, "name");
	end();
}

TEST(a_reader_that_stalls_holds_a_window_and_no_other_stream)
{
	static uint8_t piece[FRAME_MAX] = { 1 };
	struct frame f;
	size_t total = 0, credit = 0;
	int i;

	begin();
	say(FRAME_STARTED, NULL, 0);
	EQ(fcntl(out[0], F_SETPIPE_SZ, 4096), 4096);
	for (i = 0; i < 4; i++) {
		say(FRAME_DATA, piece, sizeof(piece));
		total += sizeof(piece) - 1;
	}
	OK(!hear(&f));
	SAY(FRAME_DATA, "\2err");
	EQ(drain(out[1]), 3);
	SAY(FRAME_END, "e\0");
	EQ(how, 0); /* not before all is out */
	for (i = 0; i < 100 && !how; i++) {
		credit += drain(out[0]);
		run();
	}
	credit += drain(out[0]);
	EQ(how, 'e');
	EQ(credit, total);
	end();
}

TEST(credit_is_given_as_output_goes_on)
{
	static uint8_t piece[FRAME_MAX] = { 1 };
	struct frame f;
	uint32_t more;

	begin();
	say(FRAME_STARTED, NULL, 0);
	say(FRAME_DATA, piece, sizeof(piece));
	OK(hear(&f));
	EQ(f.type, FRAME_CREDIT);
	EQ(f.data[0], 1);
	memcpy(&more, f.data + 1, sizeof(more));
	EQ(more, sizeof(piece) - 1);
	end();
}

TEST(input_stops_at_the_window_and_goes_on_with_credit)
{
	static char buf[3 * FRAME_WINDOW];
	uint32_t more = FRAME_WINDOW;
	uint8_t credit[5] = { 0 };
	struct frame f;
	size_t got = 0;

	begin();
	EQ(fcntl(in, F_SETPIPE_SZ, 1 << 18), 1 << 18);
	EQ(write(in, buf, sizeof(buf)), (ssize_t)sizeof(buf));
	close(in);
	OK(!hear(&f)); /* before the program runs nobody's input is taken */
	say(FRAME_STARTED, NULL, 0);
	while (hear(&f)) {
		EQ(f.type, FRAME_DATA);
		EQ(f.data[0], 0);
		got += f.len - 1;
	}
	EQ(got, FRAME_WINDOW);
	memcpy(credit + 1, &more, sizeof(more));
	for (; got < sizeof(buf);) {
		say(FRAME_CREDIT, credit, sizeof(credit));
		while (hear(&f) && f.type == FRAME_DATA)
			got += f.len - 1;
	}
	say(FRAME_CREDIT, credit, sizeof(credit));
	OK(hear(&f));
	EQ(f.type, FRAME_CLOSE);
	EQ(f.len, 1);
	EQ(f.data[0], 0);
	end();
}

TEST(a_signal_is_sent_once_the_program_runs)
{
	struct frame f;

	begin();
	relay_signal(relay, 15);
	relay_signal(relay, 15);
	OK(!hear(&f));
	say(FRAME_STARTED, NULL, 0);
	OK(hear(&f));
	EQ(f.type, FRAME_SIGNAL);
	EQ(f.data[0], 15);
	OK(!hear(&f));
	end();
}

TEST(a_reader_that_goes_away_is_told_to_the_program)
{
	struct frame f;

	begin();
	signal(SIGPIPE, SIG_IGN);
	say(FRAME_STARTED, NULL, 0);
	close(out[0]);
	SAY(FRAME_DATA, "\1more");
	OK(hear(&f));
	EQ(f.type, FRAME_CLOSE);
	EQ(f.data[0], 1);
	SAY(FRAME_DATA, "\1and more");
	SAY(FRAME_END, "s\15");
	EQ(how, 's');
	EQ(number, 13);
	end();
}

TEST(what_a_guest_says_of_itself_has_no_terminal_codes)
{
	begin();
	SAY(FRAME_NOTICE, "out of \33[2Jmemory\n");
	STR_EQ(notice, "out of ?[2Jmemory?");
	end();
}

/* Each as the only thing that the guest says. */
TEST(a_guest_that_breaks_the_protocol_is_told_of_and_nothing_else)
{
	static const struct {
		enum frame_type type;
		const char *data;
		size_t len;
	} bad[] = {
		{ FRAME_DATA, "", 0 },
		{ FRAME_DATA, "\0x", 2 },
		{ FRAME_DATA, "\3x", 2 },
		{ FRAME_CREDIT, "\0\1\0\0\0", 5 },
		{ FRAME_CREDIT, "\1\0\0\0\0", 5 },
		{ FRAME_CREDIT, "\0", 1 },
		{ FRAME_CLOSE, "\3", 1 },
		{ FRAME_CLOSE, "", 0 },
		{ FRAME_END, "e", 1 },
		{ FRAME_END, "\0\0", 2 },
		{ FRAME_END, "q\0", 2 },
		{ FRAME_END, "s\0", 2 },
		{ FRAME_END, "s\101", 2 }, /* 65 */
		{ FRAME_END, "s\377", 2 },
		{ FRAME_SIGNAL, "\11", 1 },
		{ 0, "", 0 },
	};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		begin();
		broken[0] = '\0';
		say(bad[i].type, bad[i].data, bad[i].len);
		HAS(broken, "broke the channel's protocol");
		EQ(how, 0);
		end();
	}
}

TEST(more_output_than_was_agreed_is_a_breach)
{
	static uint8_t piece[FRAME_MAX] = { 1 };
	int i;

	begin();
	EQ(fcntl(out[0], F_SETPIPE_SZ, 4096), 4096);
	for (i = 0; i < 5; i++)
		say(FRAME_DATA, piece, sizeof(piece));
	OK(!broken[0] || i == 5);
	for (i = 0; i < 50 && !broken[0]; i++) {
		drain(out[0]);
		run();
	}
	HAS(broken, "broke the channel's protocol");
	end();
}

TEST(a_channel_that_closes_is_no_end)
{
	begin();
	say(FRAME_STARTED, NULL, 0);
	close(guest);
	run();
	HAS(broken, "closed");
	EQ(how, 0);
	OK(!relay_drain(relay));
	end();
}

static int count(void *ctx, const struct frame *f)
{
	(void)f;
	++*(int *)ctx;
	return 0;
}

TEST(frames_are_found_however_the_stream_is_cut)
{
	uint8_t stream[3 * (FRAME_HEADER + 5)];
	struct frame_reader r;
	size_t cut, at;
	int n, i;

	memset(stream, 0, sizeof(stream));
	for (i = 0; i < 3; i++)
		frame_header(stream + i * (FRAME_HEADER + 5), 'x', 5);
	for (cut = 1; cut <= sizeof(stream); cut++) {
		memset(&r, 0, sizeof(r));
		n = 0;
		for (at = 0; at < sizeof(stream); at += cut)
			EQ(frame_feed(&r, stream + at,
				      cut < sizeof(stream) - at
					      ? cut
					      : sizeof(stream) - at,
				      count, &n),
			   0);
		EQ(n, 3);
	}
}

TEST(a_frame_that_is_too_long_is_refused)
{
	struct frame_reader r = { 0 };
	uint8_t header[FRAME_HEADER];
	int n = 0;

	frame_header(header, 'x', FRAME_MAX + 1);
	EQ(frame_feed(&r, header, sizeof(header), count, &n), -EPROTO);
	EQ(n, 0);
}
