/* SPDX-License-Identifier: MIT */
/*
 * A guest's vsock as UNIX sockets, by the convention of Firecracker and Cloud
 * Hypervisor:
 *
 * Host to guest: a process connects to the socket PATH and writes a line
 * `CONNECT <port>`. When the guest has accepted, it reads `OK <port>`, with the
 * number that the guest knows it by, and whatever follows, either way, is the
 * connection's. When there is no such guest's port, the socket is closed.
 *
 * Guest to host: port N of the host (CID 2) is the process that listens on the
 * socket PATH_N.
 */
#pragma once

struct err;
struct loop;
struct vsock_back;

/*
 * vsock_unix_new() - listen at @path
 *
 * Mode 0600; a socket on which nobody listens is replaced, and the own one
 * removed when freed. NULL with a sentence in @e.
 */
struct vsock_back *vsock_unix_new(struct loop *, const char *path,
				  struct err *e);
