/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * One test runs at a time, in one of the BARs. Writes that KVM takes for an
 * eventfd are counted by that, so that how many came is the sum of both: it is
 * the same where KVM has no room for another eventfd.
 *
 * It is also the shortest PCI function here, and the example for another.
 */
#include "devices/pci_testdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define VENDOR	 0x1b36
#define DEVICE	 0x0005
#define CLASS	 0x00ff00
#define BARS	 2
#define BAR_SIZE 0x1000u
#define TARGET	 0x800u /* where the first test writes */

/* Where in the header what is. */
enum { TEST = 0, WIDTH = 1, OFFSET = 4, DATA = 8, COUNT = 12, NAME = 16 };

static const struct test {
	char name[32];
	bool eventfd, any;
	uint8_t data;
} tests[] = {
	{ "mmio-no-eventfd", false, false, 0xfa },
	{ "mmio-wildcard-eventfd", true, true, 0xce },
	{ "mmio-datamatch-eventfd", true, false, 0xfa },
};

#define TESTS (sizeof(tests) / sizeof(tests[0]))

struct testdev {
	struct pci_function fn;
	struct pci_testdev_host host;
	int fd;
	pthread_mutex_t lock;
	/* Under the lock. */
	gpa_t at[BARS];
	const struct test *test; /* NULL: none runs */
	unsigned bar;		 /* in which it does */
	uint32_t count;
};

static unsigned target(const struct test *t)
{
	return TARGET + (t - tests);
}

static void listen(struct testdev *d, bool on)
{
	const struct test *t = d->test;

	if (t && t->eventfd && d->host.ioeventfd &&
	    d->at[d->bar] != PCI_NOWHERE)
		d->host.ioeventfd(d->host.ctx, d->at[d->bar] + target(t),
				  t->any ? NULL : &t->data, d->fd, on);
}

static uint32_t count(struct testdev *d)
{
	uint64_t n;

	if (read(d->fd, &n, sizeof(n)) == sizeof(n))
		d->count += n;
	return d->count;
}

static void stop(struct testdev *d)
{
	listen(d, false);
	count(d);
	d->count = 0;
	d->test = NULL;
}

static void start(struct testdev *d, unsigned bar, uint8_t n)
{
	stop(d);
	if (n >= TESTS)
		return;
	d->test = &tests[n];
	d->bar = bar;
	listen(d, true);
}

static uint64_t testdev_read(struct pci_function *fn, unsigned bar,
			     uint64_t off, unsigned size)
{
	struct testdev *d = (struct testdev *)fn;
	uint8_t header[NAME + sizeof(tests[0].name)] = { 0 };
	uint64_t val = 0;

	pthread_mutex_lock(&d->lock);
	if (d->test && d->bar == bar) {
		header[TEST] = d->test - tests;
		header[WIDTH] = 1;
		pci_put32(header + OFFSET, target(d->test));
		pci_put32(header + DATA, d->test->data);
		pci_put32(header + COUNT, count(d));
		memcpy(header + NAME, d->test->name, sizeof(d->test->name));
	}
	pthread_mutex_unlock(&d->lock);
	while (size--)
		val = val << 8 |
		      (off + size < sizeof(header) ? header[off + size] : 0);
	return val;
}

static void write_byte(struct testdev *d, unsigned bar, uint64_t off,
		       uint8_t val)
{
	const struct test *t = d->test;

	if (off == TEST)
		start(d, bar, val);
	else if (t && bar == d->bar && off == target(t) &&
		 (t->any || val == t->data))
		d->count++;
}

static void testdev_write(struct pci_function *fn, unsigned bar, uint64_t off,
			  unsigned size, uint64_t val)
{
	struct testdev *d = (struct testdev *)fn;
	unsigned i;

	pthread_mutex_lock(&d->lock);
	for (i = 0; i < size; i++)
		write_byte(d, bar, off + i, val >> 8 * i);
	pthread_mutex_unlock(&d->lock);
}

static void testdev_moved(struct pci_function *fn, unsigned bar, gpa_t at)
{
	struct testdev *d = (struct testdev *)fn;

	pthread_mutex_lock(&d->lock);
	if (d->bar == bar)
		listen(d, false);
	d->at[bar] = at;
	if (d->bar == bar)
		listen(d, true);
	pthread_mutex_unlock(&d->lock);
}

static void testdev_reset(struct pci_function *fn)
{
	struct testdev *d = (struct testdev *)fn;

	pthread_mutex_lock(&d->lock);
	stop(d);
	pthread_mutex_unlock(&d->lock);
}

static void testdev_free(struct pci_function *fn)
{
	struct testdev *d = (struct testdev *)fn;

	close(d->fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static const struct pci_ops testdev_ops = {
	.name = "pci-testdev",
	.bar_read = testdev_read,
	.bar_write = testdev_write,
	.moved = testdev_moved,
	.reset = testdev_reset,
	.free = testdev_free,
};

struct pci_function *pci_testdev_new(const struct pci_testdev_host *host)
{
	struct testdev *d = calloc(1, sizeof(*d));
	unsigned i;

	if (!d)
		return NULL;
	d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->fd < 0) {
		free(d);
		return NULL;
	}
	d->host = *host;
	pthread_mutex_init(&d->lock, NULL);
	pci_init(&d->fn, &testdev_ops, VENDOR, DEVICE, CLASS);
	d->fn.config[PCI_REVISION_ID] = 0;
	for (i = 0; i < BARS; i++) {
		d->at[i] = PCI_NOWHERE;
		pci_add_bar(&d->fn, i, BAR_SIZE, false);
	}
	return &d->fn;
}
