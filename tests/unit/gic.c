/* SPDX-License-Identifier: MIT */
/* The reset of a GIC; creating one is in board.c, what is enabled in halt.c. */
#include "arm64/gic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>

#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

#define DIST   KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPU    KVM_DEV_ARM_VGIC_GRP_CPU_REGS
#define SYSREG KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS

/* Offsets (Arm IHI 0069, 12.8; IHI 0048, 4.3). */
#define CTLR	  0x000u
#define ICENABLER 0x180u
#define ISPENDR	  0x200u
#define ICPENDR	  0x280u
#define ITARGETSR 0x800u
#define IROUTER	  0x6000u
#define SGI	  0x10000u

static struct machine m;
static int fd;

static void begin(enum gic_kind gic, unsigned cpus)
{
	fake_kvm_reset();
	m = (struct machine){ .gic = gic, .cpus = cpus };
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* How often @attr of @group was written. */
static unsigned writes(uint32_t group, uint64_t attr)
{
	unsigned i, n = 0;

	for (i = 0; i < fake_ncalls; i++)
		n += fake_calls[i].request == KVM_SET_DEVICE_ATTR &&
		     fake_calls[i].a == group && fake_calls[i].b == attr;
	return n;
}

TEST(a_gicv3_is_switched_off_before_anything_else_of_it_changes)
{
	begin(GIC_V3, 1);
	EQ(gic_reset(fd, &m), 0);
	EQ(fake_calls[0].a, DIST);
	EQ(fake_calls[0].b, CTLR);
	close(fd);
}

TEST(a_gicv3_forgets_pending_interrupts_by_their_latches)
{
	begin(GIC_V3, 1);
	EQ(gic_reset(fd, &m), 0);
	EQ(writes(DIST, ISPENDR + 4), 1);
	EQ(writes(DIST, ISPENDR + 8), 1);
	EQ(writes(REDIST, SGI + ISPENDR), 1);
	EQ(writes(DIST, ICPENDR + 4), 0);
	/* The private ones are the redistributor's. */
	EQ(writes(DIST, ISPENDR), 0);
	/* Each SPI is routed to CPU 0 again: 256 of them, as on QEMU's. */
	EQ(writes(DIST, IROUTER + 8 * 32), 1);
	EQ(writes(DIST, IROUTER + 8 * 287), 1);
	EQ(writes(DIST, IROUTER + 8 * 288), 0);
	close(fd);
}

TEST(every_cpu_of_a_gicv3_is_reset_under_its_affinity)
{
	begin(GIC_V3, 18);
	EQ(gic_reset(fd, &m), 0);
	EQ(writes(REDIST, SGI + ICENABLER), 1);
	EQ(writes(REDIST, 15ull << 32 | (SGI + ICENABLER)), 1);
	/* 16 CPUs a cluster: the next one is CPU 0 of cluster 1. */
	EQ(writes(REDIST, 16ull << 32 | (SGI + ICENABLER)), 0);
	EQ(writes(REDIST, 0x101ull << 32 | (SGI + ICENABLER)), 1);
	/* ICC_PMR_EL1 */
	EQ(writes(SYSREG, 0x101ull << 32 | 0xc230), 1);
	close(fd);
}

TEST(a_gicv2_clears_what_is_pending_and_the_banked_registers_of_each_cpu)
{
	begin(GIC_V2, 2);
	EQ(gic_reset(fd, &m), 0);
	EQ(writes(DIST, ICPENDR + 4), 1);
	EQ(writes(DIST, ISPENDR + 4), 0);
	EQ(writes(DIST, ICENABLER), 1);
	EQ(writes(DIST, 1ull << 32 | ICENABLER), 1);
	/* Those that all CPUs share, once. */
	EQ(writes(DIST, 1ull << 32 | (ICENABLER + 4)), 0);
	/* No SPI goes to any CPU; the targets of private ones are fixed. */
	EQ(writes(DIST, ITARGETSR + 32), 1);
	EQ(writes(DIST, ITARGETSR), 0);
	/* The CPU interface, and nothing that a GICv2 has not. */
	EQ(writes(CPU, 1ull << 32 | CTLR), 1);
	EQ(writes(SYSREG, 0xc230), 0);
	EQ(writes(REDIST, CTLR), 0);
	close(fd);
}

TEST(a_register_that_kvm_refuses_fails_the_reset)
{
	begin(GIC_V3, 1);
	fake_kvm_fail(KVM_SET_DEVICE_ATTR, 5, EBUSY);
	EQ(gic_reset(fd, &m), -EBUSY);
	begin(GIC_V2, 1);
	fake_kvm_fail(KVM_SET_DEVICE_ATTR, 1, EBUSY);
	EQ(gic_reset(fd, &m), -EBUSY);
	close(fd);
}
