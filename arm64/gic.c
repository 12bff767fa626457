/* SPDX-License-Identifier: MIT */
/*
 * Creating KVM's GIC, resetting it register by register, since KVM has no reset
 * of its own for it, and reading which interrupts the guest has enabled.
 */
#include "arm64/gic.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arm64/map.h"
#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"
#include "machine/arch.h"
#include "nested/el2.h"

static int set_addr(int fd, uint64_t type, uint64_t addr)
{
	return kvm_set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &addr);
}

/* Redistributor region @index: @count CPUs from @base (64 KiB aligned). */
static int add_region(int fd, uint64_t base, uint64_t count, unsigned index)
{
	return set_addr(fd, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
			count << 52 | base | index);
}

static int place_v3(int fd, const struct machine *m)
{
	unsigned low = m->cpus < MAP_GICR_CPUS ? m->cpus : MAP_GICR_CPUS;
	int r = set_addr(fd, KVM_VGIC_V3_ADDR_TYPE_DIST, MAP_GICD_BASE);

	if (!r)
		r = add_region(fd, MAP_GICR_BASE, low, 0);
	if (!r && m->gicr2.size)
		r = add_region(fd, m->gicr2.base,
			       m->gicr2.size / MAP_GICR_STRIDE, 1);
	return r;
}

static int place_v2(int fd)
{
	int r = set_addr(fd, KVM_VGIC_V2_ADDR_TYPE_DIST, MAP_GICD_BASE);

	if (!r)
		r = set_addr(fd, KVM_VGIC_V2_ADDR_TYPE_CPU, MAP_GICC_BASE);
	return r;
}

static int create(struct vm *vm, uint32_t type)
{
	struct kvm_create_device dev = { .type = type };
	int r = kvm_ioctlp(vm->fd, KVM_CREATE_DEVICE, &dev);

	return r < 0 ? r : (int)dev.fd;
}

/* Not on this host, whatever one does. */
static bool is_missing(int fd)
{
	return fd == -ENODEV || fd == -EINVAL;
}

int gic_create(struct vm *vm, struct machine *m, struct err *e)
{
	int fd = create(vm, KVM_DEV_TYPE_ARM_VGIC_V3), r;
	uint32_t intids = GIC_INTIDS;

	m->gic = GIC_V3;
	/* KVM gives no EL2 to a guest with a GICv2. */
	if (is_missing(fd) && !m->el2) {
		fd = create(vm, KVM_DEV_TYPE_ARM_VGIC_V2);
		m->gic = GIC_V2;
	}
	if (is_missing(fd) && m->el2)
		return err_set(e, fd,
			       "--nested: a guest with an EL2 needs a GICv3, "
			       "and this host's KVM has none (%s)",
			       strerror(-fd));
	if (is_missing(fd))
		log_warnx("KVM offers neither a GICv3 nor a GICv2 here");
	else if (fd == -E2BIG)
		return err_set(e, fd,
			       "--cpus %u: this host's GICv2 serves 8 vCPUs "
			       "at the most; give --cpus 8 or fewer",
			       m->cpus);
	else
		log_failure("creating the GIC", fd);
	if (fd < 0)
		return fd;
	r = m->gic == GIC_V3 ? place_v3(fd, m) : place_v2(fd);
	if (!r)
		r = kvm_set_attr(fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &intids);
	if (!r && m->el2)
		r = nested_set_maintenance_irq(fd, PPI_GIC_MAINT + 16);
	if (r < 0) {
		close(fd);
		return log_failure("setting up the GIC", r);
	}
	return fd;
}

int gic_init(int gic_fd)
{
	int r = kvm_set_attr(gic_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			     KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);

	return log_failure("initialising the GIC", r);
}

/*
 * Reset. Offsets and reset values: Arm IHI 0069 (GICv3), 12.8 to 12.11, and
 * IHI 0048 (GICv2), 4.3. KVM takes GICD_ISPENDR from us as the pending latches
 * themselves (Documentation/virt/kvm/devices/arm-vgic-v3.rst).
 */
#define CTLR	   0x0000u
#define IGROUPR	   0x0080u
#define ISENABLER  0x0100u
#define ICENABLER  0x0180u
#define ISPENDR	   0x0200u
#define ICPENDR	   0x0280u
#define ICACTIVER  0x0380u
#define IPRIORITYR 0x0400u
#define ITARGETSR  0x0800u
#define ICFGR	   0x0c00u
#define IROUTER	   0x6000u
#define GICR_SGI   0x10000u /* second frame of a redistributor */
#define GICC_CTLR  0x0000u
#define GICC_PMR   0x0004u
#define GICC_APR   0x00d0u
#define ALL	   0xffffffffu

struct frame {
	int fd;
	uint32_t group;
	uint64_t cpu; /* in the attribute: affinity << 32 */
	int r;	      /* the first error */
};

static void put(struct frame *f, uint64_t off, uint32_t val)
{
	int r = kvm_set_attr(f->fd, f->group, f->cpu | off, &val);

	if (r < 0 && !f->r) {
		f->r = r;
		log_warnx("resetting the GIC: register %#llx: %s",
			  (unsigned long long)off, strerror(-r));
	}
}

/* INTIDs [@first, @end) of one frame: off, idle, level, lowest group. */
static void put_intids(struct frame *f, uint64_t base, unsigned first,
		       unsigned end, enum gic_kind gic)
{
	unsigned i;

	for (i = first; i < end; i += 32) {
		put(f, base + ICENABLER + i / 8, ALL);
		put(f, base + ICACTIVER + i / 8, ALL);
		/* GICv2 has write-one-to-clear, GICv3 takes the latches. */
		if (gic == GIC_V2)
			put(f, base + ICPENDR + i / 8, ALL);
		else
			put(f, base + ISPENDR + i / 8, 0);
		if (gic == GIC_V3)
			put(f, base + IGROUPR + i / 8, 0);
	}
	for (i = first; gic == GIC_V2 && first >= 32 && i < end; i += 4)
		put(f, base + ITARGETSR + i, 0);
	for (i = first; i < end; i += 4)
		put(f, base + IPRIORITYR + i, 0);
	for (i = first < 16 ? 16 : first; i < end; i += 16)
		put(f, base + ICFGR + i / 4, 0);
}

