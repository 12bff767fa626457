/* SPDX-License-Identifier: MIT */
/*
 * The terminal that nestor was started from: in raw mode while a VM runs, and
 * never left so.
 *
 * There is one such terminal in a process; its state is tty.c's.
 */
#pragma once

#include <stdbool.h>

/*
 * tty_fill_standard() - open /dev/null in place of closed standard streams
 *
 * Without it a file that nestor opens next would get their number, and be
 * taken for the terminal. To be called before anything is opened.
 */
void tty_fill_standard(void);

/* May this process change and read the terminal: is it in the foreground? */
bool tty_foreground(int fd);

/*
 * tty_raw() - put the terminal @fd, usually standard input, into raw mode
 *
 * It is put back by tty_restore(), by exit(), by a fatal signal (SIGTERM,
 * SIGINT, SIGHUP, SIGQUIT and those of a crash) before that takes effect, and
 * while the process is stopped (SIGTSTP). Signals that were ignored remain so;
 * one of the first four that the program handles is its own care. A SIGKILL
 * leaves it raw.
 *
 * 0; -EAGAIN in the background: ask again later; -errno.
 */
int tty_raw(int fd);

/* Any thread, also a signal handler's. Nothing if the mode is not raw. */
void tty_restore(void);
