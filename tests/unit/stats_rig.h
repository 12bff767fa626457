/* SPDX-License-Identifier: MIT */
/*
 * A file of statistics as KVM lays it out, to be changed at will and handed to
 * fake_kvm_stats().
 */
#pragma once

#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>

#define STATS_NAME 48
#define STATS_MAX  8

struct stats_file {
	struct kvm_stats_header h;
	char id[STATS_NAME];
	struct {
		struct kvm_stats_desc d;
		char name[STATS_NAME];
	} desc[STATS_MAX];
	uint64_t data[64];
};

static inline struct stats_file stats_file(void)
{
	return (struct stats_file){
		.h.name_size = STATS_NAME,
		.h.id_offset = offsetof(struct stats_file, id),
		.h.desc_offset = offsetof(struct stats_file, desc),
		.h.data_offset = offsetof(struct stats_file, data),
	};
}

/* One more statistic: @n values from data[@at] on. */
static inline void stats_file_add(struct stats_file *f, const char *name,
				  uint32_t flags, unsigned at, unsigned n)
{
	unsigned i = f->h.num_desc++;

	f->desc[i].d.flags = flags;
	f->desc[i].d.size = n;
	f->desc[i].d.offset = at * sizeof(uint64_t);
	strcpy(f->desc[i].name, name);
}
