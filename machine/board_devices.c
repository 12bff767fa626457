/* SPDX-License-Identifier: MIT */
/*
 * Every device of the machine, in the order of the address map.
 *
 * Never lets a device model know where it stands: it gets an irq line, a
 * back end and guest memory.
 */
#include "machine/board_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/arch.h"
#include "core/kvm.h"
#include "core/log.h"
#include "devices/exits.h"
#include "devices/pci.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "host/chardev.h"
#include "host/disk.h"
#include "host/tap.h"
#include "host/virtiofsd.h"
#include "host/vsock.h"
#include "host/vsock_unix.h"
#include "virtio/balloon.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/fs.h"
#include "virtio/mmio.h"
#include "virtio/net.h"
#include "virtio/rng.h"
#include "virtio/virtio.h"
#include "virtio/vsock.h"

static void set_level(void *ctx, unsigned line, bool on)
{
	const struct board *b = ctx;

	arch_irq_line(&b->vm, line, on);
}

/* An edge. */
static void pulse(void *ctx, unsigned line, bool on)
{
	struct virtio_slot *s = ctx;

	if (on)
		msi_pulse(s->board->router, line);
}

static int add_ioeventfd(void *ctx, uint64_t off, uint32_t value, int fd)
{
	struct virtio_slot *s = ctx;
	struct kvm_ioeventfd io = {
		.datamatch = value,
		.addr = arch_map.virtio.base + s->index * arch_map.virtio.size +
			off,
		.len = 4,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return kvm_ioctlp(s->board->vm.fd, KVM_IOEVENTFD, &io);
}

static int no_memory(const char *what)
{
	log_warnx("no memory for %s", what);
	return -ENOMEM;
}

int board_add(struct board *b, struct device *dev, const char *what, gpa_t base,
	      uint64_t size)
{
	int r;

	if (!dev)
		return no_memory(what);
	r = bus_add(&b->vm.bus, dev, base, size);
	if (r < 0) {
		log_warnx("%s does not fit onto the bus", what);
		if (dev->ops->free)
			dev->ops->free(dev);
	}
	return r;
}

struct irq board_level_irq(struct board *b, unsigned line)
{
	return (struct irq){ .set = set_level, .ctx = b, .line = line };
}

static void panicked(void *ctx, unsigned bits)
{
	struct board *b = ctx;

	if (bits & PVPANIC_PANICKED)
		vm_post(&b->vm, VM_PANIC, NULL, bits);
}

/* Where the console of @kind leads to: the terminal, or nowhere. */
static struct chardev *back_end(struct board *b, enum console_kind kind,
				struct err *e)
{
	if (b->cfg->console == CONSOLE_AUTO || b->cfg->console == kind)
		return b->host.terminal;
	if (!b->null)
		b->null = chardev_open(b->vm.loop, "null", e);
	return b->null;
}

static int add_platform_devices(struct board *b, struct err *e)
{
	struct chardev *chr = back_end(b, CONSOLE_SERIAL, e);
	struct irq irq = board_level_irq(b, arch_map.uart.line);
	int r;

	if (!chr)
		return -ENOMEM;
	r = board_add(b, pl011_new(chr, &irq), "the UART", arch_map.uart.base,
		      arch_map.uart.size);
	if (r < 0)
		return r;
	b->m.has_uart = true;
	irq = board_level_irq(b, arch_map.rtc.line);
	r = board_add(b, pl031_new(b->vm.loop, &irq), "the clock",
		      arch_map.rtc.base, arch_map.rtc.size);
	if (r < 0)
		return r;
	irq = board_level_irq(b, arch_map.gpio.line);
	b->gpio = pl061_new(b->vm.loop, &irq);
	r = board_add(b, b->gpio, "the GPIO controller", arch_map.gpio.base,
		      arch_map.gpio.size);
	if (r < 0)
		return r;
	return board_add(b, pvpanic_new(panicked, b), "pvpanic",
			 arch_map.pvpanic.base, arch_map.pvpanic.size);
}

static int add_exit_counter(struct board *b, struct err *e)
{
	int r = board_open_exits(b, e);

	if (!r)
		r = board_add(b, exits_new(board_count_exits, b),
			      "the exit counter", arch_map.exits.base,
			      arch_map.exits.size);
	b->m.has_exits = !r;
	return r;
}

void board_power_button(struct board *b)
{
	pl061_press(b->gpio, arch_map.power_button);
}

/* Puts @v behind the next free window, or frees it. */
static int add_virtio_mmio(struct board *b, struct virtio *v, const char *what)
{
	unsigned n = b->m.nvirtio;
	struct virtio_slot *s = &b->slot[n];
	struct mmio_host host = { .ioeventfd = add_ioeventfd, .ctx = s };
	struct irq irq = { .set = pulse,
			   .ctx = s,
			   .line = arch_map.virtio.line + n };
	struct device *dev;
	int r;

	*s = (struct virtio_slot){ .board = b, .index = n };
	dev = virtio_mmio_new(
		v, &irq, b->virtio_shadow + n * arch_map.virtio.size, &host);
	if (!dev)
		v->ops->free(v);
	r = board_add(b, dev, what,
		      arch_map.virtio.base + n * arch_map.virtio.size,
		      arch_map.virtio.size);
	if (!r)
		b->m.nvirtio++;
	return r;
}

/* Puts @v where the guest finds it by @kind of transport, or frees it. */
static int add_virtio(struct board *b, struct virtio *v,
		      enum transport_kind kind, const char *what)
{
	const bool pci = board_uses_pci(b, kind);
	int r;

	if (!v)
		return no_memory(what);
	r = board_boot_from(b, v->ops->id, pci,
			    pci ? pci_host_slots(b->pci) : b->m.nvirtio);
	if (r < 0) {
		v->ops->free(v);
		return r;
	}
	return pci ? board_add_virtio_pci(b, v) : add_virtio_mmio(b, v, what);
}

static int add_disk(struct board *b, const struct disk_config *c, struct err *e)
{
	struct disk *disk = disk_open(c->path, c->readonly, e);
	struct virtio *v;

	if (!disk)
		return -EINVAL;
	v = virtio_blk_new(&b->vm.mem, disk, c->serial);
	if (!v)
		disk_close(disk);
	return add_virtio(b, v, c->transport, "a disk");
}

static int add_net(struct board *b, const struct net_config *c, struct err *e)
{
	static const uint8_t any[6];
	struct tap *tap = c->fd >= 0 ? tap_take(c->fd, e) : tap_open(c->tap, e);
	struct virtio *v;

	if (!tap)
		return -EINVAL;
	v = virtio_net_new(&b->vm.mem, tap,
			   memcmp(c->mac, any, 6) ? c->mac : NULL);
	if (!v)
		tap_close(tap);
	return add_virtio(b, v, c->transport, "a network interface");
}

static int add_vsock(struct board *b, struct err *e)
{
	const struct vsock_config *c = &b->cfg->vsock;
	struct vsock_back *back = vsock_unix_new(b->vm.loop, c->path, e);
	struct virtio *v;

	if (!back)
		return -EINVAL;
	v = virtio_vsock_new(&b->vm.mem, b->vm.loop, back, c->cid);
	if (!v)
		back->free(back);
	return add_virtio(b, v, TRANSPORT_AUTO, "the socket device");
}

static int add_balloon(struct board *b)
{
	struct virtio *v =
		virtio_balloon_new(&b->vm.mem, sysconf(_SC_PAGESIZE));
	int r = add_virtio(b, v, TRANSPORT_AUTO, "the balloon");

	if (!r)
		b->balloon = v;
	return r;
}

struct virtio *board_balloon(struct board *b)
{
	return b->balloon;
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

static int add_console(struct board *b, struct err *e)
{
	struct chardev *chr = back_end(b, CONSOLE_VIRTIO, e);
	struct console_port ports[CONSOLE_PORTS_MAX];
	unsigned n = b->cfg->nports;
	int r;

	if (chr == b->null && !n)
		return 0;
	if (n > CONSOLE_PORTS_MAX)
		return err_set(e, -EINVAL,
			       "%u --port options: the console has room for "
			       "%u; give fewer",
			       n, CONSOLE_PORTS_MAX);
	b->ports = calloc(n + 1, sizeof(struct chardev *));
	if (!b->ports)
		return no_memory("console ports");
	r = open_ports(b, ports, e);
	return r < 0 ? r
		     : add_virtio(b,
				  virtio_console_new(&b->vm.mem, b->vm.loop,
						     chr, ports, n),
				  TRANSPORT_AUTO, "the console");
}

/*
 * The windows of all virtio devices, as memory that the guest reads without
 * an exit and cannot write: stores go to the bus (KVM_CAP_READONLY_MEM).
 */
static int map_virtio_windows(struct board *b, unsigned n)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t size = (n * arch_map.virtio.size + page - 1) & -page;
	void *p;

	if (!n)
		return 0;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		log_warn("memory for virtio registers");
		return -errno;
	}
	b->virtio_shadow = p;
	return board_add_slot(b, SLOT_VIRTIO, arch_map.virtio.base, size, p,
			      true);
}

