/* SPDX-License-Identifier: MIT */
/*
 * Can this host give a guest an EL2, and if not, what would help?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct host_info;

struct nested_probe {
	bool el2;      /* a VHE guest hypervisor: E2H is 1 */
	bool e2h0;     /* an nVHE one: E2H is 0 */
	char why[256]; /* not el2: the reason and the remedy */
	char why_e2h0[256];
};

/*
 * nested_probe() - ask KVM, and read the host's command line for the reason
 *
 * @release is the host's uname -r, @cmdline the text of its /proc/cmdline
 * (empty if unknown). Any thread. Only if there is no EL2 it makes a VM, for
 * nested_look().
 */
void nested_probe(struct nested_probe *, int kvm_fd, const char *release,
		  const char *cmdline);

/* What of the host's CPU a vCPU shows that matters for nesting. */
struct nested_cpu {
	bool known; /* KVM gave a vCPU to ask; else all is false */
	bool vhe;   /* FEAT_VHE, unless the host was booted to leave it alone */
	bool fgt;   /* FEAT_FGT, which makes sure that a guest sees NV_frac */
	bool lpa2;  /* 52-bit addresses with pages of 4 KiB */
	unsigned granules; /* of stage 1: nested/granule.h */
};

/*
 * nested_look() - ask a vCPU of a VM of its own; both are gone afterwards
 */
void nested_look(struct nested_cpu *, int kvm_fd);

/*
 * nested_warning() - what makes nesting slow on @host
 *
 * The sentence number @i, where pages have @page bytes and KVM gives guests
 * @ipa_bits of address; NULL past the last.
 */
const char *nested_warning(unsigned i, const struct host_info *host,
			   unsigned ipa_bits, unsigned page);
