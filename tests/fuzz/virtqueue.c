/* SPDX-License-Identifier: MIT */
/*
 * A hostile driver against the virtqueue alone.
 *
 * The input is a stream of operations that build mostly valid chains, with
 * bytes of the ring flipped between any two steps of the device. Whatever the
 * driver does, each buffer that the device sees lies inside RAM, and a chain
 * that is given back was taken.
 */
#include "tests/unit/virtio_rig.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

struct input {
	const uint8_t *p;
	size_t left;
};

static uint32_t take(struct input *in, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes-- && in->left) {
		v = v << 8 | *in->p++;
		in->left--;
	}
	return v;
}

/* Mostly inside RAM, now and then at its edges or far away. */
static gpa_t address(struct input *in)
{
	uint32_t v = take(in, 2);

	switch (v & 15) {
	case 0:
		return RAM + RAM_SIZE - (v >> 4 & 31);
	case 1:
		return RAM - (v >> 4 & 31);
	case 2:
		return UINT64_MAX - (v >> 4);
	case 3:
		return (gpa_t)v << 48 | take(in, 4);
	default:
		return DATA + v;
	}
}

static uint32_t length(struct input *in)
{
	uint32_t v = take(in, 1);

	return v < 0xf0 ? v : UINT32_MAX >> (v & 15) * 2;
}

static void descriptor(struct rig *r, struct input *in, bool indirect)
{
	uint8_t v = take(in, 1);
	uint8_t flags = take(in, 1);
	gpa_t addr = address(in);
	uint32_t len = length(in);

	if (flags & IND && flags & 0x80)
		len = 16 * (v & 7);
	rig_desc_at(r, indirect ? DATA + (v & 0xf0) * 16 : DESC(0), v & 15,
		    addr, len, flags & 7, v & 0x80 ? flags : (v & 15) + 1);
}

static void check_span(const struct rig *r, const struct vq_span *s)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		const uint8_t *p = s->iov[i].iov_base;

		CHECK(p >= r->ram && p < r->ram + RAM_SIZE);
		CHECK(s->iov[i].iov_len &&
		      s->iov[i].iov_len <= (size_t)(r->ram + RAM_SIZE - p));
		len += s->iov[i].iov_len;
	}
	CHECK(len == s->len);
}

/* Consume some of the chain; keep to the contract, not to reason. */
static void use(struct rig *r, struct vq_chain *c, struct input *in)
{
	uint8_t buf[64] = { 0 };
	uint8_t how = take(in, 1), n = how >> 2;
	size_t out = c->out.len, left = c->in.len;

	switch (how & 3) {
	case 0:
		CHECK(vq_get(c, buf, n) == (n <= out ? 0 : -ENOSPC));
		break;
	case 1:
		CHECK(vq_put(c, buf, n) == (n <= left ? 0 : -ENOSPC));
		break;
	case 2:
		CHECK(!vq_last(c) == !left);
		break;
	case 3:
		CHECK(vq_poke(c, n, buf, n) ==
		      (n <= left && n <= left - n ? 0 : -ENOSPC));
	}
	check_span(r, &c->out);
	check_span(r, &c->in);
}

static void start(struct rig *r, struct virtqueue *vq, uint8_t how)
{
	vq_reset(vq);
	vq->size = QSIZE;
	vq->desc = DESC(0);
	vq->avail = AVAIL(0);
	vq->used = how & 4 ? RAM + RAM_SIZE - 200 + (how & ~3u) : USED(0);
	r->avail[0] = 0;
	memset(rig_at(r, RING(0)), 0, 0x6000);
	vq_start(vq, how & 1, how & 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vq_chain c[4];
	static struct rig r;
	struct input in = { data, size };
	struct virtqueue vq;
	unsigned held = 0, last = 0;

	log_level = LOG_ERROR;
	if (!r.ram)
		rig_ram(&r);
	memset(r.ram, 0, RAM_SIZE);
	vq_init(&vq, &r.m, 64);
	start(&r, &vq, take(&in, 1));
	while (in.left) {
		switch (take(&in, 1) % 12) {
		case 0:
		case 1:
			descriptor(&r, &in, false);
			break;
		case 2:
			descriptor(&r, &in, true);
			break;
		case 3:
		case 4:
			rig_avail(&r, 0, take(&in, 1) % (QSIZE + 1));
			break;
		case 5:
			if (held == 4)
				break;
			if (vq_pop(&vq, &c[held]) <= 0)
				break;
			check_span(&r, &c[held].out);
			check_span(&r, &c[held].in);
			CHECK(c[held].head < QSIZE);
			last = ++held;
			break;
		case 6:
			if (held)
				use(&r, &c[held - 1], &in);
			break;
		case 7:
			if (held)
				vq_push(&vq, &c[--held], take(&in, 1));
			break;
		case 8:
			/* Only the one popped last can go back. */
			if (held && held == last)
				vq_unpop(&vq, &c[--held]);
			last = 0;
			break;
		case 9:
			vq_flush(&vq);
			vq_suppress(&vq);
			break;
		case 10:
			vq_listen(&vq);
			*(uint8_t *)rig_at(&r,
					   RING(0) + take(&in, 2) % 0x6000) ^=
				take(&in, 1);
			break;
		case 11:
			if (take(&in, 1) < 0xf0)
				break;
			held = last = 0;
			start(&r, &vq, take(&in, 1));
		}
	}
	return 0;
}
