/* SPDX-License-Identifier: MIT */
/* sd_notify(3) without libsystemd: one connected datagram socket. */
#include "host/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 5 /* seconds */

/* The length of the address; -EAFNOSUPPORT if @name is none that we know. */
static int address_of(const char *name, struct sockaddr_un *addr)
{
	size_t len = strlen(name);

	if (name[0] != '/' && name[0] != '@')
		return -EAFNOSUPPORT;
	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, name, len);
	if (name[0] == '@')
		addr->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + len;
}

int notify_open(int *out)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un addr;
	int addrlen, fd, r;

	*out = -1;
	if (!name || !name[0])
		return 0;
	addrlen = address_of(name, &addr);
	if (addrlen < 0)
		return addrlen;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&addr, addrlen) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*out = fd;
	return 0;
}

int notify_send(int fd, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	if (fd < 0)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	return send(fd, text, n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
