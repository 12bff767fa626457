/* SPDX-License-Identifier: MIT */
/*
 * Word to the service manager that has started this process: what sd_notify(3)
 * describes, a datagram of lines VARIABLE=VALUE to the socket of the name in
 * $NOTIFY_SOCKET, which may be an abstract one.
 */
#pragma once

/*
 * notify_send() - tell the service manager, if there is one
 *
 * 0 or -errno. Waits, should the manager have no room, but not for long.
 */
int notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
