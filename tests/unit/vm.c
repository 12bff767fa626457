/* SPDX-License-Identifier: MIT */
/*
 * The owner of the VM's state, with real threads on a KVM whose vCPUs run until
 * they are asked to leave, and a device that says itself when it is quiet.
 */
#include "core/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arm64/vcpu.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

#define CPUS 3

static struct vm vm;
static struct vcpu vcpus[CPUS];
static struct vcpu_model model;
static struct kvm_run pages[CPUS];
static unsigned power_off; /* vCPUs that are to say so, a bit each; atomic */
static unsigned inside;	   /* vCPUs in KVM_RUN; atomic */

static struct device dev;
static struct quiet *asked;
static bool slow; /* the device is quiet only when told */
static unsigned resumed, resets;
static int reset_error;

static char told[64]; /* what the listener and the device were, a letter each */
static struct vm_event last;
static enum vm_state until_state;
static void (*then)(void); /* follows from an event */

static unsigned in_guest(void)
{
	return __atomic_load_n(&inside, __ATOMIC_SEQ_CST);
}

static bool wants_off(int cpu)
{
	return __atomic_fetch_and(&power_off, ~(1u << cpu), __ATOMIC_SEQ_CST) &
	       1u << cpu;
}

/* As KVM: until immediate_exit, or until the guest has something to say. */
static int run_vcpu(int cpu)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct kvm_run *run = &pages[cpu];
	int r = -EINTR;

	__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&run->immediate_exit, __ATOMIC_SEQ_CST)) {
		if (wants_off(cpu)) {
			run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
			run->system_event.type = KVM_SYSTEM_EVENT_SHUTDOWN;
			r = 0;
			break;
		}
		nanosleep(&ms, NULL);
	}
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	return r;
}

static void tell(char c)
{
	const size_t n = strlen(told);

	if (n + 1 < sizeof(told))
		told[n] = c;
}

static void on_state(void *ctx, enum vm_state before)
{
	static const char letter[VM_STATES] = "bryspten";

	(void)ctx;
	(void)before;
	tell(letter[vm.state]);
	if (vm.state == until_state)
		loop_stop(vm.loop);
}

static void on_event(void *ctx, const struct vm_event *ev)
{
	(void)ctx;
	last = *ev;
	tell('E');
	if (then)
		then();
	else
		loop_stop(vm.loop);
}

static void dev_quiesce(struct device *d, struct quiet *q)
{
	OK(d == &dev);
	EQ(in_guest(), 0);
	tell('q');
	if (!slow)
		return;
	quiet_wait(q);
	asked = q;
	loop_stop(vm.loop);
}

static void dev_resume(struct device *d)
{
	(void)d;
	resumed++;
}

static int start_over(void *ctx)
{
	(void)ctx;
	EQ(in_guest(), 0);
	resets++;
	return reset_error;
}

static const struct device_ops dev_ops = {
	.name = "slow",
	.quiesce = dev_quiesce,
	.resume = dev_resume,
};

static void make(void)
{
	unsigned i;

	fake_kvm_reset();
	fake_kvm_on_run(run_vcpu);
	vm_init(&vm, loop_new());
	vm.arch = &model;
	vm.vcpus = vcpus;
	vm.ncpus = CPUS;
	for (i = 0; i < CPUS; i++)
		vcpus[i] = (struct vcpu){
			.vm = &vm, .index = i, .fd = i, .run = &pages[i]
		};
	vm.reset = start_over;
	vm.listener =
		(struct vm_listener){ .event = on_event, .state = on_state };
	dev.ops = &dev_ops;
	EQ(bus_add(&vm.bus, &dev, 0x1000, 16), 0);
	EQ(vm_start(&vm), 0);
	EQ(vm.state, VM_READY);
}

static void turn(void)
{
	EQ(loop_run(vm.loop), 0);
}

static void until(enum vm_state s)
{
	until_state = s;
	if (vm.state != s)
		turn();
	until_state = VM_STATES;
	EQ(vm.state, s);
}

static void unmake(void)
{
	vm_quit(&vm);
	EQ(vm.state, VM_ENDED);
	bus_free(&vm.bus);
	vm_exit(&vm);
	loop_free(vm.loop);
}

TEST(a_vm_that_is_held_before_it_runs_is_ready_until_it_is_released)
{
	make();
	vm_hold(&vm, VM_HOLD_USER);
	vm_go(&vm);
	EQ(vm.state, VM_READY);
	EQ(in_guest(), 0);
	vm_release(&vm, VM_HOLD_USER);
	EQ(vm.state, VM_RUNNING);
	STR_EQ(told, "ry");
	unmake();
}

TEST(a_hold_returns_at_once_and_the_vm_is_paused_when_its_devices_are_quiet)
{
	make();
	slow = true;
	vm_go(&vm);
	vm_hold(&vm, VM_HOLD_USER);
	EQ(vm.state, VM_PAUSING);
	turn(); /* until the device is asked */
	EQ(vm.state, VM_PAUSING);
	quiet_done(asked);
	until(VM_PAUSED);
	STR_EQ(told, "rysqp");
	unmake();
}

TEST(a_vm_stands_still_while_anyone_holds_it)
{
	make();
	vm_go(&vm);
	vm_hold(&vm, VM_HOLD_USER);
	vm_hold(&vm, VM_HOLD_POLICY);
	vm_hold(&vm, VM_HOLD_POLICY);
	until(VM_PAUSED);
	vm_release(&vm, VM_HOLD_POLICY);
	EQ(vm.state, VM_PAUSED);
	vm_release(&vm, VM_HOLD_USER);
	EQ(vm.state, VM_RUNNING);
	EQ(resumed, 2);
	unmake();
}

