/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The compare value says at which count the guest is late; the timer only has
 * nestor look at the counter at about that time, and a look that comes too
 * early sets it again. Late for the first time, the watchdog asserts WS0 and
 * loads a new compare value; late for the second, WS1, and then it waits.
 * Writes of WRR, WOR and WCS are refreshes: both signals go, and the compare
 * value is loaded.
 *
 * A reset leaves WS1 as it is, so that the guest can tell why it was reset.
 */
#include "devices/sbsa_gwdt.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "core/loop.h"
#include "core/timer.h"
#include "core/util.h"

enum {
	WCS = SBSA_GWDT_CONTROL + 0x000,
	WOR_LOW = SBSA_GWDT_CONTROL + 0x008,
	WOR_HIGH = SBSA_GWDT_CONTROL + 0x00c,
	WCV_LOW = SBSA_GWDT_CONTROL + 0x010,
	WCV_HIGH = SBSA_GWDT_CONTROL + 0x014,
	CONTROL_IIDR = SBSA_GWDT_CONTROL + 0xfcc,
	WRR = SBSA_GWDT_REFRESH + 0x000,
	REFRESH_IIDR = SBSA_GWDT_REFRESH + 0xfcc,
};

#define WCS_EN	      (1u << 0)
#define WCS_WS0	      (1u << 1)
#define WCS_WS1	      (1u << 2)
#define WOR_HIGH_MASK 0xffffu
#define IIDR	      0x0001043bu /* version 1, and Arm's JEP106 code */
/* The timer is not set further ahead, whatever the guest asks for. */
#define LOOK_SECONDS 86400u

struct gwdt {
	struct device dev;
	struct irq irq;
	struct sbsa_gwdt_host host;
	struct timer timer;
	pthread_mutex_t lock;
	/* Under the lock. */
	uint64_t offset, compare;
	bool enabled, ws0, ws1, raised;
	bool paused;
};

static uint64_t counter(const struct gwdt *w)
{
	return w->host.counter(w->host.ctx);
}

/* Rounded up: to look too late is better than too early. */
static uint64_t to_ns(const struct gwdt *w, uint64_t ticks)
{
	const uint64_t hz = w->host.hz;
	uint64_t s = ticks / hz;

	if (s >= LOOK_SECONDS)
		return LOOK_SECONDS * NSEC_PER_SEC;
	return s * NSEC_PER_SEC + (ticks % hz * NSEC_PER_SEC + hz - 1) / hz;
}

static bool counting(const struct gwdt *w)
{
	return w->enabled && !w->ws1 && !w->paused;
}

/* The guest is late once the counter has passed the compare value. */
static void arm(struct gwdt *w)
{
	uint64_t now;

	if (!counting(w)) {
		timer_stop(&w->timer);
		return;
	}
	now = counter(w);
	timer_after(&w->timer, now > w->compare ? 0
						: to_ns(w, w->compare - now) +
							  to_ns(w, 1));
}

static void update(struct gwdt *w)
{
	if (w->ws0 != w->raised)
		irq_set(&w->irq, w->ws0);
	w->raised = w->ws0;
}

static void load(struct gwdt *w)
{
	w->compare = counter(w) + w->offset;
}

static void refresh(struct gwdt *w)
{
	w->ws0 = w->ws1 = false;
	if (w->enabled)
		load(w);
	update(w);
	arm(w);
}

static void look(struct timer *t)
{
	struct gwdt *w = container_of(t, struct gwdt, timer);
	bool bites = false;

	pthread_mutex_lock(&w->lock);
	if (counting(w) && counter(w) > w->compare) {
		bites = w->ws1 = w->ws0;
		if (!w->ws0)
			load(w);
		w->ws0 = true;
		update(w);
	}
	arm(w);
	pthread_mutex_unlock(&w->lock);
	if (bites)
		w->host.bite(w->host.ctx);
}

