/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * vm->target says what all vCPUs should be doing. To leave RUN, the main
 * thread sets the target, then immediate_exit in every vCPU's shared page, then
 * sends each thread a signal: a vCPU in guest mode leaves it for the signal, one
 * on its way in leaves for immediate_exit, and one that handles an exit finds
 * the target changed afterwards. No window is left between them.
 *
 * KVM completes a pending MMIO or hypercall only on the next KVM_RUN, so a
 * vCPU that parks after handling an exit enters KVM once more with
 * immediate_exit set. Its registers are whole then.
 *
 * To stand still is two steps, and the loop goes on between them: the last vCPU
 * to park posts vm->stood, whose turn it is to ask the devices; the last of
 * those to be quiet posts vm->quiesced. A vCPU that has posted an event is
 * parked until the event's handler has returned, or, if that has the VM held or
 * reset, until the VM goes on.
 */
#include "core/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/thread.h"
#include "core/timer.h"
#include "core/util.h"

#define KICK SIGRTMIN

const char *vm_state_name(enum vm_state s)
{
	static const char *const names[VM_STATES] = {
		[VM_BUILDING] = "building", [VM_READY] = "ready",
		[VM_RUNNING] = "running",   [VM_PAUSING] = "pausing",
		[VM_PAUSED] = "paused",	    [VM_RESETTING] = "resetting",
		[VM_ENDING] = "ending",	    [VM_ENDED] = "ended",
	};

	return names[s];
}

static void kicked(int sig)
{
	(void)sig;
}

/* --- vCPU threads --- */

/* With vm->lock held. */
static bool all_parked(const struct vm *vm)
{
	return vm->target == VCPUS_PARK && vm->nparked == vm->ncpus;
}

/* False when the thread shall end. */
static bool park(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool go_on;

	pthread_mutex_lock(&vm->lock);
	while (vm->target == VCPUS_PARK ||
	       (vm->target == VCPUS_RUN && v->waits)) {
		if (!v->parked) {
			v->parked = true;
			vm->nparked++;
			if (all_parked(vm)) {
				loop_post(vm->loop, &vm->stood);
				pthread_cond_broadcast(&vm->changed);
			}
		}
		pthread_cond_wait(&vm->changed, &vm->lock);
	}
	vm->nparked -= v->parked;
	v->parked = false;
	go_on = vm->target == VCPUS_RUN;
	pthread_mutex_unlock(&vm->lock);
	return go_on;
}

static int enter(struct vcpu *v)
{
	int r;

	__atomic_store_n(&v->inside, true, __ATOMIC_RELAXED);
	r = kvm_ioctl(v->fd, KVM_RUN, 0);
	__atomic_store_n(&v->inside, false, __ATOMIC_RELAXED);
	return r;
}

/* Have KVM complete what the exit left pending. */
static void complete(struct vcpu *v)
{
	__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	kvm_ioctl(v->fd, KVM_RUN, 0);
	pthread_mutex_lock(&v->vm->lock);
	__atomic_store_n(&v->run->immediate_exit, v->vm->target != VCPUS_RUN,
			 __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&v->vm->lock);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	char name[16];
	int r;

	v->tid = gettid();
	/* Its own name is a call; another's is a file in /proc. */
	snprintf(name, sizeof(name), "vcpu%u", v->index);
	prctl(PR_SET_NAME, name);
	if (!park(v))
		return NULL;
	for (;;) {
		r = enter(v);
		if (r == 0) {
			if (arch_vcpu_exit(v) == ARCH_RUN)
				continue;
			complete(v);
		} else if (r != -EINTR && r != -EAGAIN) {
			if (arch_vcpu_error(v, -r) == ARCH_RUN)
				continue;
		}
		if (!park(v))
			return NULL;
	}
}

/* With vm->lock held. */
static void set_target(struct vm *vm, int target)
{
	unsigned i;

	vm->target = target;
	for (i = 0; i < vm->nthreads; i++) {
		struct vcpu *v = &vm->vcpus[i];

		__atomic_store_n(&v->run->immediate_exit, target != VCPUS_RUN,
				 __ATOMIC_SEQ_CST);
		if (target != VCPUS_RUN && !v->parked)
			pthread_kill(v->thread, KICK);
	}
	if (all_parked(vm))
		loop_post(vm->loop, &vm->stood);
	pthread_cond_broadcast(&vm->changed);
}

static void stop_vcpus(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	set_target(vm, VCPUS_PARK);
	pthread_mutex_unlock(&vm->lock);
}

/* Let those go on, too, that wait for an event's handler. */
static void free_waiting(struct vm *vm)
{
	unsigned i;

	for (i = 0; i < vm->ncpus; i++)
		vm->vcpus[i].waits = false;
}

/* --- events --- */

