/* SPDX-License-Identifier: MIT */
#include "nested/state.h"

#include <errno.h>

#include "core/kvm.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

TEST(the_state_of_an_el2_is_read_register_by_register)
{
	struct el2_state s;
	unsigned i;

	fake_kvm_reset();
	fake_kvm_reg(0x3c9);
	EQ(el2_state_read(0, &s), 0);
	EQ(fake_kvm_count(KVM_GET_ONE_REG), EL2_REGS);
	for (i = 0; i < EL2_REGS; i++)
		OK(s.have[i] && s.val[i] == 0x3c9);
}

TEST(a_register_that_the_guest_has_not_is_left_out)
{
	struct el2_state s;

	fake_kvm_reset();
	fake_kvm_fail(KVM_GET_ONE_REG, EL2_VNCR + 1, ENOENT);
	EQ(el2_state_read(0, &s), 0);
	OK(s.have[EL2_VTTBR] && !s.have[EL2_VNCR]);
	fake_kvm_fail(KVM_GET_ONE_REG, 1, EIO);
	EQ(el2_state_read(0, &s), -EIO);
}
