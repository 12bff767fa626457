/* SPDX-License-Identifier: MIT */
/* SYSTEM_SUSPEND, the one call of PSCI's that is nestor's. */
#include "arm64/psci.h"

#include <linux/psci.h>

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "core/vm.h"
#include "machine/board_impl.h"
#include "nested/reg.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/test.h"

#define X(n)	  CORE_REG(regs.regs[n])
#define ALL	  UINT64_MAX
#define SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)

static struct board *make(unsigned cpus, bool aarch32)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = cpus;
	c.aarch32 = aarch32;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL1_32BIT, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_ncalls = 0;
	return b;
}

/* vCPU 0 calls it, to be woken up at @entry. */
static enum arch_next call(struct board *b, uint64_t entry)
{
	struct vcpu *v = &b->vm.vcpus[0];

	fake_kvm_idreg(X(1), entry, ALL);
	fake_kvm_idreg(X(2), 0xc0ffee, ALL);
	v->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	v->run->system_event.type = KVM_SYSTEM_EVENT_SUSPEND;
	return arch_vcpu_exit(v);
}

static enum arch_next wake_up(struct board *b)
{
	struct vcpu *v = &b->vm.vcpus[0];

	fake_ncalls = 0;
	v->run->system_event.type = KVM_SYSTEM_EVENT_WAKEUP;
	return arch_vcpu_exit(v);
}

/* What the last write of register @id wrote; 0 if there was none. */
static uint64_t written(uint64_t id)
{
	uint64_t val = 0;
	unsigned i;

	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_SET_ONE_REG &&
		    fake_calls[i].a == id)
			val = fake_calls[i].b;
	return val;
}

TEST(a_system_is_suspended_when_all_other_cpus_are_off)
{
	struct board *b = make(3, false);

	EQ(call(b, MAP_RAM_BASE), ARCH_PARK);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
	fake_kvm_mp_state(KVM_MP_STATE_STOPPED);
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_GET_MP_STATE), 2);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 1);
	/* It was asked once. */
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 1);
	board_rig_unmake(b);
}

TEST(a_system_is_not_suspended_while_another_cpu_is_on)
{
	struct board *b = make(2, false);

	EQ(call(b, MAP_RAM_BASE), ARCH_PARK);
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_GET_MP_STATE), 1);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
	EQ(written(X(0)), (uint64_t)PSCI_RET_DENIED);
	board_rig_unmake(b);
}

/* One of the others could not be had in time, so that it is on. */
TEST(who_waits_no_more_for_an_answer_is_not_suspended_later)
{
	struct board *b = make(1, false);

	EQ(call(b, MAP_RAM_BASE), ARCH_PARK);
	b->vm.vcpus[0].waits = false;
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
	board_rig_unmake(b);
}

TEST(a_vm_that_is_reset_meanwhile_is_not_suspended)
{
	struct board *b = make(1, false);

	EQ(call(b, MAP_RAM_BASE), ARCH_PARK);
	EQ(vcpu_init(&b->vm.vcpus[0]), 0);
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
	board_rig_unmake(b);
}

TEST(nobody_wakes_up_where_no_memory_is)
{
	static const uint64_t bad[] = { MAP_UART_BASE, MAP_RAM_BASE - 4,
					MAP_RAM_BASE + (64ull << 20),
					UINT64_MAX - 3, UINT64_MAX };
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct board *b = make(1, false);

		EQ(call(b, bad[i]), ARCH_RUN);
		EQ(written(X(0)), (uint64_t)PSCI_RET_INVALID_ADDRESS);
		arch_vm_going_on(&b->vm);
		EQ(fake_kvm_count(KVM_SET_MP_STATE), 0);
		board_rig_unmake(b);
	}
}

TEST(flash_and_the_end_of_memory_are_places_to_wake_up_at)
{
	static const uint64_t good[] = { 0, 0x07fffffc,
					 MAP_RAM_BASE + (64ull << 20) - 4 };
	unsigned i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct board *b = make(1, false);

		EQ(call(b, good[i]), ARCH_PARK);
		board_rig_unmake(b);
	}
}

TEST(who_wakes_up_is_reset_and_enters_as_it_asked_to)
{
	struct board *b = make(1, false);

	fake_kvm_idreg(SCTLR_EL1, 1u << 25, ALL);
	call(b, MAP_RAM_BASE + 0x1000);
	arch_vm_going_on(&b->vm);
	EQ(wake_up(b), ARCH_RUN);
	EQ(fake_kvm_count(KVM_ARM_VCPU_INIT), 1);
	EQ(fake_kvm_count(KVM_SET_MP_STATE), 1);
	EQ(written(CORE_REG(regs.pc)), MAP_RAM_BASE + 0x1000);
	EQ(written(X(0)), 0xc0ffee);
	/* In the byte order that it had. */
	EQ(written(SCTLR_EL1), 1u << 25);
	board_rig_unmake(b);
}

TEST(a_32_bit_caller_wakes_up_in_thumb_if_bit_0_says_so)
{
	struct board *b = make(1, true);

	EQ(call(b, MAP_UART_BASE), ARCH_RUN);
	EQ(written(X(0)), (uint32_t)PSCI_RET_INVALID_ADDRESS);
	board_rig_unmake(b);
	b = make(1, true);
	EQ(call(b, MAP_RAM_BASE + 0x1001), ARCH_PARK);
	arch_vm_going_on(&b->vm);
	EQ(wake_up(b), ARCH_RUN);
	EQ(written(CORE_REG(regs.pc)), MAP_RAM_BASE + 0x1000);
	EQ(written(CORE_REG(regs.pstate)), 0x20);
	board_rig_unmake(b);
}
