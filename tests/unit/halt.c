/* SPDX-License-Identifier: MIT */
/* Whether a guest has halted for good: what the board looks at. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#include "machine/board_impl.h"
#include "arm64/map.h"
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

static pid_t sleeper;

static void *sleep_on(void *arg)
{
	(void)arg;
	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

static void watch(struct vcpu *v, pid_t tid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	v->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	OK(v->stat_fd >= 0);
}

/* As KVM has it in a WFI; there is one thread that sleeps for all vCPUs. */
static void put_to_sleep(struct vcpu *v)
{
	pthread_t thread;

	if (!sleeper) {
		EQ(pthread_create(&thread, NULL, sleep_on, NULL), 0);
		AWAIT(__atomic_load_n(&sleeper, __ATOMIC_ACQUIRE));
	}
	watch(v, sleeper);
	v->inside = true;
	AWAIT(vcpu_sleeps(v));
}

static struct board *make_gic(unsigned cpus, enum nested_kind nested,
			      enum gic_kind gic)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i;

	c.cpus = cpus;
	c.nested = nested;
	c.detect_halt = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	if (gic == GIC_V2)
		fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_kvm_reg(0);
	for (i = 0; i < cpus; i++)
		put_to_sleep(&b->vm.vcpus[i]);
	/* As if their threads were parked. */
	b->vm.state = VM_RUNNING;
	b->vm.nparked = cpus;
	return b;
}

static struct board *make(unsigned cpus, enum nested_kind nested)
{
	return make_gic(cpus, nested, GIC_V3);
}

/* No thread of the VM's own has run between any two looks. */
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
	struct board *b = make_gic(2, NESTED_OFF, GIC_V2);

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

TEST(a_vm_that_stands_still_has_not_halted)
{
	struct board *b = make(1, NESTED_OFF);

	b->vm.state = VM_PAUSED;
	OK(!halts(b));
	b->vm.state = VM_RUNNING;
	OK(halts(b));
	EQ(b->vm.target, VCPUS_RUN);
	board_rig_unmake(b);
}

TEST(a_vcpu_that_runs_or_is_handled_by_nestor_has_not_halted)
{
	struct board *b = make(2, NESTED_OFF);

	b->vm.vcpus[1].inside = false;
	OK(!halts(b));
	/* This thread: in KVM_RUN, and it runs. */
	b->vm.vcpus[1].inside = true;
	watch(&b->vm.vcpus[1], gettid());
	OK(!halts(b));
	put_to_sleep(&b->vm.vcpus[1]);
	OK(halts(b));
	board_rig_unmake(b);
}

/* --- stuck ----------------------------------------------------------------- */

#define REG(field)                                             \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (offsetof(struct kvm_regs, field) / sizeof(uint32_t)))
#define SCTLR  ARM64_SYS_REG(3, 0, 1, 0, 0)
#define TTBR0  ARM64_SYS_REG(3, 0, 2, 0, 0)
#define TTBR1  ARM64_SYS_REG(3, 0, 2, 0, 1)
#define TCR    ARM64_SYS_REG(3, 0, 2, 0, 2)
#define MASKED 0x3c5u /* EL1h, DAIF */
#define CODE   (MAP_RAM_BASE + 0x200000)
#define NOP    0xd503201f
#define WFE    0xd503205f
#define WFI    0xd503207f
#define ISB    0xd5033fdf
#define MOV    0xaa0003e0 /* x0, x0 */
#define B(n)   (0x14000000 | ((n)&0x3ffffff))

/* Is CPU 0 stuck, which is awake, at instruction @at of these? */
static bool stuck_at(unsigned at, uint64_t pstate, const uint32_t *code,
		     size_t size)
{
	struct board *b = make(1, NESTED_OFF);
	bool stuck;

	b->vm.vcpus[0].inside = false;
	EQ(gmem_write(&b->vm.mem, CODE, code, size), 0);
	fake_kvm_idreg(REG(regs.pc), CODE + 4 * at, 0);
	fake_kvm_idreg(REG(regs.pstate), pstate, 0);
	/* Whatever is enabled. */
	fake_kvm_attr(DIST, CTLR, ON);
	fake_kvm_attr(DIST, ISENABLER + 4, 1);
	stuck = halts(b);
	board_rig_unmake(b);
	return stuck;
}

#define STUCK(at, pstate, ...)                                     \
	stuck_at(at, pstate, (const uint32_t[]){ __VA_ARGS__, 0 }, \
		 sizeof((const uint32_t[]){ __VA_ARGS__, 0 }))

TEST(a_loop_of_nothing_that_takes_no_interrupt_is_an_end)
{
	OK(STUCK(0, MASKED, B(0)));
	OK(STUCK(0, MASKED, WFI, B(-1)));
	OK(STUCK(1, MASKED, WFI, B(-1)));
	OK(STUCK(2, MASKED, WFE, WFI, B(-2)));
	OK(STUCK(1, MASKED, NOP, ISB, WFI, B(-2)));
}

