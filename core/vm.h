/* SPDX-License-Identifier: MIT */
/*
 * The lifecycle of a VM: its vCPU threads, and how they start, pause and end.
 *
 * The main thread owns the VM and runs its loop. Each vCPU has a thread that
 * is either inside KVM_RUN, handling an exit, or parked. What a vCPU finds out
 * about the whole VM (power-off, reset, an error) it posts as an event, which
 * the main thread handles; the vCPU that posted it stays parked until then.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/bus.h"
#include "core/gmem.h"
#include "core/loop.h"
#include "core/quiet.h"

struct kvm_run;
struct vm;

enum vm_event {
	VM_POWEROFF,
	VM_RESET,
	VM_PANIC,    /* the guest says that it has crashed */
	VM_WATCHDOG, /* it has not refreshed its watchdog, twice */
	VM_HALTED,   /* none of its vCPUs will ever run again */
	VM_FAILED,   /* KVM cannot go on; the reason has been logged */
};

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	bool parked; /* under vm->lock */
	bool inside; /* in KVM_RUN; atomic */
	pthread_t thread;
	pid_t tid; /* from the first time that it is parked on */
};

struct vm {
	int kvm_fd;
	int fd;
	struct gmem mem;
	struct bus bus;
	struct loop *loop;
	unsigned ncpus;
	struct vcpu *vcpus;
	void *arch; /* the architecture's, for core/arch.h's functions */

	/* On the loop's thread, once a posted event. */
	void (*on_event)(void *ctx, enum vm_event);
	void *on_event_ctx;
	struct task deliver, quiesced;
	struct quiet quiet;
	unsigned posted; /* 1 << enum vm_event; atomic */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { VM_RUN, VM_PAUSE, VM_QUIT } target; /* under lock */
	bool stopped; /* under lock: by an event, until vm_resume() */
	unsigned nthreads;
};

/* Before anything else; all of @vm is zero. */
void vm_init(struct vm *, struct loop *);

/*
 * vcpu_create() - vCPU @v->index in KVM, and @run_size bytes that it shares
 *
 * 0 or -errno, logged.
 */
int vcpu_create(struct vcpu *v, size_t run_size);

/*
 * vm_start() - give each vCPU its thread, parked
 *
 * 0 or -errno; then none is left.
 */
int vm_start(struct vm *);

/* Let all vCPUs run. Main thread. */
void vm_resume(struct vm *);

/*
 * vm_pause() - returns when no vCPU runs, each with its pending exit completed
 *
 * True if vm_resume() would just let them go on; false if an event has stopped
 * the VM that is still to be handled, or ends it. Main thread.
 */
bool vm_pause(struct vm *);

/* Ends and joins the vCPU threads. Main thread. */
void vm_quit(struct vm *);

/* For how long all vCPUs' threads together have run so far, in ns. Main thread. */
uint64_t vm_cpu_time(const struct vm *);

/*
 * vcpu_sleeps() - does KVM have it asleep or off, at this moment?
 *
 * No, if that cannot be told. Main thread.
 */
bool vcpu_sleeps(const struct vcpu *);

/*
 * vm_post() - tell the main thread; from any thread
 *
 * What is posted again before it was handled is told once.
 */
void vm_post(struct vm *, enum vm_event);
