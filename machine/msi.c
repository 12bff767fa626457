/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A GSI is a number that user space and KVM agree on. The first ones stand for
 * the SPIs, as KVM has it before anybody sets a table; each message has one of
 * those that follow. KVM takes the table as a whole, so it is kept here, under
 * a lock; a change of a route goes to KVM before the next pulse of its eventfd.
 *
 * An eventfd's pulse is in KVM when write() returns, and the eventfd stays with
 * its GSI for good: no change of a route can lose one. At worst a pulse that
 * KVM is still working on arrives by the new route.
 */
#include "machine/msi.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "arm64/gic.h"
#include "core/device.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"

/* GICv2m's registers. */
#define V2M_TYPER    0x008u
#define V2M_SETSPI   0x040u
#define V2M_IIDR     0xfccu
#define V2M_IIDR_VAL 0x53544ea0u /* no implementer's: what QEMU says too */

#define GSI_MAX 4096u /* KVM_MAX_IRQ_ROUTES */

struct msi_router {
	struct vm *vm;
	enum gic_kind gic;
	pthread_mutex_t lock;
	struct msi_source *sources;
	unsigned ngsis;
	int *fd; /* of each GSI, -1 until the first pulse */
	struct kvm_irq_routing *table;
};

struct msi_source {
	struct msi_router *router;
	struct msi_source *next;
	uint16_t id;
	unsigned first; /* GSI */
};

/* --- the ITS --- */

static int its_ctrl(int fd, uint64_t what)
{
	struct kvm_device_attr a = { .group = KVM_DEV_ARM_VGIC_GRP_CTRL,
				     .attr = what };

	return kvm_ioctlp(fd, KVM_SET_DEVICE_ATTR, &a);
}

int its_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_ITS };
	uint64_t base = MAP_ITS_BASE;
	struct kvm_device_attr a = { .group = KVM_DEV_ARM_VGIC_GRP_ADDR,
				     .attr = KVM_VGIC_ITS_ADDR_TYPE,
				     .addr = (uintptr_t)&base };
	int r = kvm_ioctlp(vm->fd, KVM_CREATE_DEVICE, &dev);

	if (r < 0)
		return r;
	r = kvm_ioctlp(dev.fd, KVM_SET_DEVICE_ATTR, &a);
	if (!r)
		r = its_ctrl(dev.fd, KVM_DEV_ARM_VGIC_CTRL_INIT);
	if (r < 0)
		close(dev.fd);
	return r < 0 ? r : (int)dev.fd;
}

int its_reset(int its_fd)
{
	return its_ctrl(its_fd, KVM_DEV_ARM_ITS_CTRL_RESET);
}

/* --- eventfds --- */

/* An eventfd that KVM turns into interrupts of @gsi. -1 if it cannot. */
static int make_irqfd(const struct msi_router *r, unsigned gsi)
{
	struct kvm_irqfd irqfd = { .gsi = gsi };
	int err, fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		log_warn("an interrupt's eventfd");
		return -1;
	}
	irqfd.fd = fd;
	err = kvm_ioctlp(r->vm->fd, KVM_IRQFD, &irqfd);
	if (err < 0) {
		log_warnx("KVM_IRQFD for GSI %u: %s", gsi, strerror(-err));
		close(fd);
		return -1;
	}
	return fd;
}

/* Made when the first is due, as many devices never interrupt. */
static void pulse(struct msi_router *r, unsigned gsi)
{
	uint64_t one = 1;

	if (r->fd[gsi] < 0)
		r->fd[gsi] = make_irqfd(r, gsi);
	if (r->fd[gsi] >= 0 && write(r->fd[gsi], &one, sizeof(one)) < 0)
		log_warn("interrupt of GSI %u", gsi);
}

void msi_pulse(struct msi_router *r, unsigned spi)
{
	pulse(r, spi);
}

/* --- routes --- */

static struct kvm_irq_routing_entry spi_entry(unsigned gsi, unsigned spi)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip.pin = spi,
	};
}

/* What KVM makes of a message; false if nobody takes it. */
static bool entry_of(const struct msi_source *s, unsigned n, uint64_t addr,
		     uint32_t data, struct kvm_irq_routing_entry *e)
{
	unsigned spi = data - 32;

	if (s->router->gic == GIC_V2) {
		*e = spi_entry(s->first + n, spi);
		return addr == MAP_V2M_BASE + V2M_SETSPI && spi >= SPI_V2M &&
		       spi - SPI_V2M < SPI_V2M_COUNT;
	}
	*e = (struct kvm_irq_routing_entry){
		.gsi = s->first + n,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi = { .address_lo = addr,
			   .address_hi = addr >> 32,
			   .data = data,
			   .devid = s->id },
	};
	return true;
}

