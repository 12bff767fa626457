/* SPDX-License-Identifier: MIT */
/*
 * The initramfs of a guest that runs one command: its first process, what that
 * is to do (FRAME_FILE), and the command with all that it takes to run, if the
 * root is not another.
 */
#pragma once

#include "core/config.h"

struct err;

/* Where its first process is, for rdinit=. */
#define COMMAND_INIT "/nestor/init"

/*
 * command_pack() - the initramfs, as a memfd
 *
 * The channel will be the device @port of the guest's. If the root is to be a
 * share of files, that is added to @cfg. The descriptor; or the exit status,
 * negative, with a sentence in @e.
 */
int command_pack(struct config *cfg, const char *port, struct err *e);
