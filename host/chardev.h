/* SPDX-License-Identifier: MIT */
/*
 * Character back ends: where a serial port or a console port leads to.
 *
 * A chardev carries bytes both ways between one device model (its "front") and
 * a terminal, a pair of pipes, a file, a pty or a socket. It lives on one loop;
 * every function here is called on that loop's thread, except chardev_write()
 * and chardev_room(), which any thread may call.
 *
 * Backpressure: input is handed over only while the front has room; output that
 * the peer does not take is kept in a bounded buffer and chardev_write() then
 * takes less than it was given (the front asks to be told by its writable()
 * callback). What nobody can ever take (no client, a closed pipe) is taken and
 * dropped; so is what a file has no room for, until it has some again: that is
 * counted, and logged.
 *
 * A UART writes single bytes: these go out together, at the end of a line or
 * after ten milliseconds. Whatever comes in larger pieces goes out at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct chardev;
struct loop;
struct err;

/* What is_read() is worth, where there are several fronts. */
enum front_trust {
	FRONT_SURE,   /* whoever comes to be read wants input from then on */
	FRONT_GUESS,  /* only if it shows a prompt, or no other is read */
	FRONT_SECOND, /* nor that, before another has been read */
};

/* What the device model provides; all run on the loop's thread. */
struct chardev_front {
	/*
	 * Whether the guest reads it, as far as can be told; NULL: always.
	 * chardev_room() when it begins to.
	 */
	bool (*is_read)(void *ctx);
	enum front_trust trust;
	/* How many bytes input() would take now; 0 stops reading the peer. */
	size_t (*room)(void *ctx);
	/* At most what room() said. */
	void (*input)(void *ctx, const void *buf, size_t len);
	/* Output has drained after a short chardev_write(). May be NULL. */
	void (*writable)(void *ctx);
	/* The terminal's size changed; 0, 0 if it has none. May be NULL. */
	void (*resized)(void *ctx, unsigned cols, unsigned rows);
	/* The user asked for a break on the line (Ctrl-a b). May be NULL. */
	void (*line_break)(void *ctx);
	void *ctx;
};

/*
 * chardev_open() - the back end that @spec names
 *
 * "stdio", "null", "pty" (its name is printed on standard error),
 * "file:PATH" (output only, truncated), "unix:PATH" (a listening socket, mode
 * 0600, one client of the same user's at a time; the socket is removed when
 * closed, and replaced if its process is dead), "fd:N" (taken over; both ways,
 * as far as it is open for them).
 *
 * Nothing is read, and the terminal not touched, before the loop runs. SIGPIPE is
 * ignored from here on, and SIGXFSZ to be. To be called before the loop runs.
 *
 * On "stdio", if standard input is a terminal: it is in raw mode while the
 * loop runs (host/tty.h), and Ctrl-a is a prefix: x quits, h helps, b sends a
 * break, a or another Ctrl-a sends one Ctrl-a; anything else is passed on
 * behind its Ctrl-a.
 *
 * NULL with a sentence in @e.
 */
struct chardev *chardev_open(struct loop *, const char *spec, struct err *e);

/*
 * chardev_attach() - give the back end a front, or another one
 *
 * A terminal can have two fronts (serial port and virtio console); output of
 * both is shown. Input goes to the front that the guest reads. Of several it is
 * the one that was last to come to be read (of two at once, that attached last)
 * or to show a prompt, which is a line that has not ended; but a line that has
 * got input keeps it until it ends, and, without another's prompt, afterwards.
 * If none is read, input waits. A single front gets it in any case.
 *
 * @front is copied; what it points to outlives the chardev's loop. Before the
 * loop runs, or on its thread. 0 or -ENOSPC (there can be 4).
 */
int chardev_attach(struct chardev *, const struct chardev_front *front);

/* Have @quit run, on the loop's thread, when the user types Ctrl-a x. */
void chardev_on_quit(struct chardev *, void (*quit)(void *ctx), void *ctx);

/*
 * chardev_write() - how many bytes were taken: all, or fewer when the peer
 * does not read. Any thread; it never waits for the peer. @front is the ctx of
 * the front that writes.
 */
size_t chardev_write(struct chardev *, const void *front, const void *buf,
		     size_t len);

/*
 * The front has room again, after it had none: any thread. The front may hold
 * a lock that its callbacks take. Cheap if nobody waits for it.
 */
void chardev_room(struct chardev *);

/*
 * A tap listens at the line beside the peer, and may give input. It costs
 * neither the peer nor the guest anything.
 */
struct chardev_tap {
	/*
	 * The guest's output, by @front, also if no peer takes it; not what
	 * nestor says on a terminal. One thread at a time, any thread, with the
	 * locks of the chardev and of its front held: it must call neither, and
	 * not block.
	 */
	void (*output)(void *ctx, const void *front, const void *buf,
		       size_t len);
	/* chardev_inject() may take more. Loop's thread. May be NULL. */
	void (*room)(void *ctx);
	void *ctx;
};

/*
 * chardev_tap() - add one, which is copied
 *
 * Before the first chardev_write(). Input of a chardev without a peer that has
 * a tap with room() comes from programs: see chardev_is_fed(). 0 or -ENOSPC
 * (there can be 4).
 */
int chardev_tap(struct chardev *, const struct chardev_tap *);

/*
 * chardev_inject() - input, as if the peer had sent it
 *
 * How many bytes the fronts took. After fewer than @len, the taps' room() says
 * when to try again; then, and when the peer has input too, they take turns.
 */
size_t chardev_inject(struct chardev *, const void *buf, size_t len);

/* A break on the line, as by Ctrl-a b. */
void chardev_break(struct chardev *);

/*
 * chardev_is_fed() - does input come from a program or a file?
 *
 * Such input waits before the guest has booted, and must be kept until the
 * guest reads it. A person who types waits for a prompt.
 */
bool chardev_is_fed(const struct chardev *);

/* Columns and rows of the terminal; false if it is none. */
bool chardev_size(struct chardev *, unsigned *cols, unsigned *rows);

/*
 * Another terminal shows the line: the fronts get its size, until
 * chardev_resize(). 0, 0: it has none.
 */
void chardev_resize_to(struct chardev *, unsigned cols, unsigned rows);

/* The terminal's size may have changed (SIGWINCH): tells the fronts. */
void chardev_resize(struct chardev *);

/*
 * Writes what is buffered if that needs no wait, then closes and frees. Nobody
 * may be in another function of it; no front is called. NULL is allowed.
 */
void chardev_close(struct chardev *);
