/* SPDX-License-Identifier: MIT */
/* Who is at the other end of a UNIX socket. */
#pragma once

#include <stdbool.h>

/*
 * peer_is_trusted() - is it a process of our own user, or of root?
 *
 * Of a listener's client, or of whoever listens where @fd is connected to.
 */
bool peer_is_trusted(int fd);
