/* SPDX-License-Identifier: MIT */
/*
 * The board's virtio devices: one row a kind, in the order in which they get
 * their slots. How many there are, what they are called and where they stand
 * follows from the rows.
 *
 * Each has a name (disk0, rng), under which log, events and statistics know it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cmdline.h"
#include "core/log.h"
#include "core/pace.h"
#include "core/timer.h"
#include "core/util.h"
#include "devices/pci.h"
#include "host/chardev.h"
#include "host/disk.h"
#include "host/tap.h"
#include "host/virtiofsd.h"
#include "host/vsock.h"
#include "host/vsock_unix.h"
#include "machine/arch.h"
#include "machine/board_impl.h"
#include "virtio/balloon.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/fs.h"
#include "virtio/net.h"
#include "virtio/rng.h"
#include "virtio/virtio.h"
#include "virtio/vsock.h"

/* One device, and what the board has to do with it. */
struct board_virtio {
	struct board *board;
	struct virtio *v; /* its transport's */
	struct task failed;
	int err; /* of a failure that was not told yet, or TOLD; atomic */
	struct pace pace;   /* of those that are told */
	struct timer later; /* when the next one may be; not open before */
};
#define TOLD (-1)

struct kind {
	const char *name;
	const char *what; /* in a sentence */
	bool many;	  /* the name is followed by a number */
	unsigned (*count)(const struct board *);
	/* NULL: as the machine has it. */
	const struct virtio_place *(*place)(const struct config *, unsigned i);
	/* NULL: with a sentence in @e, or there is no memory. */
	struct virtio *(*make)(struct board *, unsigned i, struct err *e);
};

/* --- the kinds --------------------------------------------------------------- */

static unsigned count_consoles(const struct board *b)
{
	return b->cfg->console == CONSOLE_AUTO ||
	       b->cfg->console == CONSOLE_VIRTIO || b->cfg->nports;
}

static int open_ports(struct board *b, struct console_port *ports,
		      struct err *e)
{
	const struct config *c = b->cfg;
	unsigned i;

	for (i = 0; i < c->nports; i++) {
		b->ports[i] = chardev_open(b->vm.loop, c->ports[i].backend, e);
		if (!b->ports[i])
			return -EINVAL;
		ports[i] = (struct console_port){ .name = c->ports[i].name,
						  .chr = b->ports[i] };
	}
	return 0;
}

/* Whether a kernel's command line has the console there that its init gets. */
static enum front_trust trust_virtio(const char *params)
{
	size_t len;
	const char *last = cmdline_value(params, "console", &len);

	if (last && len >= 3 && !memcmp(last, "hvc", 3))
		return FRONT_SURE;
	return last && len >= 6 && !memcmp(last, "ttyAMA", 6) ? FRONT_SECOND
							      : FRONT_GUESS;
}

static struct virtio *make_console(struct board *b, unsigned i, struct err *e)
{
	struct chardev *chr = board_console(b, CONSOLE_VIRTIO, e);
	struct console_port ports[CONSOLE_PORTS_MAX];
	unsigned n = b->cfg->nports;

	(void)i;
	if (n > CONSOLE_PORTS_MAX) {
		err_set(e, -EINVAL,
			"%u --port options: the console has room for %u; give "
			"fewer",
			n, CONSOLE_PORTS_MAX);
		return NULL;
	}
	b->ports = calloc(n + 1, sizeof(struct chardev *));
	if (!chr || !b->ports || open_ports(b, ports, e) < 0)
		return NULL;
	return virtio_console_new(&b->vm.mem, b->vm.loop, chr,
				  trust_virtio(b->cfg->params), ports, n);
}

static unsigned count_disks(const struct board *b)
{
	return b->cfg->ndisks;
}

static const struct virtio_place *disk_place(const struct config *c, unsigned i)
{
	return &c->disks[i].place;
}

static struct virtio *make_disk(struct board *b, unsigned i, struct err *e)
{
	const struct disk_config *c = &b->cfg->disks[i];
	struct disk *disk = disk_open(c->path, c->readonly, e);
	struct virtio *v;

	if (!disk)
		return NULL;
	v = virtio_blk_new(&b->vm.mem, disk, c->serial);
	if (!v)
		disk_close(disk);
	return v;
}

static unsigned count_nets(const struct board *b)
{
	return b->cfg->nnets;
}

static const struct virtio_place *net_place(const struct config *c, unsigned i)
{
	return &c->nets[i].place;
}

static struct virtio *make_net(struct board *b, unsigned i, struct err *e)
{
	static const uint8_t any[6];
	const struct net_config *c = &b->cfg->nets[i];
	struct netif *net =
		c->fd >= 0 ? tap_take(c->fd, e) : tap_open(c->tap, e);
	struct virtio *v;

	if (!net)
		return NULL;
	v = virtio_net_new(&b->vm.mem, net,
			   memcmp(c->mac, any, 6) ? c->mac : NULL);
	if (!v)
		netif_free(net);
	return v;
}

static unsigned count_rngs(const struct board *b)
{
	return b->cfg->rng;
}

