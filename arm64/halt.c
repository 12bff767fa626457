/* SPDX-License-Identifier: MIT */
/*
 * Can anything wake a vCPU still?
 *
 * Theory of operation: a vCPU that sleeps, in a WFI or a system suspend, is
 * woken by an interrupt and by nothing else; one that is off, by another vCPU;
 * and one that idles in a loop with interrupts masked, by nothing at all
 * (arm64/stuck.h). So if there are no others, and nothing is enabled that could
 * interrupt one that sleeps, none will ever run again. The GIC tells what is
 * enabled: any SPI or LPI is a device's, which may raise it at any time; an SGI
 * is another vCPU's; of PPIs the timers' count, if they are armed.
 */
#include "arm64/board.h"
#include "arm64/gic.h"
#include "arm64/map.h"
#include "arm64/stuck.h"
#include "core/kvm.h"
#include "machine/arch.h"

#define CNTHP_CTL_EL2 ARM64_SYS_REG(3, 4, 14, 2, 1)
#define CNTHV_CTL_EL2 ARM64_SYS_REG(3, 4, 14, 3, 1)

/* CNTV_CTL_EL0 and its like: enabled, and not masked. */
#define TIMER_CTL     3u
#define TIMER_ENABLED 1u

static const struct timer_irq {
	uint64_t ctl;
	unsigned ppi;
	bool el2;
} timers[] = {
	{ KVM_REG_ARM_TIMER_CTL, PPI_TIMER_V, false },
	{ KVM_REG_ARM_PTIMER_CTL, PPI_TIMER_P, false },
	{ CNTHP_CTL_EL2, PPI_TIMER_HP, true },
	{ CNTHV_CTL_EL2, PPI_TIMER_HV, true },
};

/* What cannot be read might be on. */
static bool is_armed(const struct vcpu *v, const struct timer_irq *t)
{
	uint64_t ctl;

	return vcpu_get_reg(v, t->ctl, &ctl) < 0 ||
	       (ctl & TIMER_CTL) == TIMER_ENABLED;
}

static bool is_off(const struct vcpu *v)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	return kvm_ioctlp(v->fd, KVM_GET_MP_STATE, &state) == 0 &&
	       state.mp_state == KVM_MP_STATE_STOPPED;
}

static bool own_timer_can_wake(const struct board *b, unsigned cpu)
{
	uint32_t enabled =
		gic_private_enabled(arm_board(b)->gic_fd, &b->m, cpu);
	unsigned i;

	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		if (enabled >> (16 + timers[i].ppi) & 1 &&
		    (b->m.el2 || !timers[i].el2) &&
		    is_armed(&b->vm.vcpus[cpu], &timers[i]))
			return true;
	return false;
}

static bool is_stuck(const struct board *b, unsigned cpu)
{
	return !b->m.el2 && vcpu_is_stuck(&b->vm.vcpus[cpu], &b->vm.mem);
}

bool arch_has_halted(const struct board *b)
{
	bool sleepers = false;
	unsigned i;

	for (i = 0; i < b->vm.ncpus; i++) {
		if (is_off(&b->vm.vcpus[i]) || is_stuck(b, i))
			continue;
		if (!b->halt.slept[i] || own_timer_can_wake(b, i))
			return false;
		sleepers = true;
	}
	return !sleepers || !gic_shared_enabled(arm_board(b)->gic_fd, &b->m);
}
