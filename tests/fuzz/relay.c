/* SPDX-License-Identifier: MIT */
/*
 * A guest that runs a command, against the host's side of its channel. The
 * input is a list of operations: frames of which most are what a guest would
 * send, and bytes of any kind; readers of its output that come and go.
 */
#include "run/relay.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop.h"

#define TURNS 12

struct world {
	struct loop *loop;
	struct relay *relay;
	int guest, in, out[2];
	int turns;
	unsigned ends; /* told, or broken: at most one */
};

static struct world *world;

static void on_started(void *ctx)
{
	(void)ctx;
}

static void on_notice(void *ctx, const char *text)
{
	(void)ctx;
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void on_ended(void *ctx, enum frame_end how, unsigned number,
		     const char *text)
{
	(void)ctx;
	assert(strchr("esxf", how) && number < 256);
	on_notice(NULL, text);
	assert(++world->ends == 1);
}

static void on_broken(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
	assert(++world->ends == 1);
}

static void turn(struct io *io, uint32_t events)
{
	(void)events;
	if (--world->turns == 0) {
		loop_del(io);
		loop_stop(world->loop);
	}
}

static void run(void)
{
	struct io io = { .fd = eventfd(1, 0), .fn = turn };

	world->turns = TURNS;
	if (loop_add(world->loop, &io, EPOLLIN) == 0)
		loop_run(world->loop);
	close(io.fd);
}

static void drain(int fd)
{
	static char buf[1 << 16];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void say(const void *buf, size_t len)
{
	if (write(world->guest, buf, len) < 0) {
		/* The relay does not take more just now. */
	}
}

/* One operation; how many bytes of the input it took. */
static size_t step(const uint8_t *p, size_t len)
{
	static const char types[] = { 'd', 'd', 'd', 'c', 'w', 'r', 'n', 'e' };
	static uint8_t frame[FRAME_HEADER + FRAME_MAX];
	const size_t n = len < 3 ? 0 : p[1] % (len - 1);
	size_t size = n;

	switch (p[0] >> 5) {
	case 0:
		say(p + 2, n);
		break;
	case 1:
		drain(world->out[p[0] & 1]);
		break;
	case 2:
		if (write(world->in, p + 2, n) < 0) {
			/* Full. */
		}
		break;
	case 3:
		relay_signal(world->relay, p[0] & 31);
		break;
	case 4:
		drain(world->guest);
		break;
	default:
		/* A long one, of which the rest is zeroes. */
		if (p[0] & 16)
			size = n + (p[0] & 8 ? FRAME_MAX - 255 : 1000);
		memset(frame, 0, sizeof(frame));
		frame_header(frame, types[p[0] & 7], size);
		memcpy(frame + FRAME_HEADER, p + 2, n);
		say(frame, FRAME_HEADER + size);
	}
	run();
	return 2 + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct relay_host host = { on_started, on_notice, on_ended,
						on_broken, NULL };
	struct world w = { .loop = loop_new() };
	int fds[3], p[2], i;
	size_t at;

	signal(SIGPIPE, SIG_IGN);
	world = &w;
	for (i = 0; i < 3; i++) {
		if (pipe2(p, O_NONBLOCK | O_CLOEXEC) < 0)
			abort();
		fds[i] = p[i > 0];
		*(i ? &w.out[i - 1] : &w.in) = p[i == 0];
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) < 0)
		abort();
	w.guest = p[0];
	w.relay = relay_new(w.loop, p[1], fds, &host);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	for (at = 0; at + 1 < size; at += step(data + at, size - at))
		;
	close(w.guest);
	for (i = 0; i < 20 && !w.ends; i++) {
		run();
		drain(w.out[0]);
		drain(w.out[1]);
	}
	relay_drain(w.relay);
	assert(w.ends == 1);
	relay_free(w.relay);
	loop_free(w.loop);
	close(w.in);
	close(w.out[0]);
	close(w.out[1]);
	return 0;
}