static struct virtio *make_rng(struct board *b, unsigned i, struct err *e)
{
	(void)i;
	(void)e;
	return virtio_rng_new(&b->vm.mem, b->vm.loop);
}

static unsigned count_vsocks(const struct board *b)
{
	return !!b->cfg->vsock.path;
}

static const struct virtio_place *vsock_place(const struct config *c,
					      unsigned i)
{
	(void)i;
	return &c->vsock.place;
}

static struct virtio *make_vsock(struct board *b, unsigned i, struct err *e)
{
	const struct vsock_config *c = &b->cfg->vsock;
	struct vsock_back *back = vsock_unix_new(b->vm.loop, c->path, e);
	struct virtio *v;

	(void)i;
	if (!back)
		return NULL;
	v = virtio_vsock_new(&b->vm.mem, b->vm.loop, back, c->cid);
	if (!v)
		back->free(back);
	return v;
}

static unsigned count_balloons(const struct board *b)
{
	return b->cfg->balloon;
}

static struct virtio *make_balloon(struct board *b, unsigned i, struct err *e)
{
	(void)i;
	(void)e;
	b->balloon = virtio_balloon_new(&b->vm.mem, sysconf(_SC_PAGESIZE));
	return b->balloon;
}

struct virtio *board_balloon(struct board *b)
{
	return b->balloon;
}

static unsigned count_shares(const struct board *b)
{
	return b->cfg->nshares;
}

static const struct virtio_place *share_place(const struct config *c,
					      unsigned i)
{
	return &c->shares[i].place;
}

static struct virtio *make_share(struct board *b, unsigned i, struct err *e)
{
	const struct share_config *c = &b->cfg->shares[i];
	struct err why;
	struct virtiofsd *back =
		virtiofsd_new(virtiofsd_path(), c->dir, c->readonly, &why);
	struct virtio *v = NULL;

	if (back) {
		v = virtio_fs_new(&b->vm.mem, b->ram_fd, back, c->tag,
				  b->host.lost_share, b->host.ctx);
		if (!v)
			err_set(&why, -errno, "virtiofsd does not answer: %s",
				strerror(errno));
	}
	if (v)
		return v;
	virtiofsd_free(back);
	err_set(e, -EINVAL, "--share %s=%s: %s", c->tag, c->dir, why.text);
	return NULL;
}

