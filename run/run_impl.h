/* SPDX-License-Identifier: MIT */
/*
 * One run of a VM, as the files run*.c share it; nobody else includes this.
 * All of it is the main thread's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/log.h"
#include "machine/board.h"
#include "run/ending.h"
#include "core/config.h"
#include "core/timer.h"

struct chardev;
struct guest_command;
struct panic_watch;
struct console_hub;
struct console_log;
struct control;
struct control_command;
struct control_request;
struct err;
struct output;
struct run_balloon;
struct rundir;
struct vmdir;

/* How many clients may wait for the same pause. */
#define RUN_PAUSING 16

struct run {
	const struct config *cfg;
	struct loop *loop;
	struct chardev *terminal;
	struct guest_command *command; /* NULL: the guest is for itself */
	struct board *board;
	struct io signals, ending_signals;
	struct timer timeout, stop;
	struct task root_lost;
	struct panic_watch *panic;
	struct output *stats; /* NULL: nowhere */
	int manager;	      /* of the service that we are; or -1 */
	int statm;	      /* of proc(5): what we take; or -1 */
	uint64_t began;	      /* CLOCK_BOOTTIME, ns */

	struct control_request *pausing[RUN_PAUSING]; /* not answered yet */
	unsigned npausing;

	/* NULL: nobody can find this VM. */
	struct rundir *base;
	struct vmdir *dir;
	struct control *control;
	struct run_balloon *balloon; /* NULL: nobody has asked yet */
	int report;	/* detached: where the caller waits; else -1 */
	bool abandoned; /* ... but it has gone: leave nothing behind */

	/* NULL: not wanted, or nobody can find this VM. */
	struct console_hub *hub;
	struct console_log *log, *kept; /* the user's, and ours */
	uint64_t cursor; /* where the last match in the output ended */

	enum cause held_for; /* while a policy holds the VM */
	bool panicked;	     /* since the last reset */
	bool crashed;	     /* ... into a crash kernel, which goes on */
	bool halted;	     /* how it panicked */
	struct log_limit halts, bites;

	bool ended; /* and this is what ended it first: */
	struct ending end;
};

/* --- run/run_end.c: what happens to the guest, and what follows ------------ */

/* The VM ends, unless it already does; @fmt is the detail, or NULL. */
void run_finish(struct run *, enum cause cause, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with an ending of its own. */
void run_finish_with(struct run *, const struct ending *);

/* What the vCPUs and devices report, and what becomes of the VM. */
void run_on_event(void *run, const struct vm_event *);
void run_on_state(void *run, enum vm_state before);

/* The guest has panicked, however that was found out. */
void run_panicked(struct run *);

/* What nestor resume and stop ask for; whoever holds the VM lets it go. */
void run_resume(struct run *);
/* The power button; the end after @seconds, at once if 0. */
void run_stop(struct run *, unsigned seconds);

/* --- run/run_signals.c: signals, and the last resort ----------------------- */

/* Seconds that a VM has between what should end it and its end. */
#define RUN_GRACE 10

/* Before anything that may block. 0 or -errno. */
int run_signals_catch(struct run *);
void run_signals_close(struct run *);

/* The signal that is to break the start off, or 0. */
int run_signals_waiting(void);

/* The VM is built, and its directory, if any, is there. */
void run_signals_built(struct run *);

/* If nestor still runs in @seconds, it is left as by @end, whatever hangs. */
void run_signals_deadline(unsigned seconds, const struct ending *end);

/* It ends: by itself within RUN_GRACE, and at once at the next signal. */
void run_signals_ending(const struct ending *end);

/* The end is written down, and is not to be overwritten. */
void run_signals_written(void);

/* --- run/run_panic.c: a panic of Linux, which its console tells of --------- */

/* Before anybody writes to the terminal. 0 or -errno. */
int run_panic_open(struct run *);
/* Nobody writes any more. */
void run_panic_close(struct run *);

/* The guest has reset: because it had panicked? */
bool run_panic_was_last(struct run *);
/* "Kernel panic - not syncing: ...", or empty. */
void run_panic_why(struct run *, char *to, size_t size);
/* Another kernel boots. */
void run_panic_forget(struct run *);

/* --- run/run_control.c: being found and controlled ------------------------- */

/*
 * run_register() - a directory, and soon a control socket, for the VM
 *
 * 0, also if there can be none and nobody has asked for one; or -errno with a
 * sentence in @e.
 */
int run_register(struct run *, struct err *e);

/* Serve the control socket: the board is there. 0 or -errno, logged. */
int run_serve(struct run *);

/* Answer those who have asked for a pause, once it is clear what became of it. */
void run_answer_pausing(struct run *);

/* The VM has ended: tell, write it down, leave. */
void run_unregister(struct run *);

/* An event for subscribers; @data is stolen, and may be NULL. */
void run_event(struct run *, const char *event, json_t *data);

/* --- run/run_notify.c: the service manager, if there is one ---------------- */

/* Connect to it; before the guest runs. */
void run_notify_open(struct run *);

/* Report the event; run_event() calls this. */
void run_notify(struct run *, const char *event, json_t *data);

/* --- run/run_balloon.c: how much memory the guest keeps -------------------- */

/* The control command `balloon`. */
void run_do_balloon(void *run, struct control_request *, json_t *args);

/* Answer those who wait; while the board is there. */
void run_close_balloon(struct run *);

/* --- run/run_console.c: the console, for others than its terminal ---------- */

/*
 * run_console_open() - logs, and whoever attaches, from the first byte on
 *
 * Before the board is there. -errno, with a sentence in @e if it is the
 * user's to mend.
 */
int run_console_open(struct run *, struct err *e);

/* Nobody writes any more. */
void run_console_close(struct run *);

/* Commands of the control socket. */
void run_console_attach(void *run, struct control_request *, json_t *args);
void run_console_cursor(void *run, struct control_request *, json_t *args);
void run_console_resize(void *run, struct control_request *, json_t *args);
void run_console_break(void *run, struct control_request *, json_t *args);

/* --- run/run_detach.c: a VM in the background ------------------------------ */

/*
 * run_detach() - go on in a child, in a session of its own
 *
 * In the child: where it is to report that the guest runs. In the caller, when
 * that has happened, or the child has ended: -1, and *@status is its exit
 * status.
 */
int run_detach(const struct config *, int *status);

/* The guest runs: let the caller go, and standard error with it. */
void run_detached(struct run *);
