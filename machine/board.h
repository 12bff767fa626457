/* SPDX-License-Identifier: MIT */
/*
 * The board: puts the machine together from a configuration, at the places that
 * arch_map names (machine/map.h).
 *
 * The order in which KVM is told of its parts is fixed here, and only here
 * (Documentation/virt/kvm/api.rst; a GICv3 wants all its vCPUs first, an irqfd
 * wants the GIC).
 */
#pragma once

#include <jansson.h>

#include "machine/image.h"
#include "machine/machine.h"
#include "core/config.h"
#include "core/vm.h"

struct board;
struct chardev;
struct pl061;
struct virtio;

/* What the board needs from the outside. */
struct board_host {
	struct loop *loop;
	struct chardev *terminal;    /* stdio, or NULL */
	struct vm_listener listener; /* told of the guest, and of the VM */
	/*
	 * The back end of device @name has failed with the errno @err; reported
	 * again only if that changes. Main thread. May be NULL.
	 */
	void (*device_error)(void *ctx, const char *name, int err);
	/* A share of files is gone; on any thread. May be NULL. */
	void (*lost_share)(void *ctx);
	void *ctx;
};

/*
 * board_new() - everything but the first instruction: VM, memory, vCPUs,
 * interrupt controller, devices, images
 *
 * 0, or -errno: with a sentence in @e if the configuration is at fault (it is
 * empty otherwise, and the log has the reason). The configuration must outlive
 * the board; the terminal stays the caller's.
 */
int board_new(const struct config *, const struct board_host *,
	      struct board **out, struct err *e);

/* Quits the vCPUs; frees devices in reverse order. Guest RAM is left to exit. */
void board_free(struct board *);

/* Start the vCPU threads; the VM is ready. 0 or -errno, logged. */
int board_start(struct board *b);

/* Let it run, unless it is held. Main thread. */
void board_go(struct board *b);

/* The VM, through which its state is changed and reported: core/vm.h. */
struct vm *board_vm(struct board *b);

/*
 * board_look_for_panic() - does the guest look as Linux does after a panic?
 *
 * All its vCPUs but one are off or parked for good, and that one waits for time
 * to pass: *@frame tells where, for a kernel that goes on is not there time and
 * again. The vCPUs are stopped for a moment. Main thread.
 */
bool board_look_for_panic(struct board *, uint64_t *frame);

/*
 * board_is_shut_down() - have the guest's drivers reset each virtio device that
 * they had?
 *
 * As a kernel does in an orderly reboot, and not when it panics. Main thread.
 */
bool board_is_shut_down(const struct board *b);

/* Press and release the power button. Main thread. */
void board_power_button(struct board *);

/*
 * board_stats() - what KVM counts of the VM and its vCPUs, by KVM's names, and
 * what the EL2 of each vCPU is doing if it has one
 *
 * {"vm": COUNTS, "vcpus": [{"stats": COUNTS, "el2": {"current_el": N,
 * "registers": [{"name", "value", "meaning"}, ...]}}, ...], "devices":
 * [{"name", "kind", "requests", "bytes", "errors", "notifications",
 * "interrupts"}, ...]}, where COUNTS has a number for each name, or a list for
 * a histogram. What this kernel does not count is not there. Without @el2, that
 * is left out. The vCPUs are stopped for a moment, the first time and for an
 * EL2. Main thread. 0, and *@out is the caller's; or -errno with a sentence in
 * @e.
 */
int board_stats(struct board *, bool el2, json_t **out, struct err *e);

/* The balloon (virtio/balloon.h), or NULL. */
struct virtio *board_balloon(struct board *);

/*
 * The tree alone, in *@fdt (malloc()ed), for --dump-dtb. 0, or -errno as from
 * board_new().
 */
int board_fdt(struct board *, void **fdt, size_t *size, struct err *e);
