/* SPDX-License-Identifier: MIT */
/*
 * The PL061's registers, and the power button on one of its lines. A press
 * lasts until the guest has seen its edge: a timer releases the line, and asks
 * again while the interrupt is pending. A press while the guest is paused
 * interrupts, and its time begins, when the guest goes on.
 *
 * There is no other hardware at the lines, so that a line in hardware control
 * (GPIOAFSEL) is the input that it was.
 */
#include "devices/pl061.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "core/loop.h"
#include "core/timer.h"
#include "core/util.h"
#include "devices/primecell.h"

/* Register offsets (DDI 0190, table 3-1); the data register fills 0..0x3fc. */
enum {
	GPIODATA_END = 0x400,
	GPIODIR = 0x400,
	GPIOIS = 0x404,
	GPIOIBE = 0x408,
	GPIOIEV = 0x40c,
	GPIOIE = 0x410,
	GPIORIS = 0x414,
	GPIOMIS = 0x418,
	GPIOIC = 0x41c,
	GPIOAFSEL = 0x420,
};

#define PRESS (50 * NSEC_PER_MSEC) /* half of it */

struct pl061 {
	struct device dev;
	struct irq irq;
	struct loop *loop;
	struct timer release; /* loop's thread */
	pthread_mutex_t lock;
	/* Under the lock. */
	uint8_t in, out; /* levels from the board, from the guest */
	uint8_t dir, is, ibe, iev, ie, edge, afsel;
	uint8_t pressed;
	struct task pressing;
	bool noticed; /* no edge of it waits for the guest any more */
	bool raised, paused;
};

static uint8_t levels(const struct pl061 *p)
{
	return (p->in & ~p->dir) | (p->out & p->dir);
}

/* Edges latch; a level is what it is (DDI 0190, 3.3.7). */
static uint8_t ris(const struct pl061 *p)
{
	uint8_t level = ~(levels(p) ^ p->iev);

	return (level & p->is) | (p->edge & ~p->is);
}

/* Take up a change of levels from @old, and tell the interrupt controller. */
static void update(struct pl061 *p, uint8_t old)
{
	uint8_t now = levels(p), up = now & ~old, down = old & ~now;
	bool raise;

	p->edge |= ~p->is & ((p->ibe & (up | down)) | (~p->ibe & p->iev & up) |
			     (~p->ibe & ~p->iev & down));
	raise = ris(p) & p->ie;
	if (raise == p->raised || (raise && p->paused))
		return;
	irq_set(&p->irq, raise);
	p->raised = raise;
}

static uint32_t get(const struct pl061 *p, uint64_t off)
{
	if (off < GPIODATA_END)
		return levels(p) & off >> 2;
	switch (off) {
	case GPIODIR:
		return p->dir;
	case GPIOIS:
		return p->is;
	case GPIOIBE:
		return p->ibe;
	case GPIOIEV:
		return p->iev;
	case GPIOIE:
		return p->ie;
	case GPIORIS:
		return ris(p);
	case GPIOMIS:
		return ris(p) & p->ie;
	case GPIOAFSEL:
		return p->afsel;
	default:
		return primecell_id(PL061_PERIPH_ID, off);
	}
}

static void put(struct pl061 *p, uint64_t off, uint8_t val)
{
	uint8_t mask = off >> 2;

	if (off < GPIODATA_END) {
		p->out = (p->out & ~mask) | (val & mask);
		return;
	}
	switch (off) {
	case GPIODIR:
		p->dir = val;
		break;
	case GPIOIS:
		p->is = val;
		break;
	case GPIOIBE:
		p->ibe = val;
		break;
	case GPIOIEV:
		p->iev = val;
		break;
	case GPIOIE:
		p->ie = val;
		break;
	case GPIOIC:
		p->edge &= ~val;
		break;
	case GPIOAFSEL:
		p->afsel = val;
		break;
	}
}

