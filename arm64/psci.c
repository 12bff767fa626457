/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * KVM handles PSCI, but for SYSTEM_SUSPEND, which it hands over as an event.
 * Only the last CPU that is on may suspend the system, and whether it is can be
 * told only while none of them runs: KVM answers for a vCPU when that is out of
 * KVM_RUN, and else another might be turned on meanwhile. So the caller gets the
 * answer DENIED, and posts an event; before all of them go on, psci_settle()
 * looks.
 *
 * A suspended system stays in KVM: the vCPU is put into MP_STATE_SUSPENDED, so
 * that KVM_RUN waits for an interrupt as WFI would, and reports WAKEUP. Then the
 * vCPU is reset and enters where its call asked to: until then all registers
 * but x0 are those of the call.
 */
#include "arm64/psci.h"

#include <linux/psci.h>

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "core/vm.h"
#include "nested/reg.h"

#define PSR_AA32_T_BIT (1u << 5)
#define PSR_AA32_E_BIT (1u << 9)
#define SCTLR_EE       (1ull << 25)
#define SCTLR_EL1      ARM64_SYS_REG(3, 0, 1, 0, 0)
#define SCTLR_EL2      ARM64_SYS_REG(3, 4, 1, 0, 0)

/* Where instructions may be: in RAM, or in flash. */
static bool is_code(const struct vm *vm, gpa_t at)
{
	struct iovec iov;

	return at - MAP_FLASH_BASE < MAP_FLASH_BANKS * MAP_FLASH_SIZE ||
	       gmem_map(&vm->mem, at, 4, &iov, 1) == 1;
}

/* What the call returns, if it does. */
static void answer(struct vcpu *v, int val)
{
	const struct vcpu_model *m = v->vm->arch;

	vcpu_set_reg(v, CORE_REG(regs.regs[0]),
		     m->aarch32 ? (uint32_t)val : (uint64_t)val);
}

enum arch_next psci_suspend(struct vcpu *v)
{
	const struct vcpu_model *m = v->vm->arch;
	uint64_t entry = 0;

	vcpu_get_reg(v, CORE_REG(regs.regs[1]), &entry);
	if (!is_code(v->vm, m->aarch32 ? entry & ~1ull : entry)) {
		answer(v, PSCI_RET_INVALID_ADDRESS);
		return ARCH_RUN;
	}
	answer(v, PSCI_RET_DENIED);
	v->wants_suspend = true;
	vm_post(v->vm, VM_ASKED, v, 0);
	return ARCH_PARK;
}

static bool is_off(const struct vcpu *v)
{
	struct kvm_mp_state state;

	return kvm_ioctlp(v->fd, KVM_GET_MP_STATE, &state) == 0 &&
	       state.mp_state == KVM_MP_STATE_STOPPED;
}

static bool others_are_off(const struct vcpu *v)
{
	unsigned i;

	for (i = 0; i < v->vm->ncpus; i++)
		if (i != v->index && !is_off(&v->vm->vcpus[i]))
			return false;
	return true;
}

void psci_settle(struct vm *vm)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_SUSPENDED };
	struct vcpu *v;
	bool suspends;

	for (v = vm->vcpus; v < vm->vcpus + vm->ncpus; v++) {
		/* One that waits no more has got its answer: denied. */
		suspends = v->wants_suspend && v->waits;
		v->wants_suspend = false;
		if (suspends && others_are_off(v))
			kvm_ioctlp(v->fd, KVM_SET_MP_STATE, &state);
	}
}

/* The call's arguments, and what of its caller a reset would lose (6.4.3). */
struct caller {
	uint64_t entry, context, pstate, sctlr;
};

static int caller_get(const struct vcpu *v, struct caller *c)
{
	const struct vcpu_model *m = v->vm->arch;
	int r = vcpu_get_reg(v, CORE_REG(regs.regs[1]), &c->entry);

	if (!r)
		r = vcpu_get_reg(v, CORE_REG(regs.regs[2]), &c->context);
	if (!r)
		r = vcpu_get_reg(v, CORE_REG(regs.pstate), &c->pstate);
	if (!r)
		r = vcpu_get_reg(v, m->nested ? SCTLR_EL2 : SCTLR_EL1,
				 &c->sctlr);
	return r;
}

/* Its byte order, and in AArch32 bit 0 of the address says Thumb. */
static int caller_set(struct vcpu *v, const struct caller *c)
{
	const struct vcpu_model *m = v->vm->arch;
	uint64_t id = m->nested ? SCTLR_EL2 : SCTLR_EL1, now = 0;
	int r;

	if (m->aarch32) {
		vcpu_get_reg(v, CORE_REG(regs.pstate), &now);
		now |= c->pstate & PSR_AA32_E_BIT;
		now |= c->entry & 1 ? PSR_AA32_T_BIT : 0;
		r = vcpu_set_reg(v, CORE_REG(regs.pstate), now);
		return r < 0 ? r
			     : vcpu_set_pc_x0(v, c->entry & ~1ull, c->context);
	}
	if (c->sctlr & SCTLR_EE) {
		vcpu_get_reg(v, id, &now);
		vcpu_set_reg(v, id, now | SCTLR_EE);
	}
	return vcpu_set_pc_x0(v, c->entry, c->context);
}

enum arch_next psci_wake_up(struct vcpu *v)
{
	/* Those that were off stay off: only the caller ran. */
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct caller c;

	if (caller_get(v, &c) < 0 || vcpu_init(v) < 0 ||
	    kvm_ioctlp(v->fd, KVM_SET_MP_STATE, &state) < 0 ||
	    caller_set(v, &c) < 0)
		return vcpu_fail(v);
	return ARCH_RUN;
}