/* The entry of @gsi, or where it would go: right behind the last. */
static unsigned find(const struct kvm_irq_routing *t, unsigned gsi)
{
	unsigned i = 0;

	while (i < t->nr && t->entries[i].gsi != gsi)
		i++;
	return i;
}

static void route(void *ctx, unsigned n, uint64_t addr, uint32_t data)
{
	struct msi_source *s = ctx;
	struct msi_router *r = s->router;
	struct kvm_irq_routing *t = r->table;
	struct kvm_irq_routing_entry e;
	bool taken = entry_of(s, n, addr, data, &e);
	unsigned i;
	int err;

	pthread_mutex_lock(&r->lock);
	i = find(t, s->first + n);
	if (taken) {
		t->entries[i] = e;
		t->nr += i == t->nr;
	} else if (i < t->nr) {
		t->entries[i] = t->entries[--t->nr];
	}
	err = kvm_ioctlp(r->vm->fd, KVM_SET_GSI_ROUTING, t);
	pthread_mutex_unlock(&r->lock);
	if (err < 0)
		log_warnx("KVM_SET_GSI_ROUTING: %s", strerror(-err));
}

static void send(void *ctx, unsigned n)
{
	struct msi_source *s = ctx;

	pulse(s->router, s->first + n);
}

struct msi msi_of(struct msi_source *s)
{
	return (struct msi){ .route = route, .send = send, .ctx = s };
}

/* Room for @n GSIs in all; what is there stays. */
static int grow(struct msi_router *r, unsigned n)
{
	struct kvm_irq_routing *t;
	int *fd;

	if (n > GSI_MAX)
		return -ENOSPC;
	fd = reallocarray(r->fd, n, sizeof(*fd));
	if (!fd)
		return -ENOMEM;
	r->fd = fd;
	t = realloc(r->table, sizeof(*t) + n * sizeof(t->entries[0]));
	if (!t)
		return -ENOMEM;
	r->table = t;
	while (r->ngsis < n)
		r->fd[r->ngsis++] = -1;
	return 0;
}

struct msi_source *msi_source_new(struct msi_router *r, uint16_t id, unsigned n)
{
	struct msi_source *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	s->router = r;
	s->id = id;
	s->first = r->ngsis;
	err = grow(r, r->ngsis + n);
	if (err < 0) {
		free(s);
		errno = -err;
		return NULL;
	}
	s->next = r->sources;
	r->sources = s;
	return s;
}

/* --- the GICv2m frame --- */

struct gicv2m {
	struct device dev;
	struct msi_router *router;
};

static uint64_t v2m_read(struct device *dev, uint64_t off, unsigned size)
{
	(void)dev;
	if (size != 4)
		return 0;
	if (off == V2M_TYPER)
		return (SPI_V2M + 32) << 16 | SPI_V2M_COUNT;
	return off == V2M_IIDR ? V2M_IIDR_VAL : 0;
}

/* A CPU may send messages as well. */
static void v2m_write(struct device *dev, uint64_t off, unsigned size,
		      uint64_t val)
{
	struct msi_router *r = ((struct gicv2m *)dev)->router;
	unsigned spi = (val & 0x3ff) - 32;

	if (off != V2M_SETSPI || size != 4 || spi < SPI_V2M ||
	    spi - SPI_V2M >= SPI_V2M_COUNT)
		return;
	pthread_mutex_lock(&r->lock);
	pulse(r, spi);
	pthread_mutex_unlock(&r->lock);
}

static void v2m_free(struct device *dev)
{
	free(dev);
}

static const struct device_ops v2m_ops = {
	.name = "GICv2m",
	.read = v2m_read,
	.write = v2m_write,
	.free = v2m_free,
};

struct device *gicv2m_new(struct msi_router *r)
{
	struct gicv2m *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->dev.ops = &v2m_ops;
	g->router = r;
	return &g->dev;
}

/* --- life --- */

struct msi_router *msi_router_new(struct vm *vm, const struct machine *m)
{
	struct msi_router *r = calloc(1, sizeof(*r));
	unsigned spi, spis = gic_intids(m) - 32;

	if (!r)
		return NULL;
	r->vm = vm;
	r->gic = m->gic;
	pthread_mutex_init(&r->lock, NULL);
	if (grow(r, spis) < 0) {
		msi_router_free(r);
		errno = ENOMEM;
		return NULL;
	}
	r->table->nr = spis;
	r->table->flags = 0;
	for (spi = 0; spi < spis; spi++)
		r->table->entries[spi] = spi_entry(spi, spi);
	return r;
}

void msi_router_free(struct msi_router *r)
{
	struct msi_source *s;

	if (!r)
		return;
	while ((s = r->sources)) {
		r->sources = s->next;
		free(s);
	}
	while (r->ngsis)
		if (r->fd[--r->ngsis] >= 0)
			close(r->fd[r->ngsis]);
	free(r->fd);
	free(r->table);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