static uint64_t pl061_read(struct device *dev, uint64_t off, unsigned size)
{
	struct pl061 *p = (struct pl061 *)dev;
	uint32_t val;

	if (!primecell_access(off, size))
		return 0;
	pthread_mutex_lock(&p->lock);
	val = get(p, off);
	pthread_mutex_unlock(&p->lock);
	return val;
}

static void pl061_write(struct device *dev, uint64_t off, unsigned size,
			uint64_t val)
{
	struct pl061 *p = (struct pl061 *)dev;
	uint8_t old;

	if (!primecell_access(off, size))
		return;
	pthread_mutex_lock(&p->lock);
	old = levels(p);
	put(p, off, val);
	update(p, old);
	pthread_mutex_unlock(&p->lock);
}

void pl061_set_input(struct device *dev, unsigned line, bool level)
{
	struct pl061 *p = (struct pl061 *)dev;
	uint8_t old, bit = 1u << line;

	pthread_mutex_lock(&p->lock);
	old = levels(p);
	p->in = level ? p->in | bit : p->in & ~bit;
	update(p, old);
	pthread_mutex_unlock(&p->lock);
}

static void released(struct timer *t)
{
	struct pl061 *p = container_of(t, struct pl061, release);
	unsigned line;
	bool waits, release;

	pthread_mutex_lock(&p->lock);
	line = p->pressed;
	waits = p->edge & p->ie & 1u << line;
	release = p->noticed && !waits;
	p->noticed = !waits;
	pthread_mutex_unlock(&p->lock);
	if (release)
		pl061_set_input(&p->dev, line, false);
	else
		timer_after(&p->release, PRESS);
}

/* On the loop, which pauses and resumes too. */
static void press(struct task *t)
{
	struct pl061 *p = container_of(t, struct pl061, pressing);

	if (p->paused)
		return;
	if (timer_is_open(&p->release) ||
	    timer_open(&p->release, p->loop, CLOCK_MONOTONIC, released) == 0)
		timer_after(&p->release, PRESS);
}

void pl061_press(struct device *dev, unsigned line)
{
	struct pl061 *p = (struct pl061 *)dev;

	pthread_mutex_lock(&p->lock);
	p->pressed = line;
	p->noticed = false;
	pthread_mutex_unlock(&p->lock);
	pl061_set_input(dev, line, true);
	loop_post(p->loop, &p->pressing);
}

static void pl061_quiesce(struct device *dev, struct quiet *q)
{
	struct pl061 *p = (struct pl061 *)dev;

	(void)q;
	pthread_mutex_lock(&p->lock);
	p->paused = true;
	pthread_mutex_unlock(&p->lock);
	if (timer_is_open(&p->release))
		timer_stop(&p->release);
}

static void pl061_resume(struct device *dev)
{
	struct pl061 *p = (struct pl061 *)dev;
	bool pressed;

	pthread_mutex_lock(&p->lock);
	p->paused = false;
	update(p, levels(p));
	pressed = p->in >> p->pressed & 1;
	pthread_mutex_unlock(&p->lock);
	if (pressed)
		press(&p->pressing);
}

static void pl061_reset(struct device *dev)
{
	struct pl061 *p = (struct pl061 *)dev;

	pthread_mutex_lock(&p->lock);
	p->out = p->dir = p->is = p->ibe = p->iev = p->ie = p->edge = 0;
	p->afsel = 0;
	update(p, levels(p));
	pthread_mutex_unlock(&p->lock);
}

static void pl061_free(struct device *dev)
{
	struct pl061 *p = (struct pl061 *)dev;

	loop_unpost(&p->pressing);
	timer_close(&p->release);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct device_ops pl061_ops = {
	.name = "pl061",
	.read = pl061_read,
	.write = pl061_write,
	.quiesce = pl061_quiesce,
	.resume = pl061_resume,
	.reset = pl061_reset,
	.free = pl061_free,
};

struct device *pl061_new(struct loop *loop, const struct irq *irq)
{
	struct pl061 *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->dev.ops = &pl061_ops;
	p->irq = *irq;
	p->loop = loop;
	p->pressing.fn = press;
	pthread_mutex_init(&p->lock, NULL);
	return &p->dev;
}
