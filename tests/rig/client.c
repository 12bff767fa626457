/* SPDX-License-Identifier: MIT */
/*
 * client - runs one command in an emulated host, as if it ran here
 *
 *	client [-n] [-t] DIR CMD [ARG...]
 *
 * DIR holds the sockets p0, p1, ... of the host's serial ports; the client takes
 * one that is free, by a lock that dies with it. Standard input (but for -n),
 * output and error, signals, and the exit status are the command's. With -t it
 * gets a terminal. 255: the host is gone. See wire.h for the protocol.
 *
 * Never leaves the terminal raw, and never outlives its command.
 */
#define _GNU_SOURCE
#include "wire.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum { GONE = 255 };

static struct termios cooked;
static struct wire_buf tx, rx;

static void cook(void)
{
	tcsetattr(0, TCSANOW, &cooked);
}

static void raw(void)
{
	struct termios t;

	if (tcgetattr(0, &cooked) < 0)
		return;
	atexit(cook);
	t = cooked;
	cfmakeraw(&t);
	tcsetattr(0, TCSANOW, &t);
}

static bool port_lock(int i, int flags)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "p%d.lock", i);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		err(GONE, "the host is not up");
	if (!flock(fd, LOCK_EX | flags))
		return true;
	close(fd);
	return false;
}

static int port_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int i = 0, fd;

	while (i < WIRE_PORTS && !port_lock(i, LOCK_NB))
		i++;
	if (i == WIRE_PORTS)
		port_lock(i = getpid() % WIRE_PORTS, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "p%d", i);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		errx(GONE, "the host is not up");
	return fd;
}

static _Noreturn void host_died(void)
{
	char tail[2048];
	ssize_t n = 0;
	int fd = open("console.log", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (lseek(fd, -(off_t)sizeof(tail), SEEK_END) < 0)
			lseek(fd, 0, SEEK_SET);
		n = read(fd, tail, sizeof(tail));
	}
	warnx("the host died; its console ended with:");
	fprintf(stderr, "%.*s\n", n > 0 ? (int)n : 0, tail);
	exit(GONE);
}

/* @what names the other side in an error; NULL is the host. */
static void write_all(int fd, const uint8_t *p, size_t n, const char *what)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd f = { fd, POLLOUT, 0 };

			poll(&f, 1, -1);
			continue;
		}
		if (done < 0 && !what)
			host_died();
		if (done < 0)
			err(GONE, "%s", what);
		p += done;
		n -= done;
	}
}

static void send_tx(int fd)
{
	write_all(fd, tx.p + tx.off, tx.len, NULL);
	wire_drop(&tx, tx.len);
}

static void recv_rx(int fd)
{
	ssize_t n = read(fd, wire_tail(&rx), wire_room(&rx));

	if (n <= 0)
		host_died();
	rx.len += n;
}

static void greet(int fd)
{
	uint8_t hello[WIRE_HELLO], *at;

	wire_hello(hello);
	if (getrandom(hello + WIRE_MAGIC, WIRE_NONCE, 0) != WIRE_NONCE)
		err(GONE, "getrandom");
	wire_put(&tx, hello, sizeof(hello));
	send_tx(fd);
	for (;;) {
		recv_rx(fd);
		at = memmem(rx.p, rx.len, hello, sizeof(hello));
		if (at)
			break;
		if (rx.len > sizeof(hello))
			wire_drop(&rx, rx.len - sizeof(hello));
	}
	wire_drop(&rx, at - rx.p + sizeof(hello));
}

static void ask(char **argv, bool pty)
{
	struct run run = { 0 };
	uint8_t msg[WIRE_CHUNK * 2];
	struct winsize w;
	size_t len = sizeof(run);

	if (pty) {
		if (ioctl(0, TIOCGWINSZ, &w) < 0 || !w.ws_row)
			w = (struct winsize){ .ws_row = 24, .ws_col = 80 };
		run.rows = w.ws_row;
		run.cols = w.ws_col;
	}
	memcpy(msg, &run, sizeof(run));
	for (; *argv; argv++) {
		size_t n = strlen(*argv) + 1;

		if (n > sizeof(msg) - len)
			errx(2, "the command is too long");
		memcpy(msg + len, *argv, n);
		len += n;
	}
	wire_frame(&tx, FRAME_RUN, msg, len);
}

static void forward_signal(int sfd)
{
	struct signalfd_siginfo si;
	struct winsize w;
	uint32_t sig;

	if (read(sfd, &si, sizeof(si)) != sizeof(si))
		return;
	sig = si.ssi_signo;
	if (sig != SIGWINCH) {
		wire_frame(&tx, FRAME_SIGNAL, &sig, sizeof(sig));
	} else if (!ioctl(0, TIOCGWINSZ, &w)) {
		uint16_t size[2] = { w.ws_row, w.ws_col };

		wire_frame(&tx, FRAME_WINSIZE, size, sizeof(size));
	}
}

/* Returns the bytes sent; 0 at the end of the file; -1: none this time. */
static ssize_t forward_input(size_t window)
{
	uint8_t data[WIRE_CHUNK];
	ssize_t n =
		read(0, data, window < sizeof(data) ? window : sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n < 0)
		n = 0;
	wire_frame(&tx, FRAME_STDIN, data, n);
	return n;
}

static void take_frame(const struct frame *f, const uint8_t *p, size_t *window)
{
	uint32_t v = 0;

	if (f->len == sizeof(v))
		memcpy(&v, p, sizeof(v));
	switch (f->type) {
	case FRAME_STDOUT:
		write_all(1, p, f->len, "standard output");
		break;
	case FRAME_STDERR:
		write_all(2, p, f->len, "standard error");
		break;
	case FRAME_ACK:
		*window += v;
		break;
	case FRAME_EXIT:
		exit(v);
	default:
		errx(GONE, "the host speaks nonsense");
	}
}

static void session(int fd, int sfd, bool input)
{
	size_t window = WIRE_WINDOW;
	struct frame h;
	const uint8_t *p;

	for (;;) {
		struct pollfd f[] = {
			{ fd, POLLIN, 0 },
			{ sfd, POLLIN, 0 },
			{ -1, POLLIN, 0 },
		};

		while ((p = wire_next(&rx, &h))) {
			take_frame(&h, p, &window);
			wire_drop(&rx, sizeof(h) + h.len);
		}
		send_tx(fd);
		f[2].fd = input && window ? 0 : -1;
		if (poll(f, 3, -1) < 0)
			err(GONE, "poll");
		if (f[1].revents)
			forward_signal(sfd);
		if (f[2].revents) {
			ssize_t n = forward_input(window);

			input = n != 0;
			window -= n > 0 ? n : 0;
		}
		if (f[0].revents)
			recv_rx(fd);
	}
}

int main(int argc, char **argv)
{
	bool pty = false, input = true;
	sigset_t mask;
	int c, fd, sfd;

	while ((c = getopt(argc, argv, "+nt")) != -1) {
		if (c == 't')
			pty = true;
		else if (c == 'n')
			input = false;
		else
			return 2;
	}
	if (argc - optind < 2)
		errx(2, "usage: client [-n] [-t] DIR CMD [ARG...]");
	if (chdir(argv[optind]) < 0)
		err(GONE, "the host is not up");
	fd = port_connect();
	greet(fd);
	ask(argv + optind + 1, pty);
	if (!input)
		wire_frame(&tx, FRAME_STDIN, NULL, 0);

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGWINCH);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sfd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (pty)
		raw();
	session(fd, sfd, input);
}
