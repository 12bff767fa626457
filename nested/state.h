/* SPDX-License-Identifier: MIT */
/*
 * The registers of a virtual EL2 that tell what a guest hypervisor is doing, as
 * KVM has them. nested/decode.h puts them into words.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are shown. */
enum el2_reg {
	EL2_PSTATE, /* what the vCPU runs at now, EL2 or below */
	EL2_HCR,
	EL2_VTTBR,
	EL2_VNCR,
	EL2_ELR,
	EL2_ESR,
	EL2_FAR,
	EL2_HPFAR,
	EL2_REGS
};

struct el2_state {
	uint64_t val[EL2_REGS];
	bool have[EL2_REGS]; /* VNCR_EL2: only where the guest may nest */
};

/* "HCR_EL2" and so on. */
const char *el2_reg_name(enum el2_reg);

/*
 * el2_state_read() - from a vCPU that has an EL2
 *
 * 0 or -errno. The vCPU is stopped: KVM would make the caller wait until it
 * leaves KVM_RUN.
 */
int el2_state_read(int vcpu_fd, struct el2_state *);

/* The same as `nestor stat` has it, with its meaning; NULL if it cannot be read. */
json_t *el2_state_json(int vcpu_fd);