TEST(a_loop_that_does_something_or_takes_interrupts_is_none)
{
	OK(!STUCK(0, MASKED, MOV, B(-1)));
	OK(!STUCK(1, MASKED, MOV, WFI, B(-2)));
	OK(!STUCK(0, MASKED, WFI, B(1)));
	OK(!STUCK(0, MASKED, WFI, MOV));
	OK(!STUCK(0, MASKED, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, B(-8)));
	/* Out of all memory, forwards and backwards. */
	OK(!STUCK(0, MASKED, NOP, B(-100)));
	OK(!STUCK(0, MASKED, NOP, B(0x1ffffff)));
	/* One of I and F alone; EL0; AArch32. */
	OK(!STUCK(0, MASKED & ~0x80, B(0)));
	OK(!STUCK(0, MASKED & ~0x40, B(0)));
	OK(!STUCK(0, MASKED & ~0xf, B(0)));
	OK(!STUCK(0, MASKED | 0x10, B(0)));
}

/* A loop at an address of the guest's own; tables stand one after the other. */
#define TABLES (MAP_RAM_BASE + 0x300000)
#define LOOP   (CODE + 0x4230)

static const struct space {
	uint64_t base; /* of the virtual address, whose lower bits are LOOP's */
	uint64_t tcr;
	unsigned va_bits, page_bits;
	unsigned leaf; /* a page: 1; a block: the level above */
} spaces[] = {
	/* 4 KiB: a page and a block above, of 48 and 39 bits; the lower half. */
	{ 0xffff800008000000, 2ull << 30 | 16 << 16, 48, 12, 1 },
	{ 0xffffffc008000000, 2ull << 30 | 25 << 16, 39, 12, 2 },
	{ 0x0000004008000000, 0ull << 14 | 25, 39, 12, 1 },
	/* 16 KiB, 47 bits; 64 KiB, 48 bits: a page, and a block of 512 MiB. */
	{ 0xffff800008000000, 1ull << 30 | 17 << 16, 47, 14, 1 },
	{ 0xffff800020000000, 3ull << 30 | 16 << 16, 48, 16, 1 },
	{ 0xffff800020000000, 3ull << 30 | 16 << 16, 48, 16, 2 },
};
#define SPACES (sizeof(spaces) / sizeof(spaces[0]))

/* Is CPU 0 stuck there; and if descriptor @broken on the way is not valid? */
static bool stuck_in(const struct space *s, unsigned broken)
{
	const unsigned step = s->page_bits - 3;
	const unsigned levels = (s->va_bits - s->page_bits + step - 1) / step;
	uint64_t mask = (1ull << (s->page_bits + (s->leaf - 1) * step)) - 1;
	uint64_t va = (s->base & ~mask) | (LOOP & mask), table = TABLES, desc;
	const uint32_t loop = B(0);
	struct board *b = make(1, NESTED_OFF);
	unsigned k, n = 0;
	bool stuck;

	b->vm.vcpus[0].inside = false;
	EQ(gmem_write(&b->vm.mem, LOOP, &loop, 4), 0);
	for (k = levels; k >= s->leaf; k--) {
		unsigned shift = s->page_bits + (k - 1) * step;
		uint64_t index = va >> shift & ((1u << step) - 1);

		if (k == levels)
			index &= (1ull << (s->va_bits - shift)) - 1;
		desc = k > s->leaf ? (table + (1u << s->page_bits)) | 3
				   : (LOOP & ~mask) | 0x70c | (k == 1 ? 3 : 1);
		if (n++ == broken)
			desc &= ~1ull;
		EQ(gmem_write(&b->vm.mem, table + index * 8, &desc, 8), 0);
		table += 1u << s->page_bits;
	}
	fake_kvm_idreg(REG(regs.pc), va, 0);
	fake_kvm_idreg(REG(regs.pstate), MASKED, 0);
	fake_kvm_idreg(SCTLR, 1, 0);
	fake_kvm_idreg(TCR, s->tcr, 0);
	/* An ASID, and CnP. */
	fake_kvm_idreg(va >> 55 & 1 ? TTBR1 : TTBR0, TABLES | 7ull << 48 | 1,
		       0);
	stuck = halts(b);
	board_rig_unmake(b);
	return stuck;
}

TEST(a_loop_of_nothing_is_found_through_the_guests_tables)
{
	unsigned i, broken;

	for (i = 0; i < SPACES; i++) {
		OK(stuck_in(&spaces[i], -1));
		for (broken = 0; broken < 2; broken++)
			OK(!stuck_in(&spaces[i], broken));
	}
}

