/* SPDX-License-Identifier: MIT */
/* SO_PEERCRED: whether the peer is of our own user, or root. */
#include "host/peer.h"

#include <sys/socket.h>
#include <unistd.h>

bool peer_is_trusted(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}
