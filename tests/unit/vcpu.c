/* SPDX-License-Identifier: MIT */
/* What an exit of a vCPU comes to, on a board against a scripted KVM. */
#include "arm64/vcpu.h"

#include "core/arch.h"
#include "core/kvm.h"
#include "machine/board_impl.h"
#include "nested/reg.h"
#include "tests/unit/board_rig.h"

static struct board *board;

static struct vcpu *vcpu_new(void)
{
	struct config c = board_rig_config();
	struct err e;

	fake_kvm_reset();
	EQ(board_rig_make(&c, &board, &e), 0);
	return &board->vm.vcpus[0];
}

/* Of the calls from @from on, the first of @request. */
static unsigned first(unsigned from, unsigned long request)
{
	while (from < fake_ncalls && fake_calls[from].request != request)
		from++;
	OK(from < fake_ncalls);
	return from;
}

static enum arch_next system_event(struct vcpu *v, unsigned type)
{
	v->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	v->run->system_event.type = type;
	return arch_vcpu_exit(v);
}

/* DEN0022, 5.20: the entry point is in x1, the context ID, for x0, in x2. */
TEST(a_vcpu_that_wakes_up_is_reset_and_enters_where_its_call_asked_to)
{
	struct vcpu *v = vcpu_new();
	const unsigned from = fake_ncalls;
	unsigned set;

	fake_kvm_reg(0x40001000);
	EQ(system_event(v, KVM_SYSTEM_EVENT_WAKEUP), ARCH_RUN);
	/* The call's registers are gone once the vCPU is reset. */
	LT(first(from, KVM_GET_ONE_REG), first(from, KVM_ARM_VCPU_INIT));
	set = first(from, KVM_SET_ONE_REG);
	LT(first(from, KVM_ARM_VCPU_INIT), set);
	EQ(fake_calls[set].a, CORE_REG(regs.pc));
	EQ(fake_calls[set].b, 0x40001000);
	EQ(fake_calls[set + 1].a, CORE_REG(regs.regs[0]));
	EQ(fake_calls[set + 1].b, 0x40001000);
	board_rig_unmake(board);
}

TEST(a_vcpu_whose_call_cannot_be_read_fails_its_vm)
{
	struct vcpu *v = vcpu_new();

	fake_kvm_fail(KVM_GET_ONE_REG, 1, 5);
	EQ(system_event(v, KVM_SYSTEM_EVENT_WAKEUP), ARCH_PARK);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
	board_rig_unmake(board);
}
