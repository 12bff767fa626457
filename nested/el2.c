/* SPDX-License-Identifier: MIT */
/*
 * Choosing between VHE and nVHE, and the calls that give a VM, its vCPUs and
 * its GIC an EL2.
 */
#include "nested/el2.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/cmdline.h"
#include "core/kvm.h"
#include "core/log.h"
#include "host/info.h"
#include "nested/granule.h"
#include "nested/probe.h"

#define ID_AA64MMFR4_EL1 ARM64_SYS_REG(3, 0, 0, 7, 4)
#define NV_FRAC		 (0xfull << 20) /* FEAT_NV2, for an EL2 with VHE */

/* A Linux that is told to leave VHE alone wants an EL2 without it. */
static bool asks_for_nvhe(const char *params)
{
	size_t len = 0;
	const char *mode = cmdline_value(params, "kvm-arm.mode", &len);

	return mode && ((len == strlen("nvhe") && !memcmp(mode, "nvhe", len)) ||
			(len == strlen("protected") &&
			 !memcmp(mode, "protected", len)));
}

/* So does a hypervisor that is handed its guest, as Xen is. */
static enum nested_kind automatic(const struct config *c)
{
	return c->modules[MODULE_KERNEL].path || c->ndomains ||
			       asks_for_nvhe(c->params)
		       ? NESTED_NVHE
		       : NESTED_VHE;
}

int nested_choose(const struct config *c, int kvm_fd, enum nested_kind *kind,
		  struct err *e)
{
	struct host_info host;
	struct nested_probe p;

	*kind = c->nested;
	if (*kind == NESTED_OFF)
		return 0;
	if (*kind == NESTED_AUTO)
		*kind = automatic(c);
	host_info_read(&host);
	nested_probe(&p, kvm_fd, host.release, host.cmdline);
	if (!p.el2)
		return err_set(e, -ENOTSUP, "--nested: %s", p.why);
	if (*kind == NESTED_NVHE && !p.e2h0)
		return err_set(e, -ENOTSUP, "--nested=nvhe: %s", p.why_e2h0);
	return 0;
}

uint32_t nested_features(enum nested_kind kind)
{
	switch (kind) {
	case NESTED_NVHE:
		return 1u << KVM_ARM_VCPU_HAS_EL2 |
		       1u << KVM_ARM_VCPU_HAS_EL2_E2H0;
	case NESTED_VHE:
		return 1u << KVM_ARM_VCPU_HAS_EL2;
	default:
		return 0;
	}
}

int nested_set_maintenance_irq(int gic_fd, uint32_t intid)
{
	return kvm_set_attr(gic_fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, &intid);
}

int nested_stop_recursion(int vcpu_fd)
{
	uint64_t val = 0;
	int r = kvm_get_reg(vcpu_fd, ID_AA64MMFR4_EL1, &val);

	if (r < 0)
		return r;
	val &= ~NV_FRAC;
	return kvm_set_reg(vcpu_fd, ID_AA64MMFR4_EL1, &val);
}

void nested_explain_fault(uint64_t mmfr0, char *buf, size_t size)
{
	unsigned set = granules_stage2(mmfr0);

	if (set & 4)
		snprintf(
			buf, size,
			"the stage 2 of the guest's hypervisor makes no sense: "
			"VTCR_EL2, VTTBR_EL2, or a descriptor names what is "
			"no RAM");
	else
		snprintf(buf, size,
			 "the guest's hypervisor uses pages of 4 KiB for stage "
			 "2: this host's KVM, whose own pages are larger, has "
			 "%s for it",
			 granules_text(set));
}
