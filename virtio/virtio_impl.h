/* SPDX-License-Identifier: MIT */
/* What virtio/virtio*.c share; nobody else includes this. */
#pragma once

#include <linux/virtio_config.h>

#include "virtio/virtio.h"

#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

/* The status or the configuration has changed: an interrupt, counted, or owed. */
void virtio_interrupt_config(struct virtio *);

/* Have all queues looked at. */
void virtio_ask_all(struct virtio *);
