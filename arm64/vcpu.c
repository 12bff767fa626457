/* SPDX-License-Identifier: MIT */
/* A vCPU in KVM: its features, its first registers, and its exits. */
#include "arm64/vcpu.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/psci.h>
#include <string.h>

#include "arm64/map.h"
#include "arm64/psci.h"
#include "core/arch.h"
#include "core/bus.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"
#include "machine/arch.h"
#include "nested/el2.h"
#include "nested/reg.h"

int vcpu_get_reg(const struct vcpu *v, uint64_t id, uint64_t *val)
{
	return kvm_get_reg(v->fd, id, val);
}

int vcpu_set_reg(const struct vcpu *v, uint64_t id, uint64_t val)
{
	return kvm_set_reg(v->fd, id, &val);
}

static const struct vcpu_model *model(const struct vcpu *v)
{
	return v->vm->arch;
}

void vcpu_model_probe(int kvm_fd, struct vcpu_model *m)
{
	m->pmu = m->pmu && kvm_cap(kvm_fd, KVM_CAP_ARM_PMU_V3) > 0;
	/* These two are AArch64's alone. */
	m->sve = m->sve && !m->aarch32 && kvm_cap(kvm_fd, KVM_CAP_ARM_SVE) > 0;
	m->pauth = m->pauth && !m->aarch32 &&
		   kvm_cap(kvm_fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0 &&
		   kvm_cap(kvm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC) > 0;
}

static int complain(const struct vcpu *v, const char *what, int r)
{
	if (r < 0)
		log_warnx("vCPU %u: %s: %s", v->index, what, strerror(-r));
	return r < 0 ? r : 0;
}

int vcpu_init(struct vcpu *v)
{
	const struct vcpu_model *m = model(v);
	struct kvm_vcpu_init init = { .target = m->target };

	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (v->index)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	if (m->aarch32)
		init.features[0] |= 1u << KVM_ARM_VCPU_EL1_32BIT;
	if (m->pmu)
		init.features[0] |= 1u << KVM_ARM_VCPU_PMU_V3;
	if (m->sve)
		init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
	if (m->pauth)
		init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS |
				    1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	init.features[0] |= nested_features(m->nested);
	v->wants_suspend = false;
	return complain(v, "KVM_ARM_VCPU_INIT",
			kvm_ioctlp(v->fd, KVM_ARM_VCPU_INIT, &init));
}

int vcpu_finalize(struct vcpu *v)
{
	const struct vcpu_model *m = model(v);
	int what = KVM_ARM_VCPU_SVE, r = 0;

	if (m->sve)
		r = complain(v, "KVM_ARM_VCPU_FINALIZE",
			     kvm_ioctlp(v->fd, KVM_ARM_VCPU_FINALIZE, &what));
	return r;
}

int vcpu_init_pmu(struct vcpu *v)
{
	int intid = PPI_PMU + 16;
	int r = kvm_set_attr(v->fd, KVM_ARM_VCPU_PMU_V3_CTRL,
			     KVM_ARM_VCPU_PMU_V3_IRQ, &intid);

	if (!r)
		r = kvm_set_attr(v->fd, KVM_ARM_VCPU_PMU_V3_CTRL,
				 KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	return complain(v, "setting up the PMU", r);
}

int vcpu_init_pvtime(struct vcpu *v, gpa_t gpa)
{
	uint64_t ipa = gpa;

	return kvm_set_attr(v->fd, KVM_ARM_VCPU_PVTIME_CTRL,
			    KVM_ARM_VCPU_PVTIME_IPA, &ipa);
}

int vcpu_set_pc_x0(struct vcpu *v, uint64_t pc, uint64_t x0)
{
	int r = vcpu_set_reg(v, CORE_REG(regs.pc), pc);

	if (!r)
		r = vcpu_set_reg(v, CORE_REG(regs.regs[0]), x0);
	return complain(v, "setting its entry point", r);
}

/*
 * The address of the tree, in x0 or as an ARM kernel wants it: in r2, with the
 * machine type of a tree in r1 (Documentation/arch/arm/booting.rst).
 */
int arch_set_entry(struct vcpu *v, gpa_t pc, gpa_t fdt)
{
	int r;

	if (!model(v)->aarch32)
		return vcpu_set_pc_x0(v, pc, fdt);
	r = vcpu_set_reg(v, CORE_REG(regs.regs[1]), UINT32_MAX);
	if (!r)
		r = vcpu_set_reg(v, CORE_REG(regs.regs[2]), fdt);
	complain(v, "telling it of the tree", r);
	return r < 0 ? r : vcpu_set_pc_x0(v, pc, 0);
}

enum arch_next vcpu_fail(struct vcpu *v)
{
	vm_post(v->vm, VM_FAILED, v, 0);
	return ARCH_PARK;
}

static enum arch_next system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_post(v->vm, VM_POWEROFF, v, 0);
		return ARCH_PARK;
	case KVM_SYSTEM_EVENT_RESET:
		vm_post(v->vm, VM_RESET, v, 0);
		return ARCH_PARK;
	case KVM_SYSTEM_EVENT_SUSPEND:
		return psci_suspend(v);
	case KVM_SYSTEM_EVENT_WAKEUP:
		return psci_wake_up(v);
	case KVM_SYSTEM_EVENT_CRASH:
		vm_post(v->vm, VM_PANIC, v, 0);
		return ARCH_PARK;
	}
	log_warnx("vCPU %u: KVM reports an unknown system event %u", v->index,
		  v->run->system_event.type);
	return vcpu_fail(v);
}

