/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * An exiting process first drops its address space, which the last user of it
 * tears down, and is reported to its parent only then. So the last user shall
 * be someone for whom nobody waits: a task made by clone(CLONE_VM), which
 * copies no page tables, that is killed by the kernel when its parent has
 * ended (PR_SET_PDEATHSIG: after the parent has dropped the address space).
 *
 * Its descriptors are a copy, closed before anything else: a reader of our
 * standard output must see its end when we end. As vCPUs' pages are mapped,
 * closing KVM's descriptors frees no VM.
 */
#include "host/linger.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STACK_SIZE 65536

static int hold(void *arg)
{
	pid_t parent = *(pid_t *)arg;

	close_range(0, ~0u, 0);
	prctl(PR_SET_NAME, "nestor-teardown");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

void linger(void)
{
	static pid_t self; /* the task reads it when we may be gone */
	sigset_t all, old;
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return;
	self = getpid();
	/* What the terminal sends to all of us is not for the task. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	clone(hold, stack + STACK_SIZE, CLONE_VM, &self);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
