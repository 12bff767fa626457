/* SPDX-License-Identifier: MIT */
/* Whether a guest has halted for good: what the board looks at. */
#include <errno.h>

#include "arm64/board_impl.h"
#include "core/kvm.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/test.h"

#define DIST	    KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST	    KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPU(n)	    ((uint64_t)(n) << 32)
#define CTLR	    0x0u
#define ISENABLER   0x100u
#define GICR_ENABLE 0x10100u
#define ON	    0x52u /* as KVM has GICD_CTLR, with the group enabled */

static struct board *make(unsigned cpus, enum nested_kind nested)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = cpus;
	c.nested = nested;
	c.detect_halt = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_kvm_reg(0);
	return b;
}

/* There are no threads, so nothing has run between any two looks. */
static bool halts(struct board *b)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		if (board_look_for_halt(b))
			return true;
	return false;
}

TEST(vcpus_that_sleep_and_that_nothing_can_interrupt_have_halted)
{
	struct board *b = make(2, NESTED_OFF);

	/* It takes two looks to be sure. */
	OK(!board_look_for_halt(b));
	OK(board_look_for_halt(b));
	fake_kvm_attr(DIST, CTLR, ON);
	OK(halts(b));
	fake_kvm_mp_state(KVM_MP_STATE_SUSPENDED);
	OK(halts(b));
	board_rig_unmake(b);
}

TEST(a_device_that_may_interrupt_keeps_a_guest_from_having_halted)
{
	static const struct {
		uint32_t group;
		uint64_t attr;
	} enables[] = { { DIST, ISENABLER + 4 },
			{ DIST, ISENABLER + 8 },
			{ REDIST, CPU(0) | CTLR },
			{ REDIST, CPU(1) | CTLR } };
	unsigned i;

	for (i = 0; i < 4; i++) {
		struct board *b = make(2, NESTED_OFF);

		fake_kvm_attr(DIST, CTLR, ON);
		fake_kvm_attr(enables[i].group, enables[i].attr, 1);
		OK(!halts(b));
		/* Unless the distributor lets nothing through. */
		fake_kvm_attr(DIST, CTLR, ON & ~3u);
		OK(halts(b));
		board_rig_unmake(b);
	}
}

/* Of CNTx_CTL: ENABLE is bit 0, IMASK bit 1, ISTATUS bit 2. */
TEST(a_timer_that_is_armed_and_enabled_keeps_a_guest_from_having_halted)
{
	static const struct {
		uint64_t reg;
		unsigned intid;
		bool el2;
	} timers[] = { { KVM_REG_ARM_TIMER_CTL, 27, false },
		       { KVM_REG_ARM_PTIMER_CTL, 30, false },
		       { ARM64_SYS_REG(3, 4, 14, 2, 1), 26, true },
		       { ARM64_SYS_REG(3, 4, 14, 3, 1), 28, true } };
	unsigned i, ctl;

	for (i = 0; i < 4; i++) {
		for (ctl = 0; ctl < 8; ctl++) {
			bool armed = (ctl & 3) == 1;
			struct board *b = make(2, timers[i].el2 ? NESTED_VHE
								: NESTED_OFF);

			fake_kvm_idreg(timers[i].reg, ctl, 0);
			fake_kvm_attr(DIST, CTLR, ON);
			OK(halts(b));
			fake_kvm_attr(REDIST, CPU(1) | GICR_ENABLE,
				      ~(1u << timers[i].intid));
			OK(halts(b));
			fake_kvm_attr(REDIST, CPU(1) | GICR_ENABLE,
				      1u << timers[i].intid);
			EQ(halts(b), !armed);
			board_rig_unmake(b);
		}
	}
}

TEST(vcpus_that_are_all_off_have_halted_whatever_is_enabled)
{
	struct board *b = make(2, NESTED_OFF);

	fake_kvm_attr(DIST, CTLR, ON);
	fake_kvm_attr(DIST, ISENABLER + 4, 1);
	OK(!halts(b));
	fake_kvm_mp_state(KVM_MP_STATE_STOPPED);
	OK(halts(b));
	board_rig_unmake(b);
}

TEST(on_a_gicv2_the_same_holds)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	fake_kvm_reset();
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
	c.cpus = 2;
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_kvm_attr(DIST, CTLR, 1);
	fake_kvm_idreg(KVM_REG_ARM_TIMER_CTL, 1, 0);
	OK(halts(b));
	fake_kvm_attr(DIST, CPU(1) | ISENABLER, 1u << 27);
	OK(!halts(b));
	fake_kvm_attr(DIST, CPU(1) | ISENABLER, 0);
	OK(halts(b));
	/* The last word for a GICv2m's. */
	fake_kvm_attr(DIST, ISENABLER + 16, 1u << 31);
	OK(!halts(b));
	board_rig_unmake(b);
}

TEST(what_cannot_be_read_may_be_on)
{
	struct board *b = make(1, NESTED_OFF);

	fake_kvm_fail(KVM_GET_DEVICE_ATTR, 1, EBUSY);
	OK(!halts(b));
	fake_kvm_fail(KVM_GET_ONE_REG, 1, EIO);
	fake_kvm_attr(DIST, CTLR, ON);
	fake_kvm_attr(REDIST, GICR_ENABLE, 1u << 27);
	OK(!halts(b));
	board_rig_unmake(b);
}

TEST(two_suspicions_with_work_between_them_are_none)
{
	struct board *b = make(1, NESTED_OFF);

	OK(!board_look_for_halt(b));
	b->halt.ran = 1; /* another time than before */
	OK(!board_look_for_halt(b));
	b->halt.ran = 2;
	OK(!board_look_for_halt(b));
	/* One look that finds it awake is what our own look costs. */
	OK(!board_look_for_halt(b));
	b->halt.ran = 1;
	OK(!board_look_for_halt(b));
	OK(board_look_for_halt(b));
	board_rig_unmake(b);
}

TEST(a_vm_that_an_event_has_stopped_has_not_halted)
{
	struct board *b = make(1, NESTED_OFF);

	b->vm.stopped = true;
	OK(!halts(b));
	EQ(b->vm.target, VM_PAUSE);
	b->vm.stopped = false;
	OK(halts(b));
	EQ(b->vm.target, VM_RUN);
	board_rig_unmake(b);
}
