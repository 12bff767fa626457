/* SPDX-License-Identifier: MIT */
/*
 * A virtio device as JSON: what the driver and the device have agreed on, and
 * where each queue is. What lies in guest memory goes with that.
 *
 * What is loaded may have been damaged, or made up: it is checked like what a
 * driver writes, by the same functions where there are any.
 */
#include "virtio/virtio.h"

#include <errno.h>
#include <jansson.h>
#include <linux/virtio_config.h>

static json_t *queue_save(const struct virtqueue *vq)
{
	json_t *taken = json_array();
	unsigned i;

	for (i = 0; i < VQ_SIZE_MAX; i++)
		if (vq->taken[i / 64] >> i % 64 & 1)
			json_array_append_new(taken, json_integer(i));
	return json_pack("{s:i, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:i, "
			 "s:i, s:i, s:o}",
			 "size", vq->size, "desc", (json_int_t)vq->desc,
			 "avail", (json_int_t)vq->avail, "used",
			 (json_int_t)vq->used, "ready", vq->ready, "broken",
			 vq->broken, "event-idx", vq->event_idx, "indirect",
			 vq->indirect, "suppressed", vq->suppressed,
			 "avail-idx", vq->avail_idx, "used-idx", vq->used_idx,
			 "flushed", vq->flushed, "taken", taken);
}

int virtio_save(struct virtio *v, json_t *to)
{
	json_t *queues = json_array(), *model = json_object(), *o;
	int r = v->ops->save ? 0 : -EOPNOTSUPP;
	unsigned q;

	virtio_lock(v);
	for (q = 0; !r && q < v->nqueues; q++)
		r = json_array_append_new(queues, queue_save(&v->vq[q])) < 0
			    ? -ENOMEM
			    : 0;
	if (!r)
		r = v->ops->save(v, model);
	o = json_pack("{s:I, s:i, s:I, s:b, s:o, s:o}", "features",
		      (json_int_t)v->acked, "status", v->status, "owed",
		      (json_int_t)v->used_owed, "config-owed", v->config_owed,
		      "queues", queues, "model", model);
	virtio_unlock(v);
	if (!r && json_object_update(to, o) < 0)
		r = -ENOMEM;
	json_decref(o);
	return r;
}

static bool take_taken(struct virtqueue *vq, const json_t *taken)
{
	json_t *head;
	size_t i;

	json_array_foreach(taken, i, head)
	{
		json_int_t n = json_integer_value(head);

		if (!json_is_integer(head) || n < 0 || n >= vq->max)
			return false;
		vq->taken[n / 64] |= 1ull << n % 64;
	}
	return json_is_array(taken);
}

static bool is_u16(json_int_t n)
{
	return n >= 0 && n <= UINT16_MAX;
}

static bool queue_load(struct virtqueue *vq, const json_t *from)
{
	json_int_t size, desc, avail, used, avail_idx, used_idx, flushed;
	int ready, broken, event_idx, indirect, suppressed;
	json_t *taken;

	if (json_unpack((json_t *)from,
			"{s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:I, "
			"s:I, s:I, s:o}",
			"size", &size, "desc", &desc, "avail", &avail, "used",
			&used, "ready", &ready, "broken", &broken, "event-idx",
			&event_idx, "indirect", &indirect, "suppressed",
			&suppressed, "avail-idx", &avail_idx, "used-idx",
			&used_idx, "flushed", &flushed, "taken", &taken) < 0 ||
	    !is_u16(size) || !is_u16(avail_idx) || !is_u16(used_idx) ||
	    !is_u16(flushed))
		return false;
	vq->size = size;
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	if (ready && vq_start(vq, event_idx, indirect))
		return false;
	if (!take_taken(vq, taken) || (!ready && json_array_size(taken)))
		return false;
	vq->broken = broken;
	vq->suppressed = suppressed;
	vq->avail_idx = avail_idx;
	vq->used_idx = used_idx;
	vq->flushed = flushed;
	return true;
}

static bool take(struct virtio *v, const json_t *from, json_t **model)
{
	json_int_t features, status, owed;
	json_t *queues;
	int config_owed;
	unsigned q;

	if (json_unpack((json_t *)from, "{s:I, s:I, s:I, s:b, s:o, s:o}",
			"features", &features, "status", &status, "owed", &owed,
			"config-owed", &config_owed, "queues", &queues, "model",
			model) < 0 ||
	    (uint64_t)features & ~v->offered || status < 0 ||
	    status > UINT8_MAX || json_array_size(queues) != v->nqueues)
		return false;
	for (q = 0; q < v->nqueues; q++)
		if (!queue_load(&v->vq[q], json_array_get(queues, q)))
			return false;
	v->acked = features;
	v->status = status;
	v->used_owed = owed & UINT64_MAX >> (64 - v->nqueues);
	v->config_owed = config_owed;
	return true;
}

int virtio_load(struct virtio *v, const json_t *from, struct err *e)
{
	json_t *model;
	int r;

	if (!v->ops->load)
		return err_set(e, -EOPNOTSUPP, "%s cannot be restored yet",
			       v->name);
	virtio_lock(v);
	if (take(v, from, &model))
		r = v->ops->load(v, model, e);
	else
		r = err_set(e, -EINVAL, "what was saved of %s is damaged",
			    v->name);
	if (!r && virtio_start(v) < 0)
		r = err_set(e, -EIO, "%s cannot start", v->name);
	virtio_unlock(v);
	return r;
}
