/* SPDX-License-Identifier: MIT */
/*
 * KVM's own statistics of a VM or a vCPU, by name.
 *
 * KVM describes them in the file that it hands out (KVM_GET_STATS_FD; "The
 * binary statistics" in Documentation/virt/kvm/api.rst), so that no name or
 * order is built in here: what a kernel does not count is not found. Reading
 * stops no vCPU, and costs it nothing.
 *
 * An open file holds the VM in KVM, even after its own descriptor is closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stats;

/* One statistic: a value, or the buckets of a histogram. */
struct stat_desc {
	const char *name; /* belongs to the stats */
	unsigned values;  /* of 64 bits, at least one */
	bool histogram;
	uint64_t at; /* of the first, in the file */
};

/*
 * stats_open() - those of the VM or vCPU whose descriptor is @fd
 *
 * 0 or -errno: -ENOTTY from a kernel without (before 5.14), -EPROTO if what
 * it says makes no sense.
 */
int stats_open(int fd, struct stats **out);
void stats_close(struct stats *);

/* The statistic number @i, in KVM's order; NULL past the last. */
const struct stat_desc *stats_at(const struct stats *, unsigned i);

/* NULL if this kernel does not count that. */
const struct stat_desc *stats_find(const struct stats *, const char *name);

/*
 * stats_read() - the first @n values of @d (at most d->values), as of now
 *
 * 0 or -errno. Any thread.
 */
int stats_read(const struct stats *, const struct stat_desc *d, uint64_t *val,
	       unsigned n);
