/* SPDX-License-Identifier: MIT */
/*
 * agent - process 1 of the emulated host: runs commands for client.c
 *
 *	agent LIFETIME		of the host, in seconds
 *
 * One child per virtio serial port serves it for ever, one session after the
 * other. Each command gets a control group, so that all it started can be
 * killed when its client goes away in the middle; what a command that ended by
 * itself left in the background stays. Process 1 only buries the dead and
 * switches the host off at the end of its lifetime.
 *
 * Never blocks on a port, a pipe or a terminal: every fd here is non-blocking and
 * poll() is the only place that waits. (A child with nobody at its port waits for
 * the SIGIO that the driver sends at a connection.)
 */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct port {
	int fd, index;
	unsigned sessions;
	struct wire_buf rx, tx, in; /* from, to the port; to the command */
	bool broken;		    /* the client is gone, or speaks nonsense */
	bool hello;		    /* rx starts with a hello */
	uint8_t magic[WIRE_MAGIC];
};

struct command {
	pid_t pid;
	int pidfd;
	int fd[3]; /* stdin, stdout, stderr; -1 closed */
	bool pty, eof;
	char cgroup[64];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

/* A hello in what has come means a new client, whatever the state. */
static void find_hello(struct port *p)
{
	uint8_t *at = memmem(p->rx.p + p->rx.off, p->rx.len, p->magic,
			     sizeof(p->magic));

	if (!at)
		return;
	wire_drop(&p->rx, at - (p->rx.p + p->rx.off));
	p->hello = true;
	p->broken = true;
}

/*
 * Nobody is connected, and that lasts.
 *
 * The driver learns of connections through another queue than of data: a new
 * client's first bytes can be here before the last one's end is, which then shows
 * for a moment as a hang-up in the new session.
 */
static bool port_gone(const struct port *p)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	struct pollfd f = { p->fd, 0, 0 };

