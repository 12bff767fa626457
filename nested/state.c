/* SPDX-License-Identifier: MIT */
/* Reading a vCPU's EL2 registers from KVM, as values and as JSON. */
#include "nested/state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/kvm.h"
#include "nested/decode.h"
#include "nested/reg.h"

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
	int i, r;

	*s = (struct el2_state){ 0 };
	for (i = 0; i < EL2_REGS; i++) {
		r = kvm_get_reg(vcpu_fd, regs[i].id, &s->val[i]);
		if (r < 0 && r != -ENOENT)
			return r;
		s->have[i] = r >= 0;
	}
	return 0;
}

static json_t *register_json(const char *name, uint64_t val)
{
	char hex[24], meaning[400];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, val);
	el2_reg_decode(name, val, meaning, sizeof(meaning));
	return json_pack("{s:s, s:s, s:s}", "name", name, "value", hex,
			 "meaning", meaning);
}

json_t *el2_state_json(int vcpu_fd)
{
	json_t *regs = json_array();
	struct el2_state s;
	int i;

	if (el2_state_read(vcpu_fd, &s) < 0) {
		json_decref(regs);
		return NULL;
	}
	for (i = 0; i < EL2_REGS; i++)
		if (s.have[i])
			json_array_append_new(
				regs, register_json(el2_reg_name(i), s.val[i]));
	return json_pack("{s:i, s:o}", "current_el",
			 (int)(s.val[EL2_PSTATE] >> 2 & 3), "registers", regs);
}
