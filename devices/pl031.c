/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * The counter is host seconds + offset, modulo 2^32. A write of the match or
 * the load register fixes when, in host seconds, the alarm is due; it has
 * happened once that time is reached, which is noticed when the guest looks
 * or, if the interrupt is enabled, by a timer on CLOCK_REALTIME. The kernel
 * moves such a timer when somebody sets the host's clock, also if that jumps
 * over the alarm: it then goes off at once. The timer is created when a guest
 * first enables the interrupt.
 */
#include "devices/pl031.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "core/loop.h"
#include "core/timer.h"
#include "core/util.h"
#include "devices/primecell.h"

/* Register offsets (DDI 0224, table 3-1). */
enum {
	RTCDR = 0x00,
	RTCMR = 0x04,
	RTCLR = 0x08,
	RTCCR = 0x0c,
	RTCIMSC = 0x10,
	RTCRIS = 0x14,
	RTCMIS = 0x18,
	RTCICR = 0x1c,
};

struct pl031 {
	struct device dev;
	struct irq irq;
	struct loop *loop;
	struct timer alarm; /* loop's thread */
	pthread_mutex_t lock;
	/* Under the lock. */
	uint32_t offset, mr, lr;
	uint64_t due; /* host seconds */
	bool imsc, ris, raised, paused;
	struct task arming;
};

static uint64_t host_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

static uint32_t counter(const struct pl031 *p)
{
	return host_seconds() + p->offset;
}

/* The next time that the counter gets to the match register. */
static void set_due(struct pl031 *p)
{
	uint64_t now = host_seconds();

	p->due = now + (uint32_t)(p->mr - (uint32_t)(now + p->offset));
}

static void notice_match(struct pl031 *p)
{
	if (host_seconds() < p->due)
		return;
	p->ris = true;
	p->due += UINT64_C(1) << 32;
}

static void update(struct pl031 *p)
{
	bool raise = p->ris && p->imsc;

	if (raise == p->raised || (raise && p->paused))
		return;
	irq_set(&p->irq, raise);
	p->raised = raise;
}

static void alarm_due(struct timer *t);

/* Set the timer to what is due. The loop's thread. */
static void arm(struct task *t)
{
	struct pl031 *p = container_of(t, struct pl031, arming);

	pthread_mutex_lock(&p->lock);
	if (!p->imsc) {
		if (timer_is_open(&p->alarm))
			timer_stop(&p->alarm);
	} else if (timer_is_open(&p->alarm) ||
		   timer_open(&p->alarm, p->loop, CLOCK_REALTIME, alarm_due) ==
			   0) {
		timer_at(&p->alarm, p->due * NSEC_PER_SEC);
	}
	pthread_mutex_unlock(&p->lock);
}

static void alarm_due(struct timer *t)
{
	struct pl031 *p = container_of(t, struct pl031, alarm);

	pthread_mutex_lock(&p->lock);
	notice_match(p);
	update(p);
	pthread_mutex_unlock(&p->lock);
	arm(&p->arming);
}

static uint64_t pl031_read(struct device *dev, uint64_t off, unsigned size)
{
	struct pl031 *p = (struct pl031 *)dev;
	uint32_t val = 0;

	if (!primecell_access(off, size))
		return 0;
	pthread_mutex_lock(&p->lock);
	notice_match(p);
	switch (off) {
	case RTCDR:
		val = counter(p);
		break;
	case RTCMR:
		val = p->mr;
		break;
	case RTCLR:
		val = p->lr;
		break;
	case RTCCR:
		val = 1;
		break;
	case RTCIMSC:
		val = p->imsc;
		break;
	case RTCRIS:
		val = p->ris;
		break;
	case RTCMIS:
		val = p->ris && p->imsc;
		break;
	default:
		val = primecell_id(PL031_PERIPH_ID, off);
	}
	update(p);
	pthread_mutex_unlock(&p->lock);
	return val & primecell_mask(size);
}

/* A write; true if the timer must be set anew. */
static bool put(struct pl031 *p, uint64_t off, uint32_t val)
{
	bool was = p->imsc;

	switch (off) {
	case RTCMR:
		p->mr = val;
		set_due(p);
		return p->imsc;
	case RTCLR:
		p->lr = val;
		p->offset = val - (uint32_t)host_seconds();
		set_due(p);
		return p->imsc;
	case RTCIMSC:
		p->imsc = val & 1;
		return p->imsc != was;
	case RTCICR:
		if (val & 1)
			p->ris = false;
		return false;
	default:
		return false;
	}
}

static void pl031_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	struct pl031 *p = (struct pl031 *)dev;

	if (!primecell_access(off, size))
		return;
	pthread_mutex_lock(&p->lock);
	notice_match(p);
	if (put(p, off, val & primecell_mask(size)))
		loop_post(p->loop, &p->arming);
	notice_match(p);
	update(p);
	pthread_mutex_unlock(&p->lock);
}

/* The time goes on across a reset, as if from a battery. */
static void pl031_reset(struct device *dev)
{
	struct pl031 *p = (struct pl031 *)dev;

	pthread_mutex_lock(&p->lock);
	p->mr = p->lr = 0;
	p->imsc = p->ris = false;
	set_due(p);
	update(p);
	pthread_mutex_unlock(&p->lock);
}

static void pl031_quiesce(struct device *dev, struct quiet *q)
{
	struct pl031 *p = (struct pl031 *)dev;

	(void)q;
	pthread_mutex_lock(&p->lock);
	p->paused = true;
	pthread_mutex_unlock(&p->lock);
}

/* The host's time has gone on, maybe past the alarm. */
static void pl031_resume(struct device *dev)
{
	struct pl031 *p = (struct pl031 *)dev;

	pthread_mutex_lock(&p->lock);
	p->paused = false;
	notice_match(p);
	update(p);
	pthread_mutex_unlock(&p->lock);
}

static void pl031_free(struct device *dev)
{
	struct pl031 *p = (struct pl031 *)dev;

	loop_unpost(&p->arming);
	timer_close(&p->alarm);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct device_ops pl031_ops = {
	.name = "pl031",
	.read = pl031_read,
	.write = pl031_write,
	.quiesce = pl031_quiesce,
	.resume = pl031_resume,
	.reset = pl031_reset,
	.free = pl031_free,
};

struct device *pl031_new(struct loop *loop, const struct irq *irq)
{
	struct pl031 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev.ops = &pl031_ops;
	p->irq = *irq;
	p->loop = loop;
	p->arming.fn = arm;
	pthread_mutex_init(&p->lock, NULL);
	set_due(p);
	return &p->dev;
}
