/* SPDX-License-Identifier: MIT */
/*
 * A hostile driver against each device model behind either transport, and
 * against MMIO's registers (PCI's: tests/fuzz/pci.c).
 *
 * The first byte of the input chooses the model and, by its top bits, PCI or
 * registers of before virtio 1.0; the rest is a stream of operations: register
 * accesses of any kind, chains built from valid parts, and bytes of guest memory
 * changed in between. The sanitizers are the oracle, and that a reset brings each
 * device back to life.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>

#include "host/chardev.h"
#include "host/disk.h"
#include "host/tap.h"
#include "tests/unit/loop_call.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/net.h"
#include "virtio/rng.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

struct input {
	const uint8_t *p;
	size_t left;
};

/* One device with what is behind it, set up once for each model. */
struct model {
	struct rig r;
	struct loop *loop;
	int peer; /* of the network or the console; -1 */
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- && in->left) {
		v = v << 8 | *in->p++;
		in->left--;
	}
	return v;
}

static struct virtio *make_blk(struct model *m)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk *d;
	struct err e;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(ftruncate(fd, 65536) == 0);
	d = disk_open(path, false, &e);
	CHECK(d);
	close(fd);
	return virtio_blk_new(&m->r.m, d, "fuzz");
}

static struct virtio *make_net(struct model *m)
{
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd));
	m->peer = fd[1];
	return virtio_net_new(&m->r.m, tap_wrap(fd[0], 0x7f), NULL);
}

static struct virtio *make_console(struct model *m)
{
	struct console_port port = { .name = "port" };
	char spec[16];
	struct chardev *chr;
	struct err e;
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	m->peer = fd[1];
	m->loop = loop_new();
	snprintf(spec, sizeof(spec), "fd:%d", fd[0]);
	chr = chardev_open(m->loop, spec, &e);
	port.chr = chardev_open(m->loop, "null", &e);
	CHECK(chr && port.chr);
	return virtio_console_new(&m->r.m, m->loop, chr, FRONT_GUESS, &port, 1);
}

static struct virtio *make_rng(struct model *m)
{
	return virtio_rng_new(&m->r.m, NULL);
}

static struct virtio *(*const make[])(struct model *) = {
	make_blk,
	make_net,
	make_console,
	make_rng,
};
#define MODELS (sizeof(make) / sizeof(make[0]))

/* --- operations --- */

static void register_write(struct rig *r, struct input *in)
{
	uint8_t how = take(in, 1);
	unsigned off = how & 0x80 ? take(in, 2) : take(in, 1) * 4 % MMIO_WINDOW;
	unsigned size = how & 0x40 ? 1u << (how & 3) : 4;

	uint64_t val = how & 0x20 ? take(in, 8) : take(in, 1);

	if (r->pci)
		mem_set(r->pci, RIG_BAR + off, size, val);
	else
		r->dev->ops->write(r->dev, off, size, val);
}

static void register_read(struct rig *r, struct input *in)
{
	uint8_t how = take(in, 1);
	unsigned off = take(in, 2) & 0x3ff;

	if (r->pci)
		mem_get(r->pci, RIG_BAR + off, 1u << (how & 3));
	else
		r->dev->ops->read(r->dev, off, 1u << (how & 3));
}

static gpa_t address(struct input *in)
{
	uint32_t v = take(in, 2);

	switch (v & 31) {
	case 0:
		return RAM + RAM_SIZE - (v >> 5 & 63);
	case 1:
		return 0x0a000000 + (v >> 4);
	case 2:
		return UINT64_MAX - (v >> 5);
	default:
		return DATA + v;
	}
}

static uint32_t length(struct input *in)
{
	uint32_t v = take(in, 1);

	if (v >= 0xf8)
		return UINT32_MAX >> (v & 7) * 3;
	if (v >= 0xc0)
		return (v & 0x3f) * 512;
	return v >= 0xb0 ? 16 : v;
}

/* The header of a request, with small values where each device looks. */
static gpa_t request(struct rig *r, unsigned head, struct input *in)
{
	gpa_t gpa = DATA + 0x1000 + head * 16;
	uint8_t *p = rig_at(r, gpa);

	memset(p, 0, 16);
	p[0] = take(in, 1);
	p[4] = take(in, 1);
	p[8] = take(in, 1);
	return gpa;
}