static uint64_t v3_affinity(unsigned cpu)
{
	uint64_t mpidr = vcpu_mpidr(cpu);

	return (mpidr & 0xffffff) << 32;
}

/* ICC_* system registers: op0 3, op1 0, CRn, CRm, op2 as an MRS encodes them. */
static void reset_v3_cpu_interface(int fd, unsigned cpu)
{
	static const uint16_t zero[] = {
		0xc230, /* ICC_PMR_EL1: s3_0_c4_c6_0 */
		0xc643, /* ICC_BPR0_EL1: s3_0_c12_c8_3 */
		0xc663, /* ICC_BPR1_EL1: s3_0_c12_c12_3 */
		0xc644, /* ICC_AP0R0_EL1: s3_0_c12_c8_4 */
		0xc648, /* ICC_AP1R0_EL1: s3_0_c12_c9_0 */
		0xc666, /* ICC_IGRPEN0_EL1: s3_0_c12_c12_6 */
		0xc667, /* ICC_IGRPEN1_EL1: s3_0_c12_c12_7 */
	};
	uint64_t val = 0;
	unsigned i;

	for (i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		kvm_set_attr(fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
			     v3_affinity(cpu) | zero[i], &val);
}

static int reset_v3(int fd, const struct machine *m)
{
	struct frame d = { .fd = fd, .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS };
	unsigned i;
	int r = 0;

	put(&d, CTLR, 0);
	put_intids(&d, 0, 32, GIC_INTIDS, GIC_V3);
	/* KVM has no Aff3: the upper half of each is 0. */
	for (i = 32; i < GIC_INTIDS; i++)
		put(&d, IROUTER + 8 * i, 0);
	for (i = 0; i < m->cpus && !r; i++) {
		struct frame c = { .fd = fd,
				   .group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				   .cpu = v3_affinity(i) };

		put(&c, CTLR, 0);
		put_intids(&c, GICR_SGI, 0, 32, GIC_V3);
		reset_v3_cpu_interface(fd, i);
		r = c.r;
	}
	return d.r ? d.r : r;
}

static int reset_v2(int fd, const struct machine *m)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < m->cpus && !r; i++) {
		/* GICv2 attributes name the CPU from bit 32 on; 0..31 are banked. */
		struct frame d = { .fd = fd,
				   .group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
				   .cpu = (uint64_t)i << 32 };
		struct frame c = { .fd = fd,
				   .group = KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
				   .cpu = (uint64_t)i << 32 };

		put(&c, GICC_CTLR, 0);
		put(&c, GICC_PMR, 0);
		put(&c, GICC_APR, 0);
		if (i == 0) {
			put(&d, CTLR, 0);
			put_intids(&d, 0, 32, GIC_INTIDS, GIC_V2);
		}
		put_intids(&d, 0, 0, 32, GIC_V2);
		r = d.r ? d.r : c.r;
	}
	return r;
}

int gic_reset(int gic_fd, const struct machine *m)
{
	return m->gic == GIC_V3 ? reset_v3(gic_fd, m) : reset_v2(gic_fd, m);
}

#define GROUPS	    0x3u /* of CTLR: in GICv2 and GICv3 alike */
#define ENABLE_LPIS 0x1u /* of GICR_CTLR */

static uint32_t get(int fd, uint32_t group, uint64_t attr)
{
	uint32_t val = 0;
	struct kvm_device_attr a = { .group = group,
				     .attr = attr,
				     .addr = (uintptr_t)&val };

	return kvm_ioctlp(fd, KVM_GET_DEVICE_ATTR, &a) < 0 ? ALL : val;
}

static bool is_off(int fd)
{
	return !(get(fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, CTLR) & GROUPS);
}

bool gic_shared_enabled(int fd, const struct machine *m)
{
	uint32_t enabled = 0;
	unsigned i;

	if (is_off(fd))
		return false;
	for (i = 32; i < GIC_INTIDS; i += 32)
		enabled |= get(fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			       ISENABLER + i / 8);
	for (i = 0; m->gic == GIC_V3 && i < m->cpus; i++)
		enabled |= get(fd, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			       v3_affinity(i) | CTLR) &
			   ENABLE_LPIS;
	return enabled;
}

uint32_t gic_private_enabled(int fd, const struct machine *m, unsigned cpu)
{
	if (is_off(fd))
		return 0;
	return m->gic == GIC_V3 ? get(fd, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				      v3_affinity(cpu) | (GICR_SGI + ISENABLER))
				: get(fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
				      (uint64_t)cpu << 32 | ISENABLER);
}

unsigned arch_irq_lines(const struct machine *m)
{
	return m->gic == GIC_V2 ? SPI_V2M + SPI_V2M_COUNT
				: SPI_VIRTIO + MAP_VIRTIO_SLOTS;
}

int arch_irq_line(const struct vm *vm, unsigned spi, bool on)
{
	struct kvm_irq_level level = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (spi + 32),
		.level = on,
	};
	static struct log_limit complaints;
	int r = kvm_ioctlp(vm->fd, KVM_IRQ_LINE, &level);

	if (r < 0)
		log_guest(&complaints, "SPI %u: %s", spi, strerror(-r));
	return r;
}