TEST(tables_that_are_nonsense_hold_no_loop)
{
	struct space s = spaces[0];
	unsigned i;

	s.tcr |= 1ull << 59; /* TCR_EL1.DS: descriptors of 52 bits */
	OK(!stuck_in(&s, -1));
	for (i = 0; i < 64; i++) {
		s = spaces[0];
		s.tcr ^= 1ull << i;
		stuck_in(&s, -1);
	}
	s = spaces[0];
	s.tcr = UINT64_MAX & ~(1ull << 59);
	OK(!stuck_in(&s, -1));
}

/* --- where panic() leaves them --------------------------------------------- */

#define OPEN	0x005u /* EL1h, no exception masked */
#define IDLE	0x0c5u /* EL1h, IRQ and FIQ masked */
#define FRAME	0xffff800081234560
#define CNTVCT	0xd53be040 /* MRS X0, CNTVCT_EL0 */
#define WFIT	0xd5031021 /* X1 */
#define HCR_EL2 ARM64_SYS_REG(3, 4, 1, 1, 0)

/* Does a guest look panicked, all of whose @cpus are at @insn? */
static bool panicked_at(unsigned cpus, uint32_t insn, uint64_t pstate, bool mmu)
{
	static const struct space *s = &spaces[1];
	struct board *b = make(cpus, NESTED_OFF);
	const uint64_t block = (LOOP & ~0x1fffffull) | 0x70d;
	const uint64_t va = s->base | (LOOP & 0x1fffff);
	const uint64_t table = (TABLES + 4096) | 3;
	uint64_t frame = 0;
	bool panicked;

	EQ(gmem_write(&b->vm.mem, LOOP, &insn, 4), 0);
	EQ(gmem_write(&b->vm.mem, TABLES + (va >> 30 & 0x1ff) * 8, &table, 8),
	   0);
	EQ(gmem_write(&b->vm.mem, TABLES + 4096 + (va >> 21 & 0x1ff) * 8,
		      &block, 8),
	   0);
	fake_kvm_idreg(REG(regs.pc), mmu ? va + 8 : LOOP + 8, 0);
	fake_kvm_idreg(REG(regs.pstate), pstate, 0);
	fake_kvm_idreg(REG(regs.regs[29]), FRAME, 0);
	fake_kvm_idreg(REG(regs.regs[19]), FRAME, 0);
	fake_kvm_idreg(SCTLR, mmu, 0);
	fake_kvm_idreg(TCR, s->tcr, 0);
	fake_kvm_idreg(TTBR1, TABLES, 0);
	panicked = board_look_for_panic(b, &frame);
	if (panicked)
		EQ(frame, FRAME);
	board_rig_unmake(b);
	return panicked;
}

TEST(a_kernel_that_waits_for_time_to_pass_with_interrupts_may_have_panicked)
{
	OK(panicked_at(1, WFE, OPEN, true));
	OK(panicked_at(1, WFIT, OPEN, true));
	OK(panicked_at(1, CNTVCT, OPEN, true));
	OK(panicked_at(1, 0, 0x13, true)); /* SVC of 32 bits */
}

TEST(a_guest_that_idles_or_works_has_not_panicked)
{
	OK(!panicked_at(1, WFI, IDLE, true));
	OK(!panicked_at(1, WFI, MASKED, true));
	OK(!panicked_at(1, MOV, OPEN, true));
	OK(!panicked_at(1, WFE, OPEN & ~0xfu, true)); /* EL0 */
	OK(!panicked_at(1, WFE, OPEN, false));
	OK(!panicked_at(2, WFE, OPEN, true));
	OK(!panicked_at(1, 0, 0x93, true));
	OK(!panicked_at(1, 0, 0x10, true));
}

TEST(a_guest_within_the_guest_that_panics_is_none_that_has_panicked)
{
	struct board *b = make(1, NESTED_VHE);
	uint64_t frame;

	fake_kvm_idreg(HCR_EL2, 1, 0);
	fake_kvm_idreg(REG(regs.pstate), 0x13, 0);
	OK(!board_look_for_panic(b, &frame));
	board_rig_unmake(b);
	b = make(1, NESTED_VHE);
	fake_kvm_idreg(REG(regs.pstate), 0x13, 0);
	OK(board_look_for_panic(b, &frame));
	board_rig_unmake(b);
}

TEST(a_vm_that_does_not_run_is_not_looked_at_for_a_panic)
{
	struct board *b = make(1, NESTED_OFF);
	uint64_t frame;

	fake_kvm_idreg(REG(regs.pstate), 0x13, 0);
	b->vm.state = VM_PAUSED;
	OK(!board_look_for_panic(b, &frame));
	b->vm.state = VM_RUNNING;
	OK(board_look_for_panic(b, &frame));
	board_rig_unmake(b);
}