	for (int i = 0; i < 20; i++) {
		poll(&f, 1, 0);
		if (!(f.revents & POLLHUP))
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

static void port_read(struct port *p)
{
	ssize_t n;

	if (!wire_room(&p->rx)) {
		p->broken = true; /* a client that ignores the window */
		return;
	}
	n = read(p->fd, wire_tail(&p->rx), wire_room(&p->rx));
	if (n > 0) {
		p->rx.len += n;
		find_hello(p);
	}
}

/* A port that nobody is connected to is readable, and has no bytes. */
static void port_event(struct port *p, int revents)
{
	if (revents & POLLHUP)
		p->broken = port_gone(p);
	else if (revents & POLLIN)
		port_read(p);
}

static void port_write(struct port *p)
{
	ssize_t n = write(p->fd, p->tx.p + p->tx.off,
			  p->tx.len < WIRE_CHUNK ? p->tx.len : WIRE_CHUNK);

	if (n > 0)
		wire_drop(&p->tx, n);
}

/* Returns when a client is there and its hello is answered. */
static void port_accept(struct port *p)
{
	struct timespec second = { .tv_sec = 1 };
	sigset_t sigio;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	p->tx.len = p->tx.off = 0;
	while (!p->hello || p->rx.len < WIRE_HELLO) {
		struct pollfd f = { .fd = p->fd, .events = POLLIN };

		if (!p->hello && p->rx.len > WIRE_MAGIC)
			wire_drop(&p->rx, p->rx.len - WIRE_MAGIC);
		poll(&f, 1, -1);
		if (f.revents & POLLHUP)
			sigtimedwait(&sigio, NULL, &second);
		else if (f.revents & POLLIN)
			port_read(p);
	}
	wire_put(&p->tx, p->rx.p + p->rx.off, WIRE_HELLO);
	wire_drop(&p->rx, WIRE_HELLO);
	p->hello = p->broken = false;
}

static void run_child(struct command *c, int fd[3], char **argv)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	write_file(c->cgroup, "cgroup.procs", "0");
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(fd[i], i);
	if (c->pty)
		ioctl(0, TIOCSCTTY, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int pty_open(struct command *c, const struct run *run, int child[3])
{
	struct winsize w = { .ws_row = run->rows, .ws_col = run->cols };
	int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), s;

	if (m < 0)
		return -errno;
	if (unlockpt(m) < 0 ||
	    (s = open(ptsname(m), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		close(m);
		return -errno;
	}
	ioctl(m, TIOCSWINSZ, &w);
	child[0] = child[1] = child[2] = s;
	c->fd[0] = m;
	c->fd[1] = fcntl(m, F_DUPFD_CLOEXEC, 3);
	return 0;
}

static int pipes_open(struct command *c, int child[3])
{
	for (int i = 0; i < 3; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC) < 0)
			return -errno;
		child[i] = fd[i != 0];
		c->fd[i] = fd[i == 0];
	}
	return 0;
}

static int command_start(struct command *c, struct port *p, const uint8_t *msg,
			 size_t len)
{
	int child[3] = { -1, -1, -1 }, err;
	char *argv[1024];
	struct run run;
	int argc = 0;

	if (len <= sizeof(run) || msg[len - 1])
		return -EPROTO;
	memcpy(&run, msg, sizeof(run));
	for (size_t i = sizeof(run); i < len && argc < 1023;
	     i += strlen((char *)msg + i) + 1)
		argv[argc++] = (char *)msg + i;
	argv[argc] = NULL;

	c->pty = run.rows != 0;
	err = c->pty ? pty_open(c, &run, child) : pipes_open(c, child);
	if (err)
		return err;
	snprintf(c->cgroup, sizeof(c->cgroup), "/sys/fs/cgroup/rig.%d.%u",
		 p->index, p->sessions++);
	mkdir(c->cgroup, 0755);
	c->pid = fork();
	if (!c->pid)
		run_child(c, child, argv);
	err = c->pid < 0 ? -errno : 0;
	close(child[0]);
	if (!c->pty) {
		close(child[1]);
		close(child[2]);
	}
	if (err)
		return err;
	c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
	for (int i = 0; i < 3; i++)
		if (c->fd[i] >= 0)
			fcntl(c->fd[i], F_SETFL, O_NONBLOCK);
	return 0;
}

static void command_frame(struct command *c, struct port *p,
			  const struct frame *f, const uint8_t *msg)
{
	struct winsize w = { 0 };
	uint32_t sig;

	if (f->type == FRAME_STDIN) {
		if (!f->len)
			c->eof = true;
		else if (f->len > wire_room(&p->in))
			p->broken = true;
		else
			wire_put(&p->in, msg, f->len);
	} else if (f->type == FRAME_SIGNAL && f->len == sizeof(sig)) {
		memcpy(&sig, msg, sizeof(sig));
		kill(-c->pid, sig);
	} else if (f->type == FRAME_WINSIZE && f->len == 4) {
		memcpy(&w.ws_row, msg, 2);
		memcpy(&w.ws_col, msg + 2, 2);
		ioctl(c->fd[1], TIOCSWINSZ, &w);
	} else {
		p->broken = true;
	}
}

static void command_feed(struct command *c, struct port *p)
{
	uint32_t ack = p->in.len;
	ssize_t n = 0;

	if (c->fd[0] >= 0 && p->in.len) {
		n = write(c->fd[0], p->in.p + p->in.off, p->in.len);
		if (n < 0 && errno != EAGAIN) /* it reads no more */
			close_fd(&c->fd[0]);
		else if (n > 0)
			wire_drop(&p->in, n);
	}
	if (c->fd[0] < 0)
		wire_drop(&p->in, p->in.len);
	ack -= p->in.len;
	if (ack)
		wire_frame(&p->tx, FRAME_ACK, &ack, sizeof(ack));
	if (c->eof && !p->in.len && !c->pty)
		close_fd(&c->fd[0]);
}

/* False: there is nothing more for now. */
static bool command_drain(struct command *c, struct port *p, int i)
{
	uint8_t data[WIRE_CHUNK];
	ssize_t n;

	if (c->fd[i] < 0 || p->tx.len > WIRE_WINDOW / 2)
		return false;
	n = read(c->fd[i], data, sizeof(data));
	if (n > 0)
		wire_frame(&p->tx, i == 1 ? FRAME_STDOUT : FRAME_STDERR, data,
			   n);
	else if (n == 0 || errno != EAGAIN)
		close_fd(&c->fd[i]);
	return n > 0;
}

/* Frames that came along with the last ones are not announced by poll(). */
static void command_frames(struct command *c, struct port *p)
{
	const uint8_t *msg;
	struct frame h;

	while (!p->broken && (msg = wire_next(&p->rx, &h))) {
		command_frame(c, p, &h, msg);
		wire_drop(&p->rx, sizeof(h) + h.len);
	}
	command_feed(c, p);
}

static void command_poll(struct command *c, struct port *p)
{
	bool room = p->tx.len <= WIRE_WINDOW / 2;
	struct pollfd f[] = {
		{ p->fd, POLLIN | (p->tx.len ? POLLOUT : 0), 0 },
		{ c->pidfd, POLLIN, 0 },
		{ p->in.len ? c->fd[0] : -1, POLLOUT, 0 },
		{ room ? c->fd[1] : -1, POLLIN, 0 },
		{ room ? c->fd[2] : -1, POLLIN, 0 },
	};

	poll(f, 5, -1);
	port_event(p, f[0].revents);
	if (f[3].revents)
		command_drain(c, p, 1);
	if (f[4].revents)
		command_drain(c, p, 2);
	if (f[0].revents & POLLOUT)
		port_write(p);
}

static bool command_ended(const struct command *c, int *status)
{
	return waitpid(c->pid, status, WNOHANG) == c->pid;
}

/* Everything that is in @p's way to its client goes out, or the client is gone. */
static void port_flush(struct port *p)
{
	while (p->tx.len && !p->broken) {
		struct pollfd f = { p->fd, POLLIN | POLLOUT, 0 };

		poll(&f, 1, -1);
		port_event(p, f.revents);
		if (!p->hello) /* input that came too late */
			wire_drop(&p->rx, p->rx.len);
		if (f.revents & POLLOUT)
			port_write(p);
	}
}

static void command_finish(struct command *c, struct port *p, int status)
{
	uint32_t code = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
					    : WEXITSTATUS(status);

	for (int i = 1; i < 3; i++)
		while (command_drain(c, p, i) && !p->broken)
			port_flush(p);
	wire_frame(&p->tx, FRAME_EXIT, &code, sizeof(code));
	port_flush(p);
}

static void session(struct port *p)
{
	struct command c = { .pidfd = -1, .fd = { -1, -1, -1 } };
	const uint8_t *msg = NULL;
	struct frame h;
	int status, err;

	p->in.len = p->in.off = 0;
	while (!p->broken && !(msg = wire_next(&p->rx, &h))) {
		struct pollfd f = { p->fd, POLLIN | (p->tx.len ? POLLOUT : 0),
				    0 };

		poll(&f, 1, -1);
		if (f.revents & POLLOUT)
			port_write(p);
		port_event(p, f.revents);
	}
	if (p->broken)
		return;
	err = h.type == FRAME_RUN ? command_start(&c, p, msg, h.len) : -EPROTO;
	wire_drop(&p->rx, sizeof(h) + h.len);
	if (err) {
		fprintf(stderr, "agent: cannot start: %s\n", strerror(-err));
		command_finish(&c, p, 126 << 8);
		goto out;
	}
	for (;;) {
		command_frames(&c, p);
		if (p->broken || command_ended(&c, &status))
			break;
		command_poll(&c, p);
	}
	if (p->broken) {
		write_file(c.cgroup, "cgroup.kill", "1");
		waitpid(c.pid, &status, 0);
	} else {
		command_finish(&c, p, status);
	}
out:
	for (int i = 0; i < 3; i++)
		close_fd(&c.fd[i]);
	close_fd(&c.pidfd);
	if (c.cgroup[0])
		rmdir(c.cgroup);
	if (!p->hello)
		p->rx.len = p->rx.off = 0;
}

static void port_serve(int index)
{
	static struct port p;
	char path[64];

	snprintf(path, sizeof(path), "/dev/vport0p%d", index + 1);
	p.index = index;
	wire_hello(p.magic);
	p.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p.fd < 0) {
		perror(path);
		_exit(1);
	}
	fcntl(p.fd, F_SETOWN, getpid());
	fcntl(p.fd, F_SETFL, O_NONBLOCK | O_ASYNC);
	for (;;) {
		port_accept(&p);
		session(&p);
	}
}

static void lifetime_over(int sig)
{
	(void)sig;
	reboot(RB_POWER_OFF);
}

int main(int argc, char **argv)
{
	sigset_t sigio;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	sigprocmask(SIG_BLOCK, &sigio, NULL);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < WIRE_PORTS; i++)
		if (!fork())
			port_serve(i);
	signal(SIGALRM, lifetime_over);
	alarm(argc > 1 ? atoi(argv[1]) : 0);
	for (;;)
		if (wait(NULL) < 0 && errno == ECHILD)
			pause();
}