void vm_post(struct vm *vm, enum vm_event_kind kind, struct vcpu *vcpu,
	     uint64_t data)
{
	pthread_mutex_lock(&vm->lock);
	if (!(vm->posted >> kind & 1))
		vm->event[kind] =
			(struct vm_event){ kind, vcpu ? (int)vcpu->index : -1,
					   data };
	vm->posted |= 1u << kind;
	/* Here, as it may be handled before the vCPU has parked. */
	if (vcpu)
		vcpu->waits = true;
	pthread_mutex_unlock(&vm->lock);
	loop_post(vm->loop, &vm->deliver);
}

/* The next event, if there is one; they are few, and taken in a fixed order. */
static bool next_event(struct vm *vm, struct vm_event *ev)
{
	bool more;

	pthread_mutex_lock(&vm->lock);
	if (!vm->posted) {
		pthread_mutex_unlock(&vm->lock);
		return false;
	}
	*ev = vm->event[__builtin_ctz(vm->posted)];
	vm->posted &= ~(1u << ev->kind);
	more = vm->posted;
	pthread_mutex_unlock(&vm->lock);
	if (more)
		loop_post(vm->loop, &vm->deliver);
	return true;
}

/* If it does not run, it will be answered when it goes on. */
static void answer(struct vm *vm)
{
	if (vm_park(vm))
		vm_unpark(vm);
}

/* One kind a turn: what its handler does may take its time, or end the VM. */
static void deliver(struct task *t)
{
	struct vm *vm = container_of(t, struct vm, deliver);
	struct vm_event ev;

	if (!next_event(vm, &ev) || vm->state >= VM_ENDING)
		return;
	if (ev.kind == VM_ASKED)
		answer(vm);
	else if (vm->listener.event)
		vm->listener.event(vm->listener.ctx, &ev);
	/* The handler has asked for nothing: let the vCPU go on. */
	if (vm->state != VM_RUNNING || ev.vcpu < 0)
		return;
	pthread_mutex_lock(&vm->lock);
	if (!vm->posted) {
		free_waiting(vm);
		pthread_cond_broadcast(&vm->changed);
	}
	pthread_mutex_unlock(&vm->lock);
}

/* --- states --- */

static void set_state(struct vm *vm, enum vm_state s)
{
	enum vm_state before = vm->state;

	vm->state = s;
	if (vm->listener.state && before != s)
		vm->listener.state(vm->listener.ctx, before);
}

static void run(struct vm *vm)
{
	arch_vm_going_on(vm);
	bus_resume(&vm->bus);
	pthread_mutex_lock(&vm->lock);
	free_waiting(vm);
	set_target(vm, VCPUS_RUN);
	pthread_mutex_unlock(&vm->lock);
	set_state(vm, VM_RUNNING);
}

static void reset(struct vm *vm)
{
	int r;

	set_state(vm, VM_RESETTING);
	vm->wants_reset = false;
	r = vm->reset(vm->reset_ctx);
	if (r < 0)
		vm_post(vm, VM_RESET_FAILED, NULL, -r);
	else if (vm->holders)
		set_state(vm, VM_PAUSED);
	else
		run(vm);
}

/* Do what has been asked for, as far as the state allows it now. */
static void settle(struct vm *vm)
{
	switch (vm->state) {
	case VM_READY:
		if (vm->started && !vm->holders)
			run(vm);
		return;
	case VM_RUNNING:
		if (!vm->wants_reset && !vm->holders)
			return;
		set_state(vm, vm->wants_reset ? VM_RESETTING : VM_PAUSING);
		stop_vcpus(vm);
		return;
	case VM_PAUSED:
		if (vm->wants_reset)
			reset(vm);
		else if (!vm->holders)
			run(vm);
		return;
	default:
		/* A change is under way, or the VM ends. */
		return;
	}
}

/* No vCPU runs: now the devices. */
static void stood(struct task *t)
{
	struct vm *vm = container_of(t, struct vm, stood);
	bool all;

	if ((vm->state != VM_PAUSING && vm->state != VM_RESETTING) ||
	    vm->quiescing)
		return;
	pthread_mutex_lock(&vm->lock);
	all = all_parked(vm);
	pthread_mutex_unlock(&vm->lock);
	/* Posted for an earlier stop. */
	if (!all)
		return;
	vm->quiescing = true;
	arch_vm_stopped(vm);
	quiet_begin(&vm->quiet, vm->loop, &vm->quiesced);
	bus_quiesce(&vm->bus, &vm->quiet);
	quiet_asked(&vm->quiet);
}

static void quiesced(struct task *t)
{
	struct vm *vm = container_of(t, struct vm, quiesced);

	vm->quiescing = false;
	if (vm->state >= VM_ENDING)
		return;
	if (vm->wants_reset) {
		reset(vm);
		return;
	}
	set_state(vm, VM_PAUSED);
	settle(vm);
}

