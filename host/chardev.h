/* SPDX-License-Identifier: MIT */
/*
 * Character back ends: where a serial port or a console port leads to.
 *
 * A chardev carries bytes both ways between one device model (its "front")
 * and a terminal, a pair of pipes, a file, a pty or a socket. It lives on one
 * loop; every function here is called on that loop's thread, except
 * chardev_write(), which any thread may call.
 *
 * Backpressure: input is handed over only while the front has room; output
 * that the peer does not take is kept in a bounded buffer and chardev_write()
 * then takes less than it was given (the front asks to be told by its
 * writable() callback).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct chardev;
struct loop;
struct err;

/* What the device model provides; all run on the loop's thread. */
struct chardev_front {
	/* How many bytes input() would take now; 0 stops reading the peer. */
	size_t (*room)(void *ctx);
	/* At most what room() said. */
	void (*input)(void *ctx, const void *buf, size_t len);
	/* Output has drained after a short chardev_write(). May be NULL. */
	void (*writable)(void *ctx);
	/* The terminal's size changed; 0, 0 if it has none. May be NULL. */
	void (*resized)(void *ctx, unsigned cols, unsigned rows);
	void *ctx;
};

/*
 * chardev_open() - the back end that @spec names
 *
 * "stdio", "null", "pty" (its name is logged), "file:PATH" (output only,
 * truncated), "unix:PATH" (a listening socket, one client at a time; the
 * socket is removed when closed), "fd:N".
 *
 * NULL with a sentence in @e.
 */
struct chardev *chardev_open(struct loop *, const char *spec, struct err *e);

/*
 * chardev_attach() - give the back end a front, or another one
 *
 * A terminal can have two fronts (serial port and virtio console); output of
 * both is shown, and input goes to the one attached last that has room().
 */
int chardev_attach(struct chardev *, const struct chardev_front *);

/* How many bytes were taken: all, or fewer when the peer does not read. */
size_t chardev_write(struct chardev *, const void *buf, size_t len);

/* The front has room again: any thread. */
void chardev_room(struct chardev *);

/* Columns and rows of the terminal; false if it is none. */
bool chardev_size(struct chardev *, unsigned *cols, unsigned *rows);

/* Writes what is buffered if that needs no wait, then closes. */
void chardev_close(struct chardev *);
