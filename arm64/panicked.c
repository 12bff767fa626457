/* SPDX-License-Identifier: MIT */
/*
 * Does a guest look as Linux does after a panic?
 *
 * One look proves nothing, since a driver can be in a delay too:
 * run/run_panic.c looks several times, and compares.
 */
#include "machine/board_impl.h"
#include "arm64/stuck.h"
#include "core/kvm.h"

static bool is_off(const struct vcpu *v)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	return kvm_ioctlp(v->fd, KVM_GET_MP_STATE, &state) == 0 &&
	       state.mp_state == KVM_MP_STATE_STOPPED;
}

static bool has_panicked(const struct board *b, uint64_t *frame)
{
	unsigned waiting = 0, i;
	uint64_t at;

	for (i = 0; i < b->vm.ncpus; i++) {
		if (is_off(&b->vm.vcpus[i]))
			continue;
		switch (vcpu_posture(&b->vm.vcpus[i], &b->vm.mem, b->m.el2,
				     &at)) {
		case POSTURE_PARKED:
			break;
		case POSTURE_DELAY:
			waiting++;
			*frame = at;
			break;
		case POSTURE_OTHER:
			return false;
		}
	}
	return waiting == 1;
}

bool board_look_for_panic(struct board *b, uint64_t *frame)
{
	bool panicked;

	if (!vm_park(&b->vm))
		return false;
	panicked = has_panicked(b, frame);
	vm_unpark(&b->vm);
	return panicked;
}
