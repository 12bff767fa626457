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
 */
#include "core/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/timer.h"
#include "core/util.h"

#define KICK SIGRTMIN

static void kicked(int sig)
{
	(void)sig;
}

/* One kind a turn: what its handler does may take its time, or end the VM. */
static void deliver(struct task *t)
{
	struct vm *vm = container_of(t, struct vm, deliver);
	unsigned posted = __atomic_load_n(&vm->posted, __ATOMIC_ACQUIRE);
	enum vm_event what;

	if (!posted)
		return;
	what = __builtin_ctz(posted);
	posted = __atomic_and_fetch(&vm->posted, ~(1u << what),
				    __ATOMIC_ACQ_REL);
	if (posted)
		loop_post(vm->loop, t);
	vm->on_event(vm->on_event_ctx, what);
}

void vm_post(struct vm *vm, enum vm_event what)
{
	__atomic_or_fetch(&vm->posted, 1u << what, __ATOMIC_ACQ_REL);
	loop_post(vm->loop, &vm->deliver);
}

/* False when the thread shall end. */
static bool park(struct vcpu *v, bool even_if_running)
{
	struct vm *vm = v->vm;
	bool go_on;

	pthread_mutex_lock(&vm->lock);
	if (even_if_running) {
		vm->stopped = true;
		if (vm->target == VM_RUN)
			vm->target = VM_PAUSE;
	}
	while (vm->target == VM_PAUSE) {
		v->parked = true;
		pthread_cond_broadcast(&vm->changed);
		pthread_cond_wait(&vm->changed, &vm->lock);
	}
	v->parked = false;
	go_on = vm->target == VM_RUN;
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

static void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	enum arch_next next = ARCH_RUN;
	int r;

	v->tid = gettid();
	if (!park(v, false))
		return NULL;
	for (;;) {
		r = enter(v);
		if (r == 0) {
			next = arch_vcpu_exit(v);
			if (next == ARCH_RUN)
				continue;
			/* Complete what the exit left pending. */
			v->run->immediate_exit = 1;
			kvm_ioctl(v->fd, KVM_RUN, 0);
			v->run->immediate_exit = 0;
		} else if (r != -EINTR && r != -EAGAIN) {
			next = arch_vcpu_error(v, -r);
			if (next == ARCH_RUN)
				continue;
		}
		if (!park(v, next == ARCH_PARK))
			return NULL;
		next = ARCH_RUN;
	}
}

static void quiesced(struct task *t)
{
	(void)t;
}

void vm_init(struct vm *vm, struct loop *loop)
{
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->changed, NULL);
	vm->loop = loop;
	vm->target = VM_PAUSE;
	vm->deliver.fn = deliver;
	vm->quiesced.fn = quiesced;
}

int vcpu_create(struct vcpu *v, size_t run_size)
{
	int r = v->fd = kvm_ioctl(v->vm->fd, KVM_CREATE_VCPU, v->index);

	if (r >= 0) {
		v->run = kvm_map_run(v->fd, run_size);
		r = v->run ? 0 : -errno;
	}
	if (r < 0)
		log_warnx("vCPU %u: creating it: %s", v->index, strerror(-r));
	return r;
}

int vm_start(struct vm *vm)
{
	struct sigaction sa = { .sa_handler = kicked };
	sigset_t all, old;
	char name[16];
	unsigned i;
	int r = 0;

	sigaction(KICK, &sa, NULL);
	/* Every other signal is for the main thread. */
	sigfillset(&all);
	sigdelset(&all, KICK);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < vm->ncpus && !r; i++) {
		r = -pthread_create(&vm->vcpus[i].thread, NULL, vcpu_main,
				    &vm->vcpus[i]);
		if (r)
			break;
		vm->nthreads++;
		snprintf(name, sizeof(name), "vcpu%u", i);
		pthread_setname_np(vm->vcpus[i].thread, name);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		vm_quit(vm);
	return r;
}

/* With vm->lock held. */
static void set_target(struct vm *vm, int target)
{
	unsigned i;

	vm->target = target;
	for (i = 0; i < vm->nthreads; i++) {
		struct vcpu *v = &vm->vcpus[i];

		__atomic_store_n(&v->run->immediate_exit, target != VM_RUN,
				 __ATOMIC_SEQ_CST);
		if (target != VM_RUN && !v->parked)
			pthread_kill(v->thread, KICK);
	}
	pthread_cond_broadcast(&vm->changed);
}

void vm_resume(struct vm *vm)
{
	bus_resume(&vm->bus);
	pthread_mutex_lock(&vm->lock);
	vm->stopped = false;
	set_target(vm, VM_RUN);
	pthread_mutex_unlock(&vm->lock);
}

bool vm_pause(struct vm *vm)
{
	bool go_on;
	unsigned i;

	pthread_mutex_lock(&vm->lock);
	set_target(vm, VM_PAUSE);
	for (i = 0; i < vm->nthreads; i++)
		while (!vm->vcpus[i].parked)
			pthread_cond_wait(&vm->changed, &vm->lock);
	go_on = !vm->stopped;
	pthread_mutex_unlock(&vm->lock);
	quiet_begin(&vm->quiet, vm->loop, &vm->quiesced);
	bus_quiesce(&vm->bus, &vm->quiet);
	quiet_asked(&vm->quiet);
	return go_on;
}

void vm_quit(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	set_target(vm, VM_QUIT);
	pthread_mutex_unlock(&vm->lock);
	while (vm->nthreads)
		pthread_join(vm->vcpus[--vm->nthreads].thread, NULL);
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

/* Its state as proc(5) has it, behind the name, which may hold anything. */
static char thread_state(pid_t tid)
{
	char path[48], text[256], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '?';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	p = strrchr(text, ')');
	return p && p[1] ? p[2] : '?';
}

/* In KVM_RUN, who sleeps and can be woken by a signal waits in a WFI. */
bool vcpu_sleeps(const struct vcpu *v)
{
	return __atomic_load_n(&v->inside, __ATOMIC_RELAXED) &&
	       thread_state(v->tid) == 'S';
}
