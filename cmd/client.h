/* SPDX-License-Identifier: MIT */
/*
 * The client's side of a VM's control socket (nestor-ctl(7)), and what the
 * commands that take a VM's name share.
 *
 * Nothing here waits longer than it is told to: a VM can be stuck.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "host/rundir.h"

/* How long a living VM may take to answer a plain question, in milliseconds. */
#define CLIENT_PATIENCE 5000

struct client;
struct err;

/*
 * client_open() - connect to the VM that @name names, by name or id
 *
 * @runtime_dir may be NULL. -errno with a sentence in @e: -ENOENT there is no
 * such VM, -ESRCH it has ended, -EAGAIN it does not take connections.
 */
int client_open(const char *runtime_dir, const char *name, struct client **out,
		struct err *e);
void client_close(struct client *);

/* Which VM it is; the client's. */
const struct vmref *client_vm(const struct client *);

/* The connection: non-blocking. */
int client_fd(const struct client *);

/*
 * client_call() - send a command, wait for its answer
 *
 * @args (stolen) may be NULL; @timeout in milliseconds, -1: for ever.
 * 0, and *@result (may be NULL) is the caller's; or -errno with a sentence in
 * @e: -EREMOTEIO the VM refuses, -ETIMEDOUT, -ECONNRESET it has ended.
 */
int client_call(struct client *, const char *command, json_t *args, int timeout,
		json_t **result, struct err *e);

/*
 * client_event() - the next event, after a call of "events"
 *
 * 0, and *@event is the caller's; -ENODATA, *@event NULL: the VM has ended;
 * -ETIMEDOUT; -errno. A sentence in @e for all of them.
 */
int client_event(struct client *, int timeout, json_t **event, struct err *e);

/*
 * client_await_end() - wait until nobody is at the other end
 *
 * 0 or -ETIMEDOUT. What comes meanwhile is dropped.
 */
int client_await_end(struct client *, int timeout);

/* Its process id, as the kernel knows it; 0: not known. */
pid_t client_pid(const struct client *);

/*
 * client_status() - print the sentence in @e; the command's exit status for
 * what a function here returned: STATUS_USAGE for a VM that is not there
 */
int client_status(int r, const struct err *e);

/* Print @o (stolen) as JSON, on a line of its own. The exit status. */
int print_json(json_t *o);
