/* SPDX-License-Identifier: MIT */
/*
 * Will a vCPU ever do anything again?
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct gmem;
struct vcpu;

/*
 * vcpu_is_stuck() - is it in a loop that it can never leave?
 *
 * One of nothing but WFI, WFE, other hints, barriers and a branch back, at EL1
 * of AArch64 with IRQ and FIQ masked: no interrupt is taken, nothing is read,
 * so that nothing ends it. Tables of 52 bits are not understood: no. Of no use
 * for a guest with an EL2, whose guests have addresses of their own. vCPUs
 * stopped.
 */
bool vcpu_is_stuck(const struct vcpu *, const struct gmem *);

enum posture {
	POSTURE_OTHER,
	POSTURE_PARKED, /* in a kernel, waiting with all exceptions masked */
	POSTURE_DELAY,	/* in a kernel's delay, interrupts welcome */
};

/*
 * vcpu_posture() - what is it doing, at this moment?
 *
 * Linux is parked where smp_send_stop() leaves a vCPU, and in a delay where
 * panic() leaves the last: *@frame is that of the delay's caller. Either is in
 * the kernel of the guest, not of one within it, with its MMU on; the delay
 * waits for an event or looks at the counter. An idle vCPU waits with interrupts
 * masked, and nothing else. vCPUs stopped.
 */
enum posture vcpu_posture(const struct vcpu *, const struct gmem *, bool el2,
			  uint64_t *frame);
