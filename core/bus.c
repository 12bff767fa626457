/* SPDX-License-Identifier: MIT */
/* Ranges of addresses in a sorted array, and their devices. */
#include "core/bus.h"

#include <errno.h>
#include <string.h>

int bus_add(struct bus *b, struct device *dev, gpa_t base, uint64_t size)
{
	unsigned i = 0;

	if (!size || base + size < base)
		return -EINVAL;
	if (b->n == BUS_DEVICES)
		return -ENOSPC;
	while (i < b->n && b->range[i].base < base)
		i++;
	if (i > 0 && base - b->range[i - 1].base < b->range[i - 1].size)
		return -EINVAL;
	if (i < b->n && b->range[i].base - base < size)
		return -EINVAL;
	memmove(&b->range[i + 1], &b->range[i],
		(b->n - i) * sizeof(b->range[0]));
	b->range[i] =
		(struct bus_range){ .base = base, .size = size, .dev = dev };
	b->n++;
	return 0;
}

static const struct bus_range *find(const struct bus *b, gpa_t gpa,
				    unsigned size)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;
		const struct bus_range *r = &b->range[mid];

		if (gpa < r->base)
			hi = mid;
		else if (gpa - r->base >= r->size)
			lo = mid + 1;
		else
			return size <= r->size - (gpa - r->base) ? r : NULL;
	}
	return NULL;
}

bool bus_access(const struct bus *b, gpa_t gpa, unsigned size, bool write,
		uint64_t *val)
{
	const struct bus_range *r = find(b, gpa, size);

	if (!r) {
		if (!write)
			*val = 0;
		return false;
	}
	__atomic_fetch_add(&r->dev->accesses, 1, __ATOMIC_RELAXED);
	if (write)
		r->dev->ops->write(r->dev, gpa - r->base, size, *val);
	else
		*val = r->dev->ops->read(r->dev, gpa - r->base, size);
	return true;
}

void bus_reset(struct bus *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->range[i].dev->ops->reset)
			b->range[i].dev->ops->reset(b->range[i].dev);
}

void bus_quiesce(struct bus *b, struct quiet *q)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->range[i].dev->ops->quiesce)
			b->range[i].dev->ops->quiesce(b->range[i].dev, q);
}

void bus_resume(struct bus *b)
{
	unsigned i;

	for (i = 0; i < b->n; i++)
		if (b->range[i].dev->ops->resume)
			b->range[i].dev->ops->resume(b->range[i].dev);
}

void bus_free(struct bus *b)
{
	while (b->n) {
		struct device *dev = b->range[--b->n].dev;

		if (dev->ops->free)
			dev->ops->free(dev);
	}
}
