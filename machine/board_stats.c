/* SPDX-License-Identifier: MIT */
/*
 * What KVM counts of the board's VM, and what is counted of its devices: by the
 * virtio models, by the bus, which all that is on it has in common, and of the
 * level-triggered lines by the board.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/arch.h"
#include "machine/board_impl.h"
#include "core/log.h"
#include "core/stats.h"
#include "host/limits.h"
#include "virtio/virtio.h"

/* More buckets than any histogram of KVM's has. */
#define VALUES_MAX 128
#define EXITS	   "exits" /* KVM's name for them */

/*
 * Open each vCPU's file, and last the VM's; they stay open. KVM opens one only
 * while the vCPU stands still, and each takes a descriptor and three system
 * calls: so that is done when statistics are first asked for. All or none; 0,
 * or -errno.
 */
static int open_counts(struct board *b)
{
	unsigned i, n = b->vm.ncpus;
	int r = 0;

	if (b->counts)
		return 0;
	b->counts = calloc(n + 1, sizeof(struct stats *));
	if (!b->counts)
		return -ENOMEM;
	for (i = 0; i <= n && !r; i++)
		r = stats_open(i < n ? b->vm.vcpus[i].fd : b->vm.fd,
			       &b->counts[i]);
	/* A KVM from before Linux 5.14 has none, and is not asked again. */
	if (r < 0 && r != -ENOTTY)
		board_close_counts(b);
	return r;
}

static int counts_complain(const struct board *b, int r, struct err *e)
{
	if (r == -EMFILE)
		return err_set(e, r,
			       "KVM's statistics of %u vCPUs take as many open "
			       "files again, and nestor may have %llu; allow "
			       "more by 'ulimit -Hn'",
			       b->vm.ncpus, limits_files_now());
	return err_set(e, r, "KVM's statistics: %s", strerror(-r));
}

int board_open_counts(struct board *b, struct err *e)
{
	int r = open_counts(b);
	struct err why;

	if (!r || r == -ENOTTY)
		return 0;
	counts_complain(b, r, &why);
	return err_set(e, r, "--stats: %.400s", why.text);
}

int board_open_exits(struct board *b, struct err *e)
{
	int r = open_counts(b);
	struct err why;

	if (!r && !stats_find(b->counts[0], EXITS))
		r = -ENOTTY;
	if (r == -ENOTTY)
		return err_set(e, r,
			       "--exit-counter: this host's KVM does not tell "
			       "how many exits there were; use Linux 5.14 or "
			       "newer, or leave it out");
	if (!r)
		return 0;
	counts_complain(b, r, &why);
	return err_set(e, r, "--exit-counter: %.400s", why.text);
}

void board_close_counts(struct board *b)
{
	unsigned i;

	for (i = 0; b->counts && i <= b->vm.ncpus; i++)
		stats_close(b->counts[i]);
	free(b->counts);
	b->counts = NULL;
}

uint64_t board_count_exits(void *board)
{
	struct board *b = board;
	uint64_t n, sum = 0;
	unsigned i;

	for (i = 0; i < b->vm.ncpus; i++)
		if (!stats_read(b->counts[i], stats_find(b->counts[i], EXITS),
				&n, 1))
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

/* The counts of vCPU @i, or of the VM if that is past the last; maybe empty. */
static json_t *counts_json(const struct board *b, unsigned i)
{
	const struct stats *s = b->counts ? b->counts[i] : NULL;
	json_t *o = json_object();
	const struct stat_desc *d;
	unsigned n;

	for (n = 0; s && (d = stats_at(s, n)); n++)
		json_object_set_new(o, d->name, value_json(s, d));
	return o;
}

static json_t *vcpu_json(const struct board *b, unsigned i, bool el2)
{
	json_t *o = json_object();

	json_object_set_new(o, "stats", counts_json(b, i));
	if (el2)
		json_object_set_new(o, "el2",
				    arch_hypervisor_json(&b->vm.vcpus[i]));
	return o;
}

/* --- the devices' --- */

/* The counts as of now: a device's lock is held for a moment only. */
static json_t *virtio_json(struct virtio *v)
{
	struct virtio_stats s;

	virtio_lock(v);
	s = v->stats;
	virtio_unlock(v);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "name", v->name,
			 "kind", v->ops->name, "requests",
			 (json_int_t)s.requests, "bytes", (json_int_t)s.bytes,
			 "errors", (json_int_t)s.errors, "notifications",
			 (json_int_t)s.notifications, "interrupts",
			 (json_int_t)s.interrupts);
}

/* The object that has the name of @dev; NULL: none yet. */
static json_t *named(const json_t *list, const char *name)
{
	json_t *o;
	size_t i;

	for (i = 0; (o = json_array_get(list, i)); i++)
		if (!strcmp(json_string_value(json_object_get(o, "name")),
			    name))
			return o;
	return NULL;
}

static uint64_t raised(const struct board *b, const struct device *dev)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < BOARD_LINES; i++)
		if (b->line[i].dev == dev)
			sum += __atomic_load_n(&b->line[i].raised,
					       __ATOMIC_RELAXED);
	return sum;
}

/* A virtio device on the bus is in the list already, and has its accesses. */
static void count_on_bus(const struct board *b, const struct device *dev,
			 json_t *list)
{
	json_t *o = named(list, dev->name);

	if (!o) {
		o = json_pack("{s:s, s:s, s:I}", "name", dev->name, "kind",
			      dev->ops->name, "interrupts",
			      (json_int_t)raised(b, dev));
		json_array_append_new(list, o);
	}
	json_object_set_new(o, "accesses",
			    json_integer(__atomic_load_n(&dev->accesses,
							 __ATOMIC_RELAXED)));
}

json_t *board_device_stats(const struct board *b)
{
	json_t *list = json_array();
	struct virtio *v;
	unsigned i;

	for (i = 0; (v = board_virtio(b, i)); i++)
		json_array_append_new(list, virtio_json(v));
	for (i = 0; i < b->vm.bus.n; i++)
		count_on_bus(b, b->vm.bus.range[i].dev, list);
	return list;
}

int board_stats(struct board *b, bool el2, json_t **out, struct err *e)
{
	bool parked = false;
	json_t *vcpus;
	unsigned i;
	int r;

	el2 = el2 && b->m.el2;
	if (!b->counts || el2)
		parked = vm_park(&b->vm);
	r = open_counts(b);
	if (r == -ENOTTY)
		r = 0;
	/* KVM gives no register of a vCPU that runs. */
	el2 = el2 && (parked ||
		      (b->vm.state != VM_RUNNING && b->vm.state != VM_ENDING));
	vcpus = r ? NULL : json_array();
	for (i = 0; i < b->vm.ncpus && vcpus; i++)
		json_array_append_new(vcpus, vcpu_json(b, i, el2));
	if (parked)
		vm_unpark(&b->vm);
	if (r)
		return counts_complain(b, r, e);
	*out = json_pack("{s:o, s:o, s:o}", "vm", counts_json(b, b->vm.ncpus),
			 "vcpus", vcpus, "devices", board_device_stats(b));
	return *out ? 0 : err_set(e, -ENOMEM, "no memory for statistics");
}
