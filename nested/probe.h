/* SPDX-License-Identifier: MIT */
/*
 * Can this host give a guest an EL2, and if not, what would help?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
 * (empty if unknown). Any thread; needs no VM.
 */
void nested_probe(struct nested_probe *, int kvm_fd, const char *release,
		  const char *cmdline);

/*
 * cmdline_value() - what @key (with its '=') was last given on @cmdline
 *
 * *@len is the value's length. NULL if it is not there.
 */
const char *cmdline_value(const char *cmdline, const char *key, size_t *len);
