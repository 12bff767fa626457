/* SPDX-License-Identifier: MIT */
/*
 * Which of a chardev's fronts gets input: two consoles of a guest on one terminal.
 *
 * Theory of operation: nobody tells us who is read. A device knows whether a driver
 * takes input from it, which says that somebody has the console open, but not that
 * he waits for input there; and a guest can have both open. What else there is to
 * go by is what a person would: the prompt that was shown last. So each front's
 * output is followed as far as to know whether its line is open, and what happens
 * is numbered: that a line was written in, that a front was found to be read for
 * the first time, that it got input. Who has the highest number gets input, except
 * that a line is not left that has got input and has not ended.
 *
 * A kernel's messages end their lines, so that they ask for nothing.
 */
#include "host/chardev_impl.h"

static bool is_read(const struct chardev *c, const struct chardev_line *l)
{
	const struct chardev_front *f = &l->front;

	if (c->nlines == 1)
		return true;
	if (f->trust == FRONT_SECOND && !c->any_read)
		return false;
	return !f->is_read || f->is_read(f->ctx);
}

/* When it last asked for input, in a way: the one that did so last gets it. */
static uint64_t asked(const struct chardev_line *l)
{
	return l->is_open && l->wrote > l->since ? l->wrote : l->since;
}

static struct chardev_line *last_to_ask(struct chardev *c)
{
	struct chardev_line *l, *last = NULL;

	for (l = c->line; l < c->line + c->nlines; l++)
		if (l->is_read && (!last || asked(l) > asked(last)))
			last = l;
	return last;
}

/*
 * @l has come to be read, since the last look or, if that is long ago, before
 * somebody showed a prompt; which is then the better sign.
 */
static void begin_locked(struct chardev *c, struct chardev_line *l)
{
	const struct chardev_line *other;

	if (l->front.trust != FRONT_SURE)
		return;
	for (other = c->line; other < c->line + c->nlines; other++)
		if (other->is_read && other->is_open)
			return;
	l->since = ++c->events;
}

/* Fronts must not be asked with the lock held, and are so before. */
static void find_reader(struct chardev *c)
{
	bool was_read[CHARDEV_FRONTS], stays;
	struct chardev_line *l;
	unsigned i;

	for (i = 0; i < c->nlines; i++) {
		l = &c->line[i];
		was_read[i] = l->is_read;
		l->is_read = is_read(c, l);
		c->any_read |= l->is_read;
	}
	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->nlines; i++)
		if (c->line[i].is_read && !was_read[i])
			begin_locked(c, &c->line[i]);
	l = c->reader;
	stays = l && l->is_read && l->typed && l->is_open;
	if (!stays) {
		c->reader = last_to_ask(c);
		if (c->reader && c->reader != l)
			c->reader->typed = false;
	}
	pthread_mutex_unlock(&c->lock);
}

struct chardev_line *chardev_taker(struct chardev *c, size_t *room)
{
	const struct chardev_front *f;

	find_reader(c);
	if (!c->reader)
		return NULL;
	f = &c->reader->front;
	*room = f->room(f->ctx);
	return *room ? c->reader : NULL;
}

void chardev_give(struct chardev *c, struct chardev_line *l, const uint8_t *p,
		  size_t len)
{
	l->typed = true;
	pthread_mutex_lock(&c->lock);
	l->since = ++c->events;
	pthread_mutex_unlock(&c->lock);
	l->front.input(l->front.ctx, p, len);
}

bool chardev_asks_locked(struct chardev *c, const void *front, const uint8_t *p,
			 size_t len)
{
	struct chardev_line *l = c->line;
	const uint8_t *end = p + len;

	while (l < c->line + c->nlines && l->front.ctx != front)
		l++;
	/* With one front there is nothing to decide. */
	if (c->nlines < 2 || l == c->line + c->nlines)
		return false;
	for (; p < end; p++) {
		if (escape_has(&l->escape, *p))
			continue;
		if (*p == '\n')
			l->is_open = false;
		else if (*p > ' ')
			l->is_open = true;
	}
	if (!l->is_open)
		return false;
	l->wrote = ++c->events;
	return l != c->reader;
}

void chardev_break(struct chardev *c)
{
	const struct chardev_line *l;

	for (l = c->line; l < c->line + c->nlines; l++)
		if (l->front.line_break)
			l->front.line_break(l->front.ctx);
}

bool chardev_size(struct chardev *c, unsigned *cols, unsigned *rows)
{
	if (!c->cols)
		return c->ops->size && c->ops->size(c, cols, rows);
	*cols = c->cols;
	*rows = c->rows;
	return true;
}

void chardev_resize_to(struct chardev *c, unsigned cols, unsigned rows)
{
	const struct chardev_line *l;

	c->cols = cols;
	c->rows = rows;
	if (!cols)
		chardev_size(c, &cols, &rows);
	for (l = c->line; l < c->line + c->nlines; l++)
		if (l->front.resized)
			l->front.resized(l->front.ctx, cols, rows);
}

void chardev_resize(struct chardev *c)
{
	chardev_resize_to(c, 0, 0);
}
