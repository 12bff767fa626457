/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * KVM keeps an offset for each of a guest's two counters, and sets it when one
 * is written; of the whole VM, whichever vCPU it goes through. What was read
 * when the vCPUs stopped is written before they go on, so that to the guest no
 * time has passed. With an EL2 both counters go by the physical one's offset
 * (the virtual one then differs by the guest's own CNTVOFF_EL2), so that only
 * that one is written. KVM_ARM_SET_COUNTER_OFFSET is no choice: it makes both
 * counters the same, which they are not from the start, and once it was used
 * KVM ignores writes of either.
 */
#include "arm64/counter.h"

#include <string.h>

#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"

#ifdef __aarch64__

uint64_t counter_read(void)
{
	uint64_t n;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(n) : : "memory");
	return n;
}

/* Linux itself runs on no host where it is 0. */
uint64_t counter_hz(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz ? hz : 1;
}

#else

#include "core/timer.h"

uint64_t counter_read(void)
{
	return mono_ns();
}

uint64_t counter_hz(void)
{
	return NSEC_PER_SEC;
}

#endif

static struct vcpu_model *model(const struct vm *vm)
{
	return vm->arch;
}

int counter_find(struct vm *vm)
{
	uint64_t now = 0;
	int r = vcpu_get_reg(&vm->vcpus[0],
			     model(vm)->nested ? KVM_REG_ARM_PTIMER_CNT
					       : KVM_REG_ARM_TIMER_CNT,
			     &now);

	if (r < 0)
		log_warnx("reading the guest's counter: %s", strerror(-r));
	else
		model(vm)->clock.offset = counter_read() - now;
	return r;
}

uint64_t counter_of_guest(const struct vm *vm)
{
	const struct guest_clock *c = &model(vm)->clock;

	if (c->stopped)
		return model(vm)->nested ? c->phys : c->virt;
	return counter_read() - c->offset;
}

void counter_stop(struct vm *vm)
{
	struct guest_clock *c = &model(vm)->clock;

	if (c->runs_on || c->stopped || !vm->ncpus)
		return;
	c->stopped =
		!vcpu_get_reg(&vm->vcpus[0], KVM_REG_ARM_TIMER_CNT, &c->virt) &&
		!vcpu_get_reg(&vm->vcpus[0], KVM_REG_ARM_PTIMER_CNT, &c->phys);
}

void counter_go_on(struct vm *vm)
{
	const struct vcpu *v = &vm->vcpus[0];
	struct guest_clock *c = &model(vm)->clock;

	if (!c->stopped)
		return;
	/* Before Linux 6.4 the physical counter is the host's own. */
	if (vcpu_set_reg(v, KVM_REG_ARM_PTIMER_CNT, c->phys) < 0)
		log_debug("the guest's physical counter has run on");
	if (!model(vm)->nested &&
	    vcpu_set_reg(v, KVM_REG_ARM_TIMER_CNT, c->virt) < 0)
		log_debug("the guest's virtual counter has run on");
	c->stopped = false;
	counter_find(vm);
}
