/* SPDX-License-Identifier: MIT */
/*
 * nestor run -- COMMAND: a guest that exists for one program, which nestor
 * behaves like.
 *
 * The guest's first process (guest/command/) and nestor talk over a console
 * port (run/frame.h). What the guest's kernel says on its console is kept, and
 * shown if it ends without the command's status. Main thread.
 */
#pragma once

#include <stdbool.h>

#include "core/config.h"

struct chardev;
struct guest_command;
struct ending;
struct err;
struct loop;

/*
 * command_new() - turn the configuration of a command into that of a machine
 *
 * Adds an initramfs, a port and kernel parameters to @cfg. 0 with a command in
 * *@out, or the status to exit with and a sentence in @e.
 */
int command_new(struct config *cfg, struct guest_command **out, struct err *e);
/* NULL is allowed. */
void command_free(struct guest_command *);

/*
 * command_open() - begin, before the machine is built
 *
 * @finish(@ctx, ending) is called on the loop when the command has ended. The
 * back end of the guest's console, the caller's, to be closed before the command
 * is freed; or NULL with a sentence in @e.
 */
struct chardev *command_open(struct guest_command *, struct loop *,
			     void (*finish)(void *ctx, const struct ending *),
			     void *ctx, struct err *e);

/* True if the signal is the command's, and not nestor's own. */
bool command_signal(struct guest_command *, unsigned number);

/*
 * command_ends() - something ends the machine, and would end nestor so
 *
 * False if the command has ended before that: finish() follows, or has been
 * called, and nestor is to wait for it. True if it has not, and @end, changed to
 * what that means for a command, stands.
 */
bool command_ends(struct guest_command *, struct ending *end);
