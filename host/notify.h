/* SPDX-License-Identifier: MIT */
/*
 * Word to the service manager that has started this process: what sd_notify(3)
 * describes, a datagram of lines VARIABLE=VALUE to the socket of the name in
 * $NOTIFY_SOCKET, which may be an abstract one.
 */
#pragma once

/*
 * notify_open() - connect to the service manager
 *
 * 0, and @fd is -1 if there is none; or -errno. The caller closes it.
 */
int notify_open(int *fd);

/*
 * notify_send() - tell it; nobody if @fd is -1
 *
 * 0 or -errno. Waits, should the manager have no room, but not for long.
 */
int notify_send(int fd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
