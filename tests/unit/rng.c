/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <jansson.h>

#include "tests/unit/virtio_rig.h"
#include "virtio/rng.h"

static void rng_of(struct rig *r)
{
	log_level = LOG_ERROR;
	rig_ram(r);
	rig_plug(r, virtio_rng_new(&r->m, rig_loop(r)));
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

/* --- saving --- */

/* @to goes on where @from stands still, with a copy of its memory. */
static int move(const struct rig *from, struct rig *to, const json_t *saved,
		struct err *e)
{
	rig_ram(to);
	memcpy(to->ram, from->ram, RAM_SIZE);
	rig_plug(to, virtio_rng_new(&to->m, NULL));
	to->avail[0] = from->avail[0];
	to->dev->ops->quiesce(to->dev, NULL);
	return to->dev->ops->load(to->dev, saved, e);
}

static json_t *save(struct rig *r)
{
	json_t *o = json_object();

	r->dev->ops->quiesce(r->dev, NULL);
	EQ(r->dev->ops->save(r->dev, o), 0);
	return o;
}

TEST(what_was_saved_goes_on_with_the_request_that_came_meanwhile)
{
	struct rig a, b;
	struct err e;
	json_t *o;

	rng_of(&a);
	rig_desc(&a, 0, 0, DATA, 100, W, 0);
	rig_send(&a, 0, 0);
	rig_desc(&a, 0, 1, DATA + 0x1000, 100, W, 0);
	a.dev->ops->quiesce(a.dev, NULL);
	rig_send(&a, 0, 1);
	o = save(&a);
	EQ(move(&a, &b, o, &e), 0);
	EQ(rig_get(&b, VIRTIO_MMIO_STATUS), 15);
	EQ(rig_get(&b, VIRTIO_MMIO_QUEUE_READY), 1);
	EQ(rig_used_idx(&b, 0), 1);
	EQ(b.irqs, 0);
	b.dev->ops->resume(b.dev);
	EQ(rig_used_idx(&b, 0), 2);
	EQ(rig_used_len(&b, 0, 1), 100);
	OK(nonzero(&b, DATA + 0x1000, 100) > 50);
	EQ(b.irqs, 1);
	/* That it was saved has changed nothing. */
	a.dev->ops->resume(a.dev);
	EQ(rig_used_idx(&a, 0), 2);
	json_decref(o);
	rig_free(&a);
	rig_free(&b);
}

/* Each value in turn: gone, of another kind, or beyond its bounds. */
static unsigned damage(const struct rig *a, json_t *all, json_t *o)
{
	json_t *bad[] = { NULL, json_string("x"), json_integer(-1),
			  json_integer(1ll << 40), json_array() };
	struct err e = { 0 };
	unsigned refused = 0, n = 0, i;
	char *names[16];
	const char *key;
	json_t *val, *kept;
	struct rig b;

	json_object_foreach(o, key, val) names[n++] = strdup(key);
	while (n--) {
		kept = json_incref(json_object_get(o, names[n]));
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			if (bad[i])
				json_object_set(o, names[n], bad[i]);
			else
				json_object_del(o, names[n]);
			if (move(a, &b, all, &e)) {
				OK(*e.text);
				refused++;
			}
			/* Whatever it took, it works again after a reset. */
			b.dev->ops->reset(b.dev);
			b.dev->ops->resume(b.dev);
			rig_start(&b, 0);
			rig_desc(&b, 0, 0, DATA, 100, W, 0);
			rig_send(&b, 0, 0);
			EQ(rig_used_idx(&b, 0), 1);
			rig_free(&b);
		}
		json_object_set_new(o, names[n], kept);
		free(names[n]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		json_decref(bad[i]);
	return refused;
}

TEST(what_was_saved_and_is_damaged_is_refused_or_does_no_harm)
{
	struct rig a;
	json_t *o, *v;

	rng_of(&a);
	o = save(&a);
	v = json_object_get(o, "virtio");
	/* What a driver may write as it likes has five values, one of them gone. */
	OK(damage(&a, o, o) >= 6 * 3);
	OK(damage(&a, o, v) >= 6 * 3);
	OK(damage(&a, o, json_array_get(json_object_get(v, "queues"), 0)) >=
	   13 * 3);
	json_decref(o);
	rig_free(&a);
}
