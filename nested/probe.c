/* SPDX-License-Identifier: MIT */
/*
 * Finding out whether KVM offers an EL2, the reason where it does not, and what
 * makes it slow here.
 */
#include "nested/probe.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/cmdline.h"
#include "core/kvm.h"
#include "host/info.h"
#include "nested/granule.h"

/* The first Linux whose KVM/arm64 has nested virtualization. */
#define FIRST_MAJOR 6
#define FIRST_MINOR 16

#define MODE_KEY "kvm-arm.mode="

#define ID_AA64MMFR0_EL1 ARM64_SYS_REG(3, 0, 0, 7, 0)
#define ID_AA64MMFR1_EL1 ARM64_SYS_REG(3, 0, 0, 7, 1)
#define MMFR0_TGRAN4(v)	 ((v) >> 28 & 15) /* 1: with LPA2 */
#define MMFR0_FGT(v)	 ((v) >> 56 & 15)
#define MMFR1_VH(v)	 ((v) >> 8 & 15)

static void look(struct nested_cpu *c, int vm_fd, int vcpu_fd)
{
	struct kvm_vcpu_init init = { 0 };
	uint64_t mmfr0 = 0, mmfr1 = 0;
	int r = kvm_ioctlp(vm_fd, KVM_ARM_PREFERRED_TARGET, &init);

	if (r >= 0)
		r = kvm_ioctlp(vcpu_fd, KVM_ARM_VCPU_INIT, &init);
	if (r >= 0)
		r = kvm_get_reg(vcpu_fd, ID_AA64MMFR0_EL1, &mmfr0);
	if (r >= 0)
		r = kvm_get_reg(vcpu_fd, ID_AA64MMFR1_EL1, &mmfr1);
	if (r < 0)
		return;
	*c = (struct nested_cpu){
		.known = true,
		.vhe = MMFR1_VH(mmfr1),
		.fgt = MMFR0_FGT(mmfr0),
		.lpa2 = MMFR0_TGRAN4(mmfr0) == 1,
		.granules = granules_stage1(mmfr0),
	};
}

/*
 * A plain vCPU, even if it could have an EL2: the end of a VM that has one
 * takes seconds, or half a minute with LPA2, even if it has never run.
 */
void nested_look(struct nested_cpu *c, int kvm_fd)
{
	int vm = arch_scratch_vm(kvm_fd);
	int vcpu;

	*c = (struct nested_cpu){ 0 };
	if (vm < 0)
		return;
	vcpu = kvm_ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu >= 0) {
		look(c, vm, vcpu);
		close(vcpu);
	}
	close(vm);
}

static bool too_old(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < FIRST_MAJOR ||
	       (major == FIRST_MAJOR && minor < FIRST_MINOR);
}

static void explain(char *why, size_t size, const struct nested_cpu *cpu,
		    const char *release, const char *cmdline)
{
	const char *mode;
	bool nested;
	size_t len;

	mode = cmdline_value(cmdline, "kvm-arm.mode", &len);
	nested = mode && len == strlen("nested") &&
		 !strncmp(mode, "nested", len);
	/* Other modes make Linux leave VHE alone, and vCPUs not show it. */
	if (cpu->known && !cpu->vhe && (!mode || nested))
		snprintf(why, size,
			 "the CPU has no VHE (Armv8.1), so " MODE_KEY
			 "nested would not help: use one with FEAT_NV2 "
			 "(Armv8.4)");
	else if (too_old(release))
		snprintf(why, size,
			 "nested virtualization came with Linux %d.%d and this "
			 "is %.40s: boot a newer kernel with " MODE_KEY
			 "nested",
			 FIRST_MAJOR, FIRST_MINOR, release);
	else if (!mode)
		snprintf(why, size,
			 "KVM is not in nested mode: boot the host "
			 "with " MODE_KEY
			 "nested, on a CPU with FEAT_NV2 (Armv8.4)");
	else if (!nested)
		snprintf(why, size,
			 "the host is booted with " MODE_KEY "%.*s: boot it "
			 "with " MODE_KEY "nested",
			 len < 40 ? (int)len : 40, mode);
	else
		snprintf(why, size,
			 "KVM was asked for nested mode but cannot: it takes a "
			 "CPU with VHE and FEAT_NV2 (Armv8.4), and a host that "
			 "was itself started at EL2");
}

void nested_probe(struct nested_probe *p, int kvm_fd, const char *release,
		  const char *cmdline)
{
	struct nested_cpu cpu;

	*p = (struct nested_probe){ 0 };
	p->el2 = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL2) > 0;
	if (!p->el2) {
		nested_look(&cpu, kvm_fd);
		explain(p->why, sizeof(p->why), &cpu, release, cmdline);
		memcpy(p->why_e2h0, p->why, sizeof(p->why));
		return;
	}
	p->e2h0 = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL2_E2H0) >
		  0;
	if (!p->e2h0)
		snprintf(p->why_e2h0, sizeof(p->why_e2h0),
			 "the CPU lacks HCR_EL2.NV1, which an EL2 without E2H "
			 "needs: use a guest hypervisor with VHE");
}

#define SLOW_TEARDOWN                                                          \
	": the end of a nested guest costs KVM seconds to minutes for each "   \
	"vCPU, which nestor leaves to a task in the background; guest memory " \
	"is free only then"

/* KVM walks all addresses, 1 GiB a step, or 32 MiB with pages of 16 KiB. */
static const char *slow_teardown(unsigned ipa_bits, unsigned page)
{
	if (page > 4096)
		return "host pages of more than 4 KiB" SLOW_TEARDOWN;
	return ipa_bits > 48 ? "addresses of more than 48 bits" SLOW_TEARDOWN
			     : NULL;
}

const char *nested_warning(unsigned i, const struct host_info *host,
			   unsigned ipa_bits, unsigned page)
{
	const char *slow = slow_teardown(ipa_bits, page);

	if (slow && !i--)
		return slow;
	return host->thp_never && !i
		       ? "transparent huge pages are off (never): a nested "
			 "guest can be 30 times slower; write madvise "
			 "to " THP_ENABLED ", or give --hugepages"
		       : NULL;
}
