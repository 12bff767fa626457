/* SPDX-License-Identifier: MIT */
#include "nested/state.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "core/kvm.h"

#define CORE_REG(field)                                        \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 (offsetof(struct kvm_regs, field) / sizeof(uint32_t)))

static const struct {
	const char *name;
	uint64_t id;
} regs[] = {
	[EL2_PSTATE] = { "PSTATE", CORE_REG(regs.pstate) },
	[EL2_HCR] = { "HCR_EL2", ARM64_SYS_REG(3, 4, 1, 1, 0) },
	[EL2_VTTBR] = { "VTTBR_EL2", ARM64_SYS_REG(3, 4, 2, 1, 0) },
	[EL2_VNCR] = { "VNCR_EL2", ARM64_SYS_REG(3, 4, 2, 2, 0) },
	[EL2_ELR] = { "ELR_EL2", ARM64_SYS_REG(3, 4, 4, 0, 1) },
	[EL2_ESR] = { "ESR_EL2", ARM64_SYS_REG(3, 4, 5, 2, 0) },
	[EL2_FAR] = { "FAR_EL2", ARM64_SYS_REG(3, 4, 6, 0, 0) },
	[EL2_HPFAR] = { "HPFAR_EL2", ARM64_SYS_REG(3, 4, 6, 0, 4) },
};
static_assert(sizeof(regs) / sizeof(*regs) == EL2_REGS,
	      "each register has a name");

const char *el2_reg_name(enum el2_reg r)
{
	return regs[r].name;
}

int el2_state_read(int vcpu_fd, struct el2_state *s)
{
	struct kvm_one_reg reg;
	int i, r;

	*s = (struct el2_state){ 0 };
	for (i = 0; i < EL2_REGS; i++) {
		reg.id = regs[i].id;
		reg.addr = (uintptr_t)&s->val[i];
		r = kvm_ioctlp(vcpu_fd, KVM_GET_ONE_REG, &reg);
		if (r < 0 && r != -ENOENT)
			return r;
		s->have[i] = r >= 0;
	}
	return 0;
}
