/* SPDX-License-Identifier: MIT */
/*
 * What of PSCI (Arm DEN0022) KVM leaves to its user: SYSTEM_SUSPEND, 5.20.
 */
#pragma once

#include "core/arch.h"

struct vcpu;
struct vm;

/* The vCPU has called it. On its thread. */
enum arch_next psci_suspend(struct vcpu *v);

/*
 * psci_settle() - suspend the system, or not, if a vCPU has asked for it
 *
 * All vCPUs are parked, and about to go on. Main thread.
 */
void psci_settle(struct vm *vm);

/* The suspended vCPU has an interrupt: let it run again. On its thread. */
enum arch_next psci_wake_up(struct vcpu *v);
