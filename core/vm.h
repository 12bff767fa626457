/* SPDX-License-Identifier: MIT */
/*
 * The owner of a VM's state: its vCPU threads, and how it starts, stands still,
 * starts over and ends.
 *
 * Requests are made here, on the main thread, and struct vm_listener reports
 * what became of them; nobody else keeps a state of the VM. A function blocks
 * only if it says so: vCPUs and devices are asked to stand still, and the loop
 * goes on meanwhile.
 *
 *	building -> ready -> running <-> pausing -> paused
 *	                        |  ^                 |
 *	                        v  |                 v
 *	                      resetting <------------+
 *
 * and from each of them ending, then ended. A VM stands still while anyone holds
 * it; holders know nothing of each other.
 *
 * Each vCPU has a thread that is either inside KVM_RUN, handling an exit, or
 * parked. What it finds out about the whole VM (power-off, reset, an error) it
 * posts as an event, and waits until that has been handled.
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

enum vm_state {
	VM_BUILDING,  /* no vCPU has a thread yet */
	VM_READY,     /* built, and no vCPU has run */
	VM_RUNNING,   /* nobody holds it */
	VM_PAUSING,   /* it was running, and is about to be paused */
	VM_PAUSED,    /* no vCPU runs, and no device does anything */
	VM_RESETTING, /* it is about to start over */
	VM_ENDING,    /* nothing is asked of it any more, and nothing told */
	VM_ENDED,     /* its threads are gone */
	VM_STATES
};

/* As in `nestor ls`, events and nestor-ctl(7). */
const char *vm_state_name(enum vm_state);

/* On whose account it stands still. */
enum vm_holder {
	VM_HOLD_USER,	/* nestor pause, --paused */
	VM_HOLD_POLICY, /* --on-reset=pause and its like */
	VM_HOLD_DEBUGGER,
	VM_HOLD_SNAPSHOT,
	VM_HOLDERS
};

enum vm_event_kind {
	VM_POWEROFF,
	VM_RESET,
	VM_PANIC,	 /* the guest says that it has crashed */
	VM_CRASH_KERNEL, /* ... and that a kernel of its own takes over */
	VM_WATCHDOG,	 /* it has not refreshed its watchdog, twice */
	VM_HALTED,	 /* none of its vCPUs will ever run again */
	VM_FAILED,	 /* KVM cannot go on; the reason has been logged */
	VM_RESET_FAILED, /* a vm_reset() has; the reason has been logged */
	VM_ASKED, /* a vCPU asks what arch_vm_going_on() answers; not reported */
	VM_EVENTS
};

struct vm_event {
	enum vm_event_kind kind;
	int vcpu;      /* whose word it is, or -1 */
	uint64_t data; /* what goes with it: bits of pvpanic, or 0 */
};

/* What is reported, on the main thread; each may be NULL. */
struct vm_listener {
	/* An event; its handler asks for what is to follow. */
	void (*event)(void *ctx, const struct vm_event *);
	/* The state has changed from @before. */
	void (*state)(void *ctx, enum vm_state before);
	void *ctx;
};

struct vcpu {
	struct vm *vm;
	unsigned index;
	int fd;
	struct kvm_run *run;
	bool parked; /* under vm->lock */
	bool waits;  /* for an event to be handled; under vm->lock */
	bool inside; /* in KVM_RUN; atomic */
	pthread_t thread;
	pid_t tid;	    /* from the first time that it is parked on */
	int stat_fd;	    /* of its thread, for vcpu_sleeps(); or -1 */
	bool wants_suspend; /* has called PSCI's SYSTEM_SUSPEND */
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

	/*
	 * Starts the machine over: everything is quiet, and stays so. 0, or
	 * -errno, logged, and the VM will not run again.
	 */
	int (*reset)(void *ctx);
	void *reset_ctx;
	struct vm_listener listener;

	/* The main thread's. */
	enum vm_state state;
	unsigned holders; /* 1 << enum vm_holder */
	bool started, wants_reset, quiescing;
	struct quiet quiet;
	struct task deliver, stood, quiesced;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { VCPUS_RUN, VCPUS_PARK, VCPUS_QUIT } target; /* under lock */
	unsigned nparked;				   /* under lock */
	unsigned posted; /* 1 << enum vm_event_kind; under lock */
	struct vm_event event[VM_EVENTS]; /* the first of each; under lock */
	unsigned nthreads;
};

/* All of @vm is zero. */
void vm_init(struct vm *, struct loop *);

/*
 * vcpu_create() - vCPU @v->index in KVM, and @run_size bytes that it shares
 *
 * 0 or -errno, logged.
 */
int vcpu_create(struct vcpu *v, size_t run_size);

/*
 * vm_start() - give each vCPU its thread; the VM is ready
 *
 * 0 or -errno; then none is left.
 */
int vm_start(struct vm *);

/* Let it run for the first time, unless it is held. */
void vm_go(struct vm *);

/*
 * vm_hold(), vm_release() - have it stand still, and go on if nobody else holds it
 *
 * vm_hold() returns at once: it stands still when the state is VM_PAUSED, or
 * VM_READY if it has not run yet. Holding twice is holding once.
 */
void vm_hold(struct vm *, enum vm_holder);
void vm_release(struct vm *, enum vm_holder);
static inline bool vm_is_held(const struct vm *vm, enum vm_holder h)
{
	return vm->holders >> h & 1;
}

/*
 * vm_reset() - have it start over, as soon as everything is quiet
 *
 * It then runs, unless it is held; or VM_RESET_FAILED is posted.
 */
void vm_reset(struct vm *);

/* No more events or changes of state; vCPUs run on until vm_quit(). */
void vm_end(struct vm *);

/* Ends and joins the vCPU threads, for which it waits. */
void vm_quit(struct vm *);

/* After the devices are gone: nothing of @vm is known to the loop any more. */
void vm_exit(struct vm *);

/*
 * vm_park() - for a look at the vCPUs only: have them parked, each with its
 * pending exit completed; vm_unpark() lets them go on
 *
 * For a VM that runs, or is ending: then vm_unpark() leaves them parked, as
 * this was the last look. False in other states, or if a vCPU has not parked
 * within a second because it waits for a device; then they go on. Main thread.
 */
bool vm_park(struct vm *);
void vm_unpark(struct vm *);

/* For how long all vCPUs' threads together have run so far, in ns. Main thread. */
uint64_t vm_cpu_time(const struct vm *);

/*
 * vm_watch_sleep() - open what vcpu_sleeps() reads: after vm_start(), before
 * any vCPU runs; waits until each thread has begun
 */
void vm_watch_sleep(struct vm *);

/*
 * vcpu_sleeps() - does KVM have it asleep or off, at this moment?
 *
 * No, if that cannot be told. Main thread.
 */
bool vcpu_sleeps(const struct vcpu *);

/*
 * vm_post() - tell the listener; from any thread
 *
 * @vcpu is NULL, or the caller's own, which will park until that is handled.
 * Takes no memory: what is posted again before it was handled is told once,
 * with what went with the first.
 */
void vm_post(struct vm *, enum vm_event_kind, struct vcpu *vcpu, uint64_t data);