/*
 * A chain of up to three readable and four writable buffers, direct or not; one
 * in sixteen has a wild link.
 */
static void chain(struct rig *r, struct input *in)
{
	unsigned q = take(in, 1) % r->v->nqueues, head = take(in, 1) % QSIZE;
	uint8_t shape = take(in, 1), how = take(in, 1);
	unsigned nout = shape & 3, n = nout + (shape >> 2 & 3) + 1, i;
	gpa_t table = how & 1 ? RAM + RAM_SIZE - 0x1000 : DESC(q);
	unsigned first = how & 1 ? 0 : head;

	for (i = 0; i < n; i++) {
		gpa_t addr = address(in);
		uint32_t len = length(in);
		uint16_t next = (first + i + 1) % QSIZE;

		if (i == 0 && how & 2) {
			addr = request(r, head, in);
			len = 16;
		}
		if ((how & 0xf0) == 0xf0)
			next = take(in, 1);
		rig_desc_at(r, table, (first + i) % QSIZE, addr, len,
			    (i >= nout ? W : 0) | (i < n - 1 ? N : 0), next);
	}
	if (how & 1)
		rig_desc(r, q, head, table, n * 16, IND, 0);
	rig_avail(r, q, head);
	if (how & 4)
		rig_notify(r, q);
}

/* Request headers and the like, where chains will point. */
static void store(struct rig *r, struct input *in)
{
	gpa_t gpa = DATA + take(in, 2);
	unsigned len = take(in, 1) & 31;
	uint8_t *p = rig_at(r, gpa);

	while (len--)
		*p++ = take(in, 1);
}

static void flip(struct rig *r, struct input *in)
{
	unsigned q = take(in, 1) % r->v->nqueues;
	uint8_t *ring = rig_at(r, RING(q));

	ring[take(in, 2) % 0x6000] ^= take(in, 1);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* The peer sends something, and takes what there is. */
static void peer(struct model *m, struct input *in)
{
	static uint8_t buf[8192];
	size_t len = take(in, 2) % sizeof(buf);

	if (m->peer < 0)
		return;
	if (send(m->peer, buf, len, MSG_DONTWAIT) < 0) {
		/* The device has not taken the last ones yet. */
	}
	if (m->loop) {
		loop_call(m->loop, stop, m->loop);
		loop_run(m->loop);
	}
	while (recv(m->peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

static void step(struct model *m, struct input *in)
{
	struct rig *r = &m->r;

	switch (take(in, 1) % 16) {
	case 0:
		register_write(r, in);
		break;
	case 1:
		register_read(r, in);
		break;
	case 2:
	case 3:
		store(r, in);
		break;
	case 4:
		flip(r, in);
		break;
	case 5:
	case 6:
		peer(m, in);
		break;
	case 7:
		rig_notify(r, take(in, 1) % 8);
		break;
	case 8:
		if (take(in, 1) < 0x40)
			rig_start(r, rig_offered(r) & take(in, 8));
		break;
	default:
		chain(r, in);
	}
}

/* Whatever happened: a reset recovers it (and rids it of what it holds). */
static void recover(struct model *m)
{
	struct rig *r = &m->r;

	rig_start(r, 0);
	CHECK(rig_get(r, VIRTIO_MMIO_STATUS) == 15);
	if (r->v->legacy) {
		rig_set(r, VIRTIO_MMIO_QUEUE_SEL, 0);
		CHECK(rig_get(r, VIRTIO_MMIO_QUEUE_PFN));
	}
	rig_set(r, VIRTIO_MMIO_STATUS, 0);
	CHECK(rig_get(r, VIRTIO_MMIO_STATUS) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model models[3][MODELS];
	struct input in = { data, size };
	unsigned first = take(&in, 1), which = (first & 0x7f) % MODELS;
	const bool legacy = first >= 0xc0, pci = !legacy && first & 0x80;
	struct model *m = &models[legacy ? 2 : pci][which];

	log_level = LOG_ERROR;
	if (!m->r.ram) {
		rig_ram(&m->r);
		m->peer = -1;
		rig_over_pci = pci;
		rig_legacy = legacy;
		rig_plug(&m->r, make[which](m));
	}
	memset(m->r.ram, 0, RAM_SIZE);
	rig_start(&m->r, rig_offered(&m->r) & take(&in, 8));
	while (in.left)
		step(m, &in);
	recover(m);
	return 0;
}