static int add_share(struct board *b, const struct share_config *c,
		     struct err *e)
{
	struct err why;
	struct virtiofsd *back = virtiofsd_new(c->dir, c->readonly, &why);
	struct virtio *v = NULL;

	if (back) {
		v = virtio_fs_new(&b->vm.mem, b->ram_fd, back, c->tag,
				  b->host.lost_share, b->host.ctx);
		if (!v)
			err_set(&why, -errno, "virtiofsd does not answer: %s",
				strerror(errno));
	}
	if (!v) {
		virtiofsd_free(back);
		return err_set(e, -EINVAL, "--share %s=%s: %s", c->tag, c->dir,
			       why.text);
	}
	return add_virtio(b, v, TRANSPORT_AUTO, "a share");
}

/* How many virtio devices there may be, on PCI or not. */
static unsigned count_virtio(const struct board *b, bool pci)
{
	const struct config *c = b->cfg;
	bool other = board_uses_pci(b, TRANSPORT_AUTO) == pci;
	unsigned i, n = other ? 1 + c->rng + !!c->vsock.path + c->balloon +
					c->nshares
			      : 0;

	for (i = 0; i < c->ndisks; i++)
		n += board_uses_pci(b, c->disks[i].transport) == pci;
	for (i = 0; i < c->nnets; i++)
		n += board_uses_pci(b, c->nets[i].transport) == pci;
	return n;
}

