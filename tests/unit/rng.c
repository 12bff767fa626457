/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "tests/unit/virtio_rig.h"
#include "virtio/rng.h"

static void rng_of(struct rig *r)
{
	log_level = LOG_ERROR;
	rig_ram(r);
	rig_plug(r, virtio_rng_new(&r->m, NULL));
	rig_start(r, 0);
}

static unsigned nonzero(const struct rig *r, gpa_t gpa, unsigned len)
{
	const uint8_t *p = rig_at(r, gpa);
	unsigned n = 0;

	while (len--)
		n += *p++ != 0;
	return n;
}

VIRTIO_TEST(a_request_is_filled_with_random_bytes)
{
	struct rig r;

	rng_of(&r);
	rig_desc(&r, 0, 0, DATA, 100, W | N, 1);
	rig_desc(&r, 0, 1, DATA + 0x1000, 100, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_used_len(&r, 0, 0), 200);
	OK(nonzero(&r, DATA, 100) > 50);
	OK(nonzero(&r, DATA + 0x1000, 100) > 50);
	EQ(nonzero(&r, DATA + 100, 0xf00), 0);
	EQ(r.irqs, 1);
	rig_free(&r);
}

VIRTIO_TEST(Q12_a_large_request_is_filled_in_part_and_says_so)
{
	struct rig r;

	rng_of(&r);
	rig_desc(&r, 0, 0, DATA, 0x10000, W, 0);
	rig_send(&r, 0, 0);
	EQ(rig_used_len(&r, 0, 0), 4096);
	EQ(nonzero(&r, DATA + 4096, 0xf000), 0);
	rig_free(&r);
}

VIRTIO_TEST(a_request_without_room_comes_back_empty)
{
	struct rig r;

	rng_of(&r);
	rig_desc(&r, 0, 0, DATA, 100, 0, 0);
	rig_send(&r, 0, 0);
	EQ(rig_used_idx(&r, 0), 1);
	EQ(rig_used_len(&r, 0, 0), 0);
	rig_free(&r);
}