void vm_init(struct vm *vm, struct loop *loop)
{
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	vm->loop = loop;
	vm->target = VCPUS_PARK;
	vm->deliver.fn = deliver;
	vm->stood.fn = stood;
	vm->quiesced.fn = quiesced;
}

int vcpu_create(struct vcpu *v, size_t run_size)
{
	int r = v->fd = kvm_ioctl(v->vm->fd, KVM_CREATE_VCPU, v->index);
	char what[40];

	if (r >= 0) {
		v->run = kvm_map_run(v->fd, run_size);
		r = v->run ? 0 : -errno;
	}
	if (r < 0) {
		snprintf(what, sizeof(what), "vCPU %u: creating it", v->index);
		log_failure(what, r);
		if (v->fd >= 0)
			close(v->fd);
		v->fd = -1;
	}
	return r;
}

int vm_start(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = kicked };
	sigset_t all, old;
	unsigned i;
	int r = 0;

	sigaction(KICK, &sa, NULL);
	thread_signals(&all);
	sigdelset(&all, KICK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < vm->ncpus && !r; i++) {
		vm->vcpus[i].stat_fd = -1;
		r = thread_start(&vm->vcpus[i].thread, vcpu_main,
				 &vm->vcpus[i]);
		if (r)
			break;
		vm->nthreads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		vm_quit(vm);
	else
		set_state(vm, VM_READY);
	return r;
}

void vm_go(struct vm *vm)
{
	vm->started = true;
	settle(vm);
}

void vm_hold(struct vm *vm, enum vm_holder h)
{
	vm->holders |= 1u << h;
	settle(vm);
}

void vm_release(struct vm *vm, enum vm_holder h)
{
	vm->holders &= ~(1u << h);
	settle(vm);
}

void vm_reset(struct vm *vm)
{
	vm->wants_reset = true;
	settle(vm);
}

void vm_end(struct vm *vm)
{
	if (vm->state < VM_ENDING)
		set_state(vm, VM_ENDING);
}

void vm_quit(struct vm *vm)
{
	vm_end(vm);
	pthread_mutex_lock(&vm->lock);
	set_target(vm, VCPUS_QUIT);
	pthread_mutex_unlock(&vm->lock);
	while (vm->nthreads) {
		struct vcpu *v = &vm->vcpus[--vm->nthreads];

		pthread_join(v->thread, NULL);
		if (v->stat_fd >= 0)
			close(v->stat_fd);
	}
	set_state(vm, VM_ENDED);
}

void vm_exit(struct vm *vm)
{
	loop_unpost(&vm->deliver);
	loop_unpost(&vm->stood);
	loop_unpost(&vm->quiesced);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->lock);
}

bool vm_park(struct vm *vm)
{
	struct timespec until;
	bool all;

	/* At the end too: there is a last look. */
	if (vm->state != VM_RUNNING && vm->state != VM_ENDING)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_mutex_lock(&vm->lock);
	set_target(vm, VCPUS_PARK);
	while (!all_parked(vm) &&
	       !pthread_cond_clockwait(&vm->changed, &vm->lock, CLOCK_MONOTONIC,
				       &until))
		;
	all = all_parked(vm);
	if (!all)
		set_target(vm, VCPUS_RUN);
	pthread_mutex_unlock(&vm->lock);
	return all;
}

void vm_unpark(struct vm *vm)
{
	if (vm->state != VM_RUNNING)
		return;
	arch_vm_going_on(vm);
	pthread_mutex_lock(&vm->lock);
	set_target(vm, VCPUS_RUN);
	pthread_mutex_unlock(&vm->lock);
}

uint64_t vm_cpu_time(const struct vm *vm)
{
	struct timespec ts;
	uint64_t ns = 0;
	clockid_t clock;
	unsigned i;

	for (i = 0; i < vm->nthreads; i++) {
		if (!pthread_getcpuclockid(vm->vcpus[i].thread, &clock) &&
		    !clock_gettime(clock, &ts))
			ns += ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
	}
	return ns;
}

void vm_watch_sleep(struct vm *vm)
{
	char path[48];
	unsigned i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nthreads; i++) {
		struct vcpu *v = &vm->vcpus[i];

		while (!v->parked)
			pthread_cond_wait(&vm->changed, &vm->lock);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", v->tid);
		v->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
		if (v->stat_fd < 0)
			log_warn("%s", path);
	}
	pthread_mutex_unlock(&vm->lock);
}

/* Its state as proc(5) has it, behind the name, which may hold anything. */
static char thread_state(const struct vcpu *v)
{
	char text[256], *p;
	ssize_t n = pread(v->stat_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	p = strrchr(text, ')');
	return p && p[1] ? p[2] : '?';
}

/* A thread that sleeps interruptibly in KVM_RUN waits in a WFI. */
bool vcpu_sleeps(const struct vcpu *v)
{
	return __atomic_load_n(&v->inside, __ATOMIC_RELAXED) &&
	       thread_state(v) == 'S';
}