static uint32_t get(const struct gwdt *w, uint64_t off)
{
	switch (off) {
	case WCS:
		return (w->enabled ? WCS_EN : 0) | (w->ws0 ? WCS_WS0 : 0) |
		       (w->ws1 ? WCS_WS1 : 0);
	case WOR_LOW:
		return w->offset;
	case WOR_HIGH:
		return w->offset >> 32;
	case WCV_LOW:
		return w->compare;
	case WCV_HIGH:
		return w->compare >> 32;
	case CONTROL_IIDR:
	case REFRESH_IIDR:
		return IIDR;
	default:
		return 0;
	}
}

static void put(struct gwdt *w, uint64_t off, uint32_t val)
{
	switch (off) {
	case WCS:
		w->enabled = val & WCS_EN;
		refresh(w);
		break;
	case WOR_LOW:
		w->offset = w->offset >> 32 << 32 | val;
		refresh(w);
		break;
	case WOR_HIGH:
		w->offset = (uint64_t)(val & WOR_HIGH_MASK) << 32 |
			    (uint32_t)w->offset;
		refresh(w);
		break;
	case WCV_LOW:
		w->compare = w->compare >> 32 << 32 | val;
		arm(w);
		break;
	case WCV_HIGH:
		w->compare = (uint64_t)val << 32 | (uint32_t)w->compare;
		arm(w);
		break;
	case WRR:
		refresh(w);
	}
}

/* All registers have 32 bits, and so have accesses (DEN0094). */
static bool is_access(uint64_t off, unsigned size)
{
	return size == 4 && off % 4 == 0;
}

static uint64_t gwdt_read(struct device *dev, uint64_t off, unsigned size)
{
	struct gwdt *w = (struct gwdt *)dev;
	uint32_t val;

	if (!is_access(off, size))
		return 0;
	pthread_mutex_lock(&w->lock);
	val = get(w, off);
	pthread_mutex_unlock(&w->lock);
	return val;
}

static void gwdt_write(struct device *dev, uint64_t off, unsigned size,
		       uint64_t val)
{
	struct gwdt *w = (struct gwdt *)dev;

	if (!is_access(off, size))
		return;
	pthread_mutex_lock(&w->lock);
	put(w, off, val);
	pthread_mutex_unlock(&w->lock);
}

static void gwdt_reset(struct device *dev)
{
	struct gwdt *w = (struct gwdt *)dev;

	pthread_mutex_lock(&w->lock);
	w->enabled = w->ws0 = false;
	w->offset = w->compare = 0;
	update(w);
	arm(w);
	pthread_mutex_unlock(&w->lock);
}

static void gwdt_quiesce(struct device *dev, struct quiet *q)
{
	struct gwdt *w = (struct gwdt *)dev;

	(void)q;
	pthread_mutex_lock(&w->lock);
	w->paused = true;
	arm(w);
	pthread_mutex_unlock(&w->lock);
}

/* Its counter has stood still with the guest, which has as long as before. */
static void gwdt_resume(struct device *dev)
{
	struct gwdt *w = (struct gwdt *)dev;

	pthread_mutex_lock(&w->lock);
	w->paused = false;
	arm(w);
	pthread_mutex_unlock(&w->lock);
}

static void gwdt_free(struct device *dev)
{
	struct gwdt *w = (struct gwdt *)dev;

	timer_close(&w->timer);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static const struct device_ops gwdt_ops = {
	.name = "sbsa-gwdt",
	.read = gwdt_read,
	.write = gwdt_write,
	.reset = gwdt_reset,
	.quiesce = gwdt_quiesce,
	.resume = gwdt_resume,
	.free = gwdt_free,
};

struct device *sbsa_gwdt_new(struct loop *loop, const struct irq *irq,
			     const struct sbsa_gwdt_host *host)
{
	struct gwdt *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return NULL;
	w->dev.ops = &gwdt_ops;
	w->irq = *irq;
	w->host = *host;
	r = timer_open(&w->timer, loop, CLOCK_MONOTONIC, look);
	if (r < 0) {
		free(w);
		errno = -r;
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	return &w->dev;
}
