/* SPDX-License-Identifier: MIT */
/*
 * What KVM counts of the board's VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm64/board_impl.h"
#include "core/log.h"
#include "core/stats.h"
#include "nested/decode.h"
#include "nested/state.h"

/* More buckets than any histogram of KVM's has. */
#define VALUES_MAX 128
#define EXITS	   "exits" /* KVM's name for them */

int board_open_exits(struct board *b, struct err *e)
{
	unsigned i;
	int r = 0;

	b->exits = calloc(b->vm.ncpus, sizeof(struct stats *));
	if (!b->exits)
		return -ENOMEM;
	for (i = 0; i < b->vm.ncpus && !r; i++) {
		r = stats_open(b->vm.vcpus[i].fd, &b->exits[i]);
		if (!r && !stats_find(b->exits[i], EXITS))
			r = -ENOTTY;
	}
	if (r == -ENOTTY)
		return err_set(e, r,
			       "--exit-counter: this host's KVM does not tell "
			       "how many exits there were; use Linux 5.14 or "
			       "newer, or leave it out");
	return r ? err_set(e, r, "--exit-counter: KVM's statistics: %s",
			   strerror(-r))
		 : 0;
}

void board_close_exits(struct board *b)
{
	unsigned i;

	for (i = 0; b->exits && i < b->vm.ncpus; i++)
		stats_close(b->exits[i]);
	free(b->exits);
	b->exits = NULL;
}

uint64_t board_count_exits(void *board)
{
	struct board *b = board;
	uint64_t n, sum = 0;
	unsigned i;

	for (i = 0; i < b->vm.ncpus; i++)
		if (!stats_read(b->exits[i], stats_find(b->exits[i], EXITS), &n,
				1))
			sum += n;
	return sum;
}

/* A number, or a list of them; NULL if it cannot be read. */
static json_t *value_json(const struct stats *s, const struct stat_desc *d)
{
	uint64_t val[VALUES_MAX];
	json_t *list;
	unsigned i;

	if (d->values > VALUES_MAX || stats_read(s, d, val, d->values) < 0)
		return NULL;
	if (!d->histogram)
		return json_integer(val[0]);
	list = json_array();
	for (i = 0; i < d->values; i++)
		json_array_append_new(list, json_integer(val[i]));
	return list;
}

/* Of a VM or vCPU: empty if this KVM has none. */
static json_t *counts_json(int fd)
{
	json_t *o = json_object();
	const struct stat_desc *d;
	struct stats *s;
	unsigned i;

	if (stats_open(fd, &s) < 0)
		return o;
	for (i = 0; (d = stats_at(s, i)); i++)
		json_object_set_new(o, d->name, value_json(s, d));
	stats_close(s);
	return o;
}

static json_t *register_json(const char *name, uint64_t val)
{
	char hex[24], meaning[400];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, val);
	el2_reg_decode(name, val, meaning, sizeof(meaning));
	return json_pack("{s:s, s:s, s:s}", "name", name, "value", hex,
			 "meaning", meaning);
}

/* NULL if it cannot be read. */
static json_t *el2_json(int vcpu_fd)
{
	json_t *regs = json_array();
	struct el2_state s;
	int i;

	if (el2_state_read(vcpu_fd, &s) < 0) {
		json_decref(regs);
		return NULL;
	}
	for (i = 0; i < EL2_REGS; i++)
		if (s.have[i])
			json_array_append_new(
				regs, register_json(el2_reg_name(i), s.val[i]));
	return json_pack("{s:i, s:o}", "current_el",
			 (int)(s.val[EL2_PSTATE] >> 2 & 3), "registers", regs);
}

static json_t *vcpu_json(const struct board *b, unsigned i)
{
	int fd = b->vm.vcpus[i].fd;
	json_t *o = json_object();

	json_object_set_new(o, "stats", counts_json(fd));
	if (b->model.nested != NESTED_OFF)
		json_object_set_new(o, "el2", el2_json(fd));
	return o;
}

json_t *board_stats(struct board *b)
{
	bool go_on = vm_pause(&b->vm);
	json_t *vcpus = json_array();
	unsigned i;

	for (i = 0; i < b->vm.ncpus; i++)
		json_array_append_new(vcpus, vcpu_json(b, i));
	vcpus = json_pack("{s:o, s:o}", "vm", counts_json(b->vm.fd), "vcpus",
			  vcpus);
	if (go_on)
		vm_resume(&b->vm);
	return vcpus;
}
