/* SPDX-License-Identifier: MIT */
/*
 * How a VM ended: a cause with a name, and the exit status that goes with it.
 * The same in nestor's exit status, in `nestor wait --json` and in events.
 */
#pragma once

#include <jansson.h>

struct vmref;

enum cause {
	CAUSE_FAILED, /* nestor could not go on */
	CAUSE_POWEROFF,
	CAUSE_QUIT, /* Ctrl-a x */
	CAUSE_RESET,
	CAUSE_PANIC,
	CAUSE_KVM,
	CAUSE_WATCHDOG,
	CAUSE_STOPPED, /* nestor stop, and the guest did not power off */
	CAUSE_TIMEOUT,
	CAUSE_SIGNAL,
	CAUSE_COMMAND, /* run -- COMMAND: it has ended */
	CAUSE_KILLED,  /* nestor ended without a word */
	CAUSES
};

struct ending {
	enum cause cause;
	int status;	  /* enum status, a signal's or a command's */
	char detail[200]; /* a sentence, or empty */
};

/* The usual ending by @cause; a command's and a signal's need their number. */
struct ending ending_of(enum cause cause);

/* "poweroff", ... */
const char *cause_name(enum cause cause);

/* {"cause", "status", "detail"}; a signal's name is its detail. */
json_t *ending_json(const struct ending *);

/* The reverse: 0, or -EINVAL if @o holds none. */
int ending_from(json_t *o, struct ending *);

/*
 * ending_read() - how the dead VM @ref ended
 *
 * Without a word of its own it was killed: by SIGKILL, by the kernel for want
 * of memory, or with the machine.
 */
void ending_read(const struct vmref *ref, struct ending *);