TEST(a_vm_released_while_it_is_pausing_goes_on)
{
	make();
	slow = true;
	vm_go(&vm);
	vm_hold(&vm, VM_HOLD_USER);
	turn();
	vm_release(&vm, VM_HOLD_USER);
	EQ(vm.state, VM_PAUSING);
	quiet_done(asked);
	until(VM_RUNNING);
	unmake();
}

TEST(a_reset_waits_for_the_devices_and_then_the_vm_runs)
{
	make();
	slow = true;
	vm_go(&vm);
	vm_reset(&vm);
	EQ(vm.state, VM_RESETTING);
	turn();
	EQ(resets, 0);
	quiet_done(asked);
	until(VM_RUNNING);
	EQ(resets, 1);
	STR_EQ(told, "rytqy");
	unmake();
}

TEST(a_vm_that_is_held_stays_so_through_a_reset)
{
	make();
	vm_go(&vm);
	vm_hold(&vm, VM_HOLD_USER);
	until(VM_PAUSED);
	vm_reset(&vm);
	EQ(vm.state, VM_PAUSED);
	EQ(resets, 1);
	STR_EQ(told, "rysqptp");
	unmake();
}

TEST(a_hold_during_a_reset_is_kept_and_a_reset_during_a_pause_is_done)
{
	make();
	slow = true;
	vm_go(&vm);
	vm_reset(&vm);
	turn();
	vm_hold(&vm, VM_HOLD_USER);
	quiet_done(asked);
	until(VM_PAUSED);
	vm_release(&vm, VM_HOLD_USER);
	vm_hold(&vm, VM_HOLD_USER);
	turn();
	vm_reset(&vm);
	vm_release(&vm, VM_HOLD_USER);
	quiet_done(asked);
	until(VM_RUNNING);
	EQ(resets, 2);
	unmake();
}

TEST(a_reset_that_fails_is_told_and_nothing_runs)
{
	make();
	reset_error = -EIO;
	vm_go(&vm);
	vm_reset(&vm);
	turn();
	EQ(last.kind, VM_RESET_FAILED);
	EQ(last.data, EIO);
	EQ(vm.state, VM_RESETTING);
	EQ(in_guest(), 0);
	unmake();
}

static void say_off(unsigned cpus)
{
	__atomic_store_n(&power_off, cpus, __ATOMIC_SEQ_CST);
}

TEST(an_event_says_whose_it_is_and_its_vcpu_goes_on_if_nothing_follows)
{
	make();
	vm_go(&vm);
	say_off(1u << 2);
	turn();
	EQ(last.kind, VM_POWEROFF);
	EQ(last.vcpu, 2);
	/* It is in the guest again: it can say so once more. */
	say_off(1u << 2);
	turn();
	STR_EQ(told, "ryEE");
	unmake();
}

static void start_anew(void)
{
	vm_reset(&vm);
}

TEST(a_vcpu_that_has_asked_for_a_reset_waits_for_it)
{
	make();
	then = start_anew;
	vm_go(&vm);
	say_off(1);
	until_state = VM_RUNNING;
	turn();
	EQ(resets, 1);
	STR_EQ(told, "ryEtqy");
	unmake();
}

TEST(a_storm_of_events_is_told_once_with_what_went_with_the_first)
{
	unsigned i;

	make();
	vm_go(&vm);
	for (i = 0; i < 100000; i++)
		vm_post(&vm, VM_PANIC, NULL, 1 + i);
	vm_post(&vm, VM_WATCHDOG, NULL, 0);
	turn();
	EQ(last.kind, VM_PANIC);
	EQ(last.vcpu, -1);
	EQ(last.data, 1);
	turn();
	EQ(last.kind, VM_WATCHDOG);
	STR_EQ(told, "ryEE");
	unmake();
}

TEST(a_vm_that_ends_is_asked_and_told_nothing_more)
{
	make();
	vm_go(&vm);
	vm_post(&vm, VM_PANIC, NULL, 0);
	vm_end(&vm);
	vm_hold(&vm, VM_HOLD_USER);
	vm_reset(&vm);
	vm_release(&vm, VM_HOLD_USER);
	EQ(vm.state, VM_ENDING);
	unmake();
	STR_EQ(told, "ryen");
}

TEST(a_look_at_the_vcpus_parks_them_and_asks_no_device)
{
	make();
	OK(!vm_park(&vm));
	vm_go(&vm);
	OK(vm_park(&vm));
	EQ(in_guest(), 0);
	EQ(vm.state, VM_RUNNING);
	vm_unpark(&vm);
	/* What that has left behind does not pass for a pause. */
	vm_hold(&vm, VM_HOLD_USER);
	until(VM_PAUSED);
	STR_EQ(told, "rysqp");
	unmake();
}

TEST(holding_and_releasing_in_a_row_loses_no_vcpu)
{
	unsigned i;

	make();
	vm_go(&vm);
	for (i = 0; i < 50; i++) {
		vm_hold(&vm, VM_HOLD_USER);
		if (i & 1)
			vm_release(&vm, VM_HOLD_USER);
		until(i & 1 ? VM_RUNNING : VM_PAUSED);
		vm_release(&vm, VM_HOLD_USER);
		until(VM_RUNNING);
	}
	unmake();
}
