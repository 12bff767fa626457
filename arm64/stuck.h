/* SPDX-License-Identifier: MIT */
/*
 * Will a vCPU ever do anything again?
 */
#pragma once

#include <stdbool.h>

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
