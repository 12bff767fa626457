/* SPDX-License-Identifier: MIT */
/*
 * A network back end: a tap interface of the host's.
 */
#pragma once

#include "host/netif.h"

struct err;

/*
 * tap_open() - take over the tap interface @name, or make one
 *
 * NULL lets the kernel choose a name. An interface made here goes away with the
 * descriptor. Addresses and bridges are the user's business. NULL with a
 * sentence in @e.
 */
struct netif *tap_open(const char *name, struct err *e);

/*
 * tap_take() - the same with a descriptor that the parent process opened
 *
 * Owns @fd, only if it succeeds. NULL with a sentence in @e.
 */
struct netif *tap_take(int fd, struct err *e);

/*
 * tap_wrap() - anything that speaks in such packets, e.g. a socket pair
 *
 * The peer takes all of @offloads (TUN_F_*). Owns @fd; NULL with errno set, and
 * it does not.
 */
struct netif *tap_wrap(int fd, unsigned offloads);
