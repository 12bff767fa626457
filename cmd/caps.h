/* SPDX-License-Identifier: MIT */
/*
 * What this host's KVM can do: found out once, as plain data, then printed.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum host_cap {
	HOST_GICV3,
	HOST_GICV2,
	HOST_ITS,
	HOST_PMU,
	HOST_SVE,
	HOST_PAUTH,
	HOST_MTE,
	HOST_AARCH32,
	HOST_PVTIME,
	HOST_SUSPEND,
	HOST_READONLY_MEM,
	HOST_IRQFD,
	HOST_IOEVENTFD,
	HOST_DIRTY_RING,
	HOST_EL2, /* from here on it is about nesting */
	HOST_EL2_E2H0,
	HOST_RECURSION,
	HOST_LPA2,
	HOST_CAPS
};

/* Room for all that fault_of() or nested_warning() can say, and NULL. */
#define WARNINGS 10

struct host_info;

struct caps {
	const struct host_info *host;
	bool kvm; /* usable; all that follows is void otherwise */
	char why_no_kvm[256];
	int api;
	unsigned ipa_bits;
	unsigned max_vcpus;
	unsigned page;	       /* bytes of the host's pages */
	unsigned granules;     /* of guests: nested/granule.h; 0: unknown */
	unsigned granules_el2; /* ... for stage 2 of those with an EL2 */
	unsigned sve_bits;     /* longest vector; 0: unknown */
	char kvm_mode[32];     /* kvm-arm.mode=; empty if not given */
	const char *warning[WARNINGS];	   /* about any guest; then NULL */
	const char *warning_el2[WARNINGS]; /* ... one with an EL2 */
	struct {
		bool have;
		char why[256]; /* not: the reason and the remedy */
	} cap[HOST_CAPS];
};

/*
 * caps_probe() - ask /dev/kvm; opens it and closes it
 *
 * @host is to outlive @c. Cannot fail: what is missing is the result.
 */
void caps_probe(struct caps *c, const struct host_info *host);

/* For people: aligned, below 80 columns. */
void caps_print(const struct caps *, FILE *);

/* For programs: one JSON object, keys in a fixed order. 0 or -ENOMEM. */
int caps_json(const struct caps *, FILE *);