static int check_room(const struct board *b, struct err *e)
{
	const struct config *c = b->cfg;
	unsigned pci = count_virtio(b, true), mmio = count_virtio(b, false);

	/* The host bridge has a slot of its own. */
	if (pci < PCI_SLOTS && mmio <= VIRTIO_SLOTS)
		return 0;
	return err_set(e, -EINVAL,
		       "%u disks and %u networks: the machine has room for %u "
		       "virtio devices on PCI, and %u others; give fewer, or "
		       "some with transport=%s",
		       c->ndisks, c->nnets, PCI_SLOTS - 1, VIRTIO_SLOTS,
		       pci < PCI_SLOTS ? "pci" : "mmio");
}

int board_add_devices(struct board *b, struct err *e)
{
	const struct config *c = b->cfg;
	unsigned i;
	int r = check_room(b, e);

	if (!r)
		r = arch_board_devices(b);
	if (!r)
		r = board_add_flash(b, e);
	if (!r)
		r = add_platform_devices(b, e);
	if (!r && c->exit_counter)
		r = add_exit_counter(b, e);
	if (!r && c->watchdog)
		r = arch_board_watchdog(b);
	if (!r)
		r = map_virtio_windows(b, count_virtio(b, false));
	if (!r && b->m.has_pci)
		r = board_add_pci(b);
	if (!r)
		r = add_console(b, e);
	for (i = 0; i < c->ndisks && !r; i++)
		r = add_disk(b, &c->disks[i], e);
	for (i = 0; i < c->nnets && !r; i++)
		r = add_net(b, &c->nets[i], e);
	if (!r && c->rng)
		r = add_virtio(b, virtio_rng_new(&b->vm.mem, b->vm.loop),
			       TRANSPORT_AUTO, "the entropy device");
	if (!r && c->vsock.path)
		r = add_vsock(b, e);
	if (!r && c->balloon)
		r = add_balloon(b);
	for (i = 0; i < c->nshares && !r; i++)
		r = add_share(b, &c->shares[i], e);
	return r ? r : board_add_fw_cfg(b, e);
}

void board_free_devices(struct board *b)
{
	unsigned i;

	pci_host_free(b->pci);
	for (i = 0; b->ports && i < b->cfg->nports; i++)
		chardev_close(b->ports[i]);
	free(b->ports);
	chardev_close(b->null);
	board_close_counts(b);
	board_free_flash(b);
	free(b->bootorder);
}
