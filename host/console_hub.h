/* SPDX-License-Identifier: MIT */
/*
 * The console of a VM, for any number of readers and writers.
 *
 * A hub taps the VM's terminal. It keeps the newest HUB_RING bytes of what the
 * guest wrote, and hands them to attached connections, each at its own pace:
 * neither the guest nor another reader ever waits for one. What a connection
 * sends becomes input of the guest, which takes it when it can.
 *
 * A byte's position is how many the guest wrote before it, since nestor began;
 * a reboot in place does not start anew.
 *
 * Everything here is called on the loop's thread; the guest's output arrives
 * on any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct chardev;
struct console_hub;
struct loop;

#define HUB_RING    (256u * 1024)
#define HUB_READERS 32u

/*
 * console_hub_new() - a hub on the terminal @c, before anything is written
 *
 * It is freed after the devices, and before the chardev is closed, both of
 * which stay the caller's. NULL with errno set.
 */
struct console_hub *console_hub_new(struct loop *, struct chardev *c);

/* Hands over what can be without waiting, and hangs up. NULL is allowed. */
void console_hub_free(struct console_hub *);

/* How a connection wants the console. */
struct hub_wish {
	/* The first byte to send; what is gone is skipped, and said so. */
	uint64_t from;
	/*
	 * Where output went by too fast: a line that says how much is missing.
	 * Without it the output ends there, so that what has been sent is one
	 * piece, and its positions are known.
	 */
	bool notices;
	/* Hang up when input has ended, and the guest has taken it. */
	bool leaves;
};

/* Could one more be attached? */
bool console_hub_has_room(struct console_hub *);

/*
 * console_hub_attach() - a connection that becomes a console
 *
 * @fd is a stream socket, and the hub's if this succeeds. The end of its input
 * does not end its output, nor the other way round. 0, -ENOMEM, or -ENOSPC:
 * there are HUB_READERS.
 */
int console_hub_attach(struct console_hub *, int fd, const struct hub_wish *);

/* The positions of the oldest byte that is kept, and of the next to come. */
uint64_t console_hub_start(struct console_hub *);
uint64_t console_hub_end(struct console_hub *);

/* Where the last @n lines begin, an unfinished one being one of them. */
uint64_t console_hub_lines(struct console_hub *, unsigned n);

/* Does a line begin at @pos? false also if what is before it is gone. */
bool console_hub_is_line(struct console_hub *, uint64_t pos);
