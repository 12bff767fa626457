/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A GSI is a number that user space and KVM agree on. The first ones stand for
 * the interrupt controller's lines, as KVM has it before anybody sets a table;
 * each message has one of those that follow. KVM takes the table as a whole, so
 * it is kept here, under a lock; a change of a route goes to KVM before the next
 * pulse of its eventfd.
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

#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"
#include "machine/arch.h"

#define GSI_MAX 4096u /* KVM_MAX_IRQ_ROUTES */

struct msi_router {
	struct vm *vm;
	const struct machine *m;
	pthread_mutex_t lock;
	struct msi_source *sources;
	unsigned ngsis;
	int *fd; /* of each GSI, -1 until the first pulse */
	struct kvm_irq_routing *table;
	struct log_limit complaints;
};

struct msi_source {
	struct msi_router *router;
	struct msi_source *next;
	uint16_t id;
	unsigned first; /* GSI */
};

/* --- eventfds --- */

/* An eventfd that KVM turns into interrupts of @gsi. -1 if it cannot. */
static int make_irqfd(struct msi_router *r, unsigned gsi)
{
	struct kvm_irqfd irqfd = { .gsi = gsi };
	int err, fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		log_guest(&r->complaints, "an interrupt's eventfd: %s",
			  strerror(errno));
		return -1;
	}
	irqfd.fd = fd;
	err = kvm_ioctlp(r->vm->fd, KVM_IRQFD, &irqfd);
	if (err < 0) {
		log_guest(&r->complaints, "KVM_IRQFD for GSI %u: %s", gsi,
			  strerror(-err));
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
		log_guest(&r->complaints, "interrupt of GSI %u: %s", gsi,
			  strerror(errno));
}

void msi_pulse(struct msi_router *r, unsigned line)
{
	pulse(r, line);
}

/* --- routes --- */

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
	struct kvm_irq_routing_entry e = { .gsi = s->first + n };
	bool taken = arch_msi_entry(r->m, s->id, addr, data, &e);
	unsigned i;
	int err;

	pthread_mutex_lock(&r->lock);
	i = find(t, e.gsi);
	if (taken) {
		t->entries[i] = e;
		t->nr += i == t->nr;
	} else if (i < t->nr) {
		t->entries[i] = t->entries[--t->nr];
	}
	err = kvm_ioctlp(r->vm->fd, KVM_SET_GSI_ROUTING, t);
	pthread_mutex_unlock(&r->lock);
	if (err < 0)
		log_guest(&r->complaints, "KVM_SET_GSI_ROUTING: %s",
			  strerror(-err));
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

/* --- life --- */

struct msi_router *msi_router_new(struct vm *vm, const struct machine *m)
{
	struct msi_router *r = calloc(1, sizeof(*r));
	unsigned i, lines = arch_irq_lines(m);

	if (!r)
		return NULL;
	r->vm = vm;
	r->m = m;
	pthread_mutex_init(&r->lock, NULL);
	if (grow(r, lines) < 0) {
		msi_router_free(r);
		errno = ENOMEM;
		return NULL;
	}
	r->table->nr = lines;
	r->table->flags = 0;
	for (i = 0; i < lines; i++)
		r->table->entries[i] = (struct kvm_irq_routing_entry){
			.gsi = i,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip.pin = i,
		};
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
