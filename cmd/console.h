/* SPDX-License-Identifier: MIT */
/*
 * A connection to the console of a VM, as the files console*.c share it.
 */
#pragma once

#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

struct client;
struct err;

struct console {
	const char *runtime_dir, *name; /* as the user gave them */
	struct client *raw;		/* the console itself */
	struct client *control;		/* for commands beside it */
	uint64_t position;		/* of the first byte that comes */
	bool line_begins;		/* there */
};

/*
 * console_open() - attach, with the arguments @args (stolen) of the command
 * "console"; nestor-ctl(7) has them
 *
 * 0, or -errno as client_open() and client_call() have it. It may be called
 * again, for a connection that has ended.
 */
int console_open(struct console *, json_t *args, struct err *e);
void console_close(struct console *);

/* What a script does, step by step. */
struct step {
	const char *text; /* to be sent, or the regular expression's */
	bool is_send;
	unsigned timeout; /* seconds; 0: none */
	size_t len;
	regex_t re;
};

/*
 * Do the @n steps, and print what is read meanwhile; with @json what comes of
 * them. The exit status; it has said what went wrong.
 */
int console_script(struct console *, struct step *steps, unsigned n, bool json);

/*
 * Connect standard input and output to it until the user detaches or the VM
 * ends; or, with @leave, until input has ended and the guest has taken it. The
 * exit status.
 */
int console_talk(struct console *, bool leave);
