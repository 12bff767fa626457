/* SPDX-License-Identifier: MIT */
/*
 * The console device (virtio 1.2, section 5.3): port 0 is a console (hvc0 in
 * Linux), further ports are named byte streams.
 */
#pragma once

#include "host/chardev.h"

struct gmem;
struct loop;
struct virtio;

#define CONSOLE_PORTS_MAX 30u

struct console_port {
	const char *name;
	struct chardev *chr;
};

/*
 * virtio_console_new() - a console on @chr, and @n ports beside it
 *
 * Attaches itself to the back ends, which live on @loop and stay the caller's;
 * they are closed before the device is freed. Names are copied. @trust:
 * FRONT_SURE, the guest was told to have its console here, and may listen before
 * it speaks; FRONT_SECOND, it was told to have it on the other front; else
 * FRONT_GUESS.
 *
 * NULL with errno set (EINVAL: too many ports); all that may be done with the
 * back ends then is to close them.
 */
struct virtio *virtio_console_new(const struct gmem *, struct loop *loop,
				  struct chardev *chr, enum front_trust trust,
				  const struct console_port *ports, unsigned n);