static const struct kind kinds[] = {
	{ "console", "the console", false, count_consoles, NULL, make_console },
	{ "disk", "a disk", true, count_disks, disk_place, make_disk },
	{ "net", "a network interface", true, count_nets, net_place, make_net },
	{ "rng", "the entropy device", false, count_rngs, NULL, make_rng },
	{ "vsock", "the socket device", false, count_vsocks, vsock_place,
	  make_vsock },
	{ "balloon", "the balloon", false, count_balloons, NULL, make_balloon },
	{ "share", "a share", true, count_shares, share_place, make_share },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- where they stand -------------------------------------------------------- */

static struct virtio_place place_of(const struct board *b, const struct kind *k,
				    unsigned i)
{
	return k->place ? *k->place(b->cfg, i) : (struct virtio_place){ 0 };
}

static bool is_pci(const struct board *b, const struct kind *k, unsigned i)
{
	const struct virtio_place p = place_of(b, k, i);

	return !p.slot && board_uses_pci(b, p.transport);
}

static unsigned count(const struct board *b, bool pci)
{
	unsigned k, i, n = 0;

	for (k = 0; k < KINDS; k++)
		for (i = 0; i < kinds[k].count(b); i++)
			n += is_pci(b, &kinds[k], i) == pci;
	return n;
}

/* A bit for each slot over MMIO that a device is to have. */
static int given_slots(const struct board *b, uint32_t *slots, struct err *e)
{
	struct virtio_place p;
	unsigned k, i;

	*slots = 0;
	for (k = 0; k < KINDS; k++)
		for (i = 0; i < kinds[k].count(b); i++) {
			p = place_of(b, &kinds[k], i);
			if (!p.slot)
				continue;
			if (p.transport == TRANSPORT_PCI)
				return err_set(
					e, -EINVAL,
					"slot=%u is a place over MMIO; leave "
					"it or transport=pci out",
					p.slot - 1);
			if (*slots >> (p.slot - 1) & 1)
				return err_set(
					e, -EINVAL,
					"two devices have slot=%u; each needs "
					"one of its own",
					p.slot - 1);
			*slots |= 1u << (p.slot - 1);
		}
	return 0;
}

/* The next that is free, of which there is one. */
static unsigned next_slot(const struct board *b, uint32_t taken)
{
	return b->cfg->mmio_order == MMIO_DOWN ? 31 - __builtin_clz(~taken)
					       : __builtin_ctz(~taken);
}

bool board_wants_pci(const struct board *b)
{
	return board_uses_pci(b, TRANSPORT_AUTO) || count(b, true) ||
	       board_pci_functions(b);
}

int board_check_virtio(const struct board *b, struct err *e)
{
	const struct config *c = b->cfg;
	unsigned mmio = count(b, false);
	unsigned pci = count(b, true) + board_pci_functions(b);

	uint32_t slots;

	/* The host bridge has a slot of its own. */
	if (pci < PCI_SLOTS && mmio <= VIRTIO_SLOTS)
		return given_slots(b, &slots, e);
	return err_set(e, -EINVAL,
		       "%u disks and %u networks: the machine has room for %u "
		       "virtio devices on PCI, and %u others; give fewer, or "
		       "some with transport=%s",
		       c->ndisks, c->nnets, PCI_SLOTS - 1, VIRTIO_SLOTS,
		       pci < PCI_SLOTS ? "pci" : "mmio");
}

/* --- what becomes of them ---------------------------------------------------- */

static void tell(struct board_virtio *d);

static void tell_later(struct timer *t)
{
	tell(container_of(t, struct board_virtio, later));
}

/*
 * A guest can have a device fail and recover without end: what is told then is
 * the last of it.
 */
static void tell(struct board_virtio *d)
{
	struct board *b = d->board;
	const uint64_t now = mono_ns(), wait = pace_wait(&d->pace, now);
	int err;

	if (wait && (timer_is_open(&d->later) ||
		     timer_open(&d->later, b->vm.loop, CLOCK_MONOTONIC,
				tell_later) == 0)) {
		timer_after(&d->later, wait);
		return;
	}
	err = __atomic_exchange_n(&d->err, TOLD, __ATOMIC_ACQ_REL);
	if (err == TOLD || !b->host.device_error)
		return;
	pace_step(&d->pace, now);
	b->host.device_error(b->host.ctx, d->v->name, err);
}

static void on_failed(struct task *t)
{
	tell(container_of(t, struct board_virtio, failed));
}

/* On any thread, with the device's lock held. */
static void failed(void *ctx, int err)
{
	struct board_virtio *d = ctx;

	__atomic_store_n(&d->err, err, __ATOMIC_RELEASE);
	loop_post(d->board->vm.loop, &d->failed);
}

static unsigned take_slot(struct board *b, const struct virtio_place *p)
{
	const unsigned slot =
		p->slot ? p->slot - 1 : next_slot(b, b->mmio_slots);

	b->mmio_slots |= 1u << slot;
	return slot;
}

static int add(struct board *b, const struct kind *k, unsigned i, struct err *e)
{
	const struct virtio_place p = place_of(b, k, i);
	const bool pci = is_pci(b, k, i);
	struct board_virtio *d = &b->virtio[b->nvirtio];
	char name[DEVICE_NAME_MAX];
	unsigned slot;
	int r;

	d->v = k->make(b, i, e);
	if (!d->v)
		return e->text[0] ? -EINVAL : log_failure(k->what, -ENOMEM);
	snprintf(name, sizeof(name), k->many ? "%s%u" : "%s", k->name, i);
	virtio_set_name(d->v, name);
	d->board = b;
	d->err = TOLD;
	d->failed.fn = on_failed;
	virtio_on_failure(d->v, failed, d);
	slot = pci ? pci_host_slots(b->pci) : take_slot(b, &p);
	r = board_boot_from(b, d->v->ops->id, pci, slot);
	if (r < 0) {
		d->v->ops->free(d->v);
		return r;
	}
	r = pci ? board_add_virtio_pci(b, d->v)
		: board_add_virtio_mmio(b, d->v, slot, k->what);
	if (!r)
		b->nvirtio++;
	return r;
}

/* Windows for @mmio devices, of which some have their slots. */
static int map_windows(struct board *b, unsigned mmio)
{
	uint32_t taken = b->mmio_slots;

	while ((unsigned)__builtin_popcount(taken) < mmio)
		taken |= 1u << next_slot(b, taken);
	return board_map_windows(b, taken);
}

int board_add_virtio(struct board *b, struct err *e)
{
	unsigned k, i, mmio = count(b, false);
	int r = given_slots(b, &b->mmio_slots, e);

	if (r < 0)
		return r;
	b->virtio = calloc(mmio + count(b, true) + 1, sizeof(*b->virtio));
	b->m.has_virtio_mmio = mmio;
	r = b->virtio ? map_windows(b, mmio)
		      : log_failure("virtio devices", -ENOMEM);
	for (k = 0; k < KINDS && !r; k++)
		for (i = 0; i < kinds[k].count(b) && !r; i++)
			r = add(b, &kinds[k], i, e);
	return r;
}

bool board_is_shut_down(const struct board *b)
{
	bool shut = false, live = false;
	unsigned i;

	for (i = 0; i < b->nvirtio; i++) {
		virtio_lock(b->virtio[i].v);
		shut |= b->virtio[i].v->shut;
		live |= virtio_live(b->virtio[i].v);
		virtio_unlock(b->virtio[i].v);
	}
	return shut && !live;
}

struct virtio *board_virtio(const struct board *b, unsigned i)
{
	return i < b->nvirtio ? b->virtio[i].v : NULL;
}

void board_free_virtio(struct board *b)
{
	unsigned i;

	for (i = 0; i < b->nvirtio; i++) {
		loop_unpost(&b->virtio[i].failed);
		timer_close(&b->virtio[i].later);
	}
	free(b->virtio);
	board_free_windows(b);
}
