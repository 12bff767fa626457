/* SPDX-License-Identifier: MIT */
#include "arm64/counter.h"

#include <errno.h>

#include "core/arch.h"
#include "core/kvm.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/test.h"

#define VIRT 0x1000000000u
#define PHYS 0x7000000000u
#define ALL  UINT64_MAX

static struct board *make_with(enum nested_kind nested, enum clock_kind clock)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = 2;
	c.clock = clock;
	c.nested = nested;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_kvm_idreg(KVM_REG_ARM_TIMER_CNT, VIRT, ALL);
	fake_kvm_idreg(KVM_REG_ARM_PTIMER_CNT, PHYS, ALL);
	fake_ncalls = 0;
	return b;
}

static struct board *make(enum nested_kind nested)
{
	return make_with(nested, CLOCK_GUEST);
}

/* How often @id was written, always with @val. */
static unsigned writes(uint64_t id, uint64_t val)
{
	unsigned i, n = 0;

	for (i = 0; i < fake_ncalls; i++) {
		if (fake_calls[i].request != KVM_SET_ONE_REG ||
		    fake_calls[i].a != id)
			continue;
		EQ(fake_calls[i].b, val);
		n++;
	}
	return n;
}

TEST(after_a_pause_both_counters_go_on_where_they_were)
{
	struct board *b = make(NESTED_OFF);

	arch_vm_stopped(&b->vm);
	arch_vm_stopped(&b->vm);
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 0);
	arch_vm_going_on(&b->vm);
	EQ(writes(KVM_REG_ARM_TIMER_CNT, VIRT), 1);
	EQ(writes(KVM_REG_ARM_PTIMER_CNT, PHYS), 1);
	/* Of the whole VM, by one of its vCPUs, and once. */
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 2);
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 2);
	EQ(fake_kvm_count(KVM_ARM_SET_COUNTER_OFFSET), 0);
	board_rig_unmake(b);
}

TEST(with_an_EL2_the_physical_counter_takes_the_virtual_one_along)
{
	struct board *b = make(NESTED_VHE);

	arch_vm_stopped(&b->vm);
	arch_vm_going_on(&b->vm);
	EQ(writes(KVM_REG_ARM_PTIMER_CNT, PHYS), 1);
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 1);
	board_rig_unmake(b);
}

TEST(a_kvm_whose_physical_counter_is_the_hosts_stops_the_virtual_one)
{
	struct board *b = make(NESTED_OFF);

	arch_vm_stopped(&b->vm);
	fake_kvm_fail(KVM_SET_ONE_REG, 1, EINVAL);
	arch_vm_going_on(&b->vm);
	EQ(writes(KVM_REG_ARM_PTIMER_CNT, PHYS), 1);
	EQ(writes(KVM_REG_ARM_TIMER_CNT, VIRT), 1);
	board_rig_unmake(b);
}

TEST(the_counters_of_a_guest_that_wants_the_hosts_time_go_on)
{
	struct board *b = make_with(NESTED_OFF, CLOCK_HOST);
	uint64_t now;

	EQ(counter_find(&b->vm), 0);
	arch_vm_stopped(&b->vm);
	now = counter_of_guest(&b->vm);
	AWAIT(counter_of_guest(&b->vm) > now);
	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 0);
	board_rig_unmake(b);
}

TEST(a_vm_that_starts_has_its_counters_left_alone)
{
	struct board *b = make(NESTED_OFF);

	arch_vm_going_on(&b->vm);
	EQ(fake_kvm_count(KVM_SET_ONE_REG), 0);
	board_rig_unmake(b);
}

TEST(what_devices_see_of_the_counter_stands_still_too)
{
	static const enum nested_kind kinds[] = { NESTED_OFF, NESTED_VHE };
	unsigned i;

	for (i = 0; i < 2; i++) {
		struct board *b = make(kinds[i]);
		uint64_t is = i ? PHYS : VIRT, now;

		EQ(counter_find(&b->vm), 0);
		now = counter_of_guest(&b->vm);
		OK(now >= is && now < is + counter_hz());
		arch_vm_stopped(&b->vm);
		EQ(counter_of_guest(&b->vm), is);
		EQ(counter_of_guest(&b->vm), is);
		arch_vm_going_on(&b->vm);
		now = counter_of_guest(&b->vm);
		OK(now >= is && now < is + counter_hz());
		AWAIT(counter_of_guest(&b->vm) > now);
		board_rig_unmake(b);
	}
}
