/* SPDX-License-Identifier: MIT */
/*
 * A VM's whole life, from its configuration to the status that nestor ends with.
 */
#pragma once

#include "run/exit.h"

struct config;
struct err;

/*
 * run_vm() - build the VM, run it to its end, and take it apart
 *
 * An enum status. Where it was the user's mistake, @e has the sentence, for the
 * caller to print; else it is empty, and the log has the reason. The process's
 * main thread, before there is any other.
 */
int run_vm(struct config *, struct err *e);