/*
 * KVM hands over 1, 2, 4 or 8 bytes in the guest's order: little. Word by
 * word and not by memcpy(), which uses vector registers: after each KVM_RUN
 * the first use of those is a trap of its own.
 */
static uint64_t mmio_value(const uint8_t *data, unsigned len)
{
	switch (len) {
	case 1:
		return *data;
	case 2:
		return *(const uint16_t *)data;
	case 4:
		return *(const uint32_t *)data;
	}
	return *(const uint64_t *)data;
}

static void mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	bool write = run->mmio.is_write;
	uint64_t val = 0;

	if (write)
		val = mmio_value(run->mmio.data, run->mmio.len);
	bus_access(&v->vm->bus, run->mmio.phys_addr, run->mmio.len, write,
		   &val);
	/* KVM takes mmio.len bytes of it. */
	if (!write)
		*(uint64_t *)run->mmio.data = val;
}

/*
 * The guest reached for a device with an instruction that the CPU does not
 * describe (a pair, a vector, write-back). As no memory answers there, it gets
 * what a bus would give: an external abort.
 */
static void abort_guest(struct vcpu *v)
{
	struct kvm_vcpu_events ev = { .exception.ext_dabt_pending = 1 };

	kvm_ioctlp(v->fd, KVM_SET_VCPU_EVENTS, &ev);
}

enum arch_next arch_vcpu_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		mmio(v);
		return ARCH_RUN;
	case KVM_EXIT_SYSTEM_EVENT:
		return system_event(v);
	case KVM_EXIT_ARM_NISV:
		abort_guest(v);
		return ARCH_RUN;
	case KVM_EXIT_INTR:
		return ARCH_RUN;
	case KVM_EXIT_FAIL_ENTRY:
		log_warnx("vCPU %u: the CPU refused to enter the guest "
			  "(reason %#" PRIx64 ")",
			  v->index,
			  (uint64_t)run->fail_entry
				  .hardware_entry_failure_reason);
		return vcpu_fail(v);
	case KVM_EXIT_INTERNAL_ERROR:
		log_warnx("vCPU %u: internal error %u of KVM", v->index,
			  run->internal.suberror);
		return vcpu_fail(v);
	}
	log_warnx("vCPU %u: unexpected exit %u from KVM", v->index,
		  run->exit_reason);
	return vcpu_fail(v);
}

void arch_vm_stopped(struct vm *vm)
{
	counter_stop(vm);
}

void arch_vm_going_on(struct vm *vm)
{
	counter_go_on(vm);
	psci_settle(vm);
}

#define ID_AA64MMFR0_EL1 ARM64_SYS_REG(3, 0, 0, 7, 0)

/* EFAULT: KVM had no memory for what was touched, or could not follow tables. */
static void explain_fault(const struct vcpu *v)
{
	const char *why = "the host has no memory left for what the guest uses";
	char text[256];
	uint64_t mmfr0 = 0;

	if (model(v)->nested != NESTED_OFF &&
	    !vcpu_get_reg(v, ID_AA64MMFR0_EL1, &mmfr0)) {
		nested_explain_fault(mmfr0, text, sizeof(text));
		why = text;
	}
	log_warnx("vCPU %u: probably %s", v->index, why);
}

enum arch_next arch_vcpu_error(struct vcpu *v, int err)
{
	uint64_t pc = 0;

	vcpu_get_reg(v, CORE_REG(regs.pc), &pc);
	log_warnx("vCPU %u: KVM_RUN failed at pc %#" PRIx64 ": %s", v->index,
		  pc, strerror(err));
	if (err == EFAULT)
		explain_fault(v);
	return vcpu_fail(v);
}

/*
 * A device window is Device memory to the guest, whose reads then go past the
 * caches on a host without FEAT_S2FWB: what we store must be in memory, not
 * only in our cache.
 */
void arch_clean_to_memory(const void *p)
{
#ifdef __aarch64__
	__asm__ volatile("dc cvac, %0\n\tdsb sy" : : "r"(p) : "memory");
#else
	/* Only unit tests run on another architecture. */
	(void)p;
#endif
}

/*
 * The end of a VM walks all the addresses that it might have had, which for 52
 * bits takes seconds. Kernels before 4.20 know 40 bits only.
 */
int arch_scratch_vm(int kvm_fd)
{
	bool small = kvm_cap(kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE) > 0;

	return kvm_ioctl(kvm_fd, KVM_CREATE_VM,
			 small ? KVM_VM_TYPE_ARM_IPA_SIZE(32) : 0);
}
