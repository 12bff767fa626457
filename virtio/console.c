/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Nothing is buffered here. What the guest prints and the peer does not take
 * stays in the guest's own buffers, which are not given back until the back end
 * says that it is writable; what the peer sends stays with the peer while the
 * guest has no buffer for it.
 *
 * Control messages to the driver are not queued either: each port has a set of
 * events that it owes, which are sent, in a fixed order, as buffers come.
 *
 * MULTIPORT, and the handshake that it takes, is only offered if there is more
 * than the console, or if input is there before the guest: a driver throws away
 * what comes between its first buffer and the handshake's end, and without
 * MULTIPORT that end cannot be seen.
 */
#include "virtio/console.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>

#include "host/chardev.h"
#include "virtio/virtio.h"

#define QUEUE_SIZE 64
/*
 * A byte of output goes to the peer, the hub, the log and what watches for
 * words: one that is a line is some 26 in console.log, and 600 instructions. It
 * counts as so many in a turn that this is 4 KiB, which is one piece; that is
 * copied before it is looked at.
 */
#define OUTPUT_PIECE 4096u
#define OUTPUT_COST  (VIRTIO_TURN / OUTPUT_PIECE)
/* Between the queues of port 0 and those of port 1. */
#define CONTROL_IN  2u
#define CONTROL_OUT 3u

struct port {
	struct console *con;
	struct chardev *chr;
	char *name;
	unsigned id;
	bool known;    /* the driver said PORT_READY */
	bool open;     /* somebody in the guest listens */
	bool used;     /* it has said something */
	unsigned owed; /* 1 << enum event */
	size_t sent;   /* bytes of the first output chain that are out */
};

struct console {
	struct virtio v;
	unsigned nports;
	enum front_trust trust; /* in words on port 0 */
	struct port *port;
	struct vq_chain in, out, control;
	uint8_t piece[OUTPUT_PIECE];
};

/* In the order in which a driver wants to hear of them. */
enum event { ADD, IS_CONSOLE, SIZE, NAME, OPEN, EVENTS };

static const uint16_t event_code[EVENTS] = {
	[ADD] = VIRTIO_CONSOLE_PORT_ADD,
	[IS_CONSOLE] = VIRTIO_CONSOLE_CONSOLE_PORT,
	[SIZE] = VIRTIO_CONSOLE_RESIZE,
	[NAME] = VIRTIO_CONSOLE_PORT_NAME,
	[OPEN] = VIRTIO_CONSOLE_PORT_OPEN,
};

static bool multiport(const struct console *con)
{
	return virtio_has(&con->v, VIRTIO_CONSOLE_F_MULTIPORT);
}

static unsigned queue_in(const struct port *p)
{
	return p->id ? 2 + 2 * p->id : 0;
}

static unsigned queue_out(const struct port *p)
{
	return queue_in(p) + 1;
}

static struct port *port_of(struct console *con, unsigned q)
{
	return &con->port[q < CONTROL_IN ? 0 : (q - 2) / 2];
}

/* --- control messages --- */

/* 1 sent, 0 there is no buffer, -EPROTO. */
static int send_event(struct port *p, enum event ev)
{
	struct console *con = p->con;
	struct virtqueue *vq = &con->v.vq[CONTROL_IN];
	struct vq_chain *c = &con->control;
	struct virtio_console_control h = {
		.id = htole32(p->id),
		.event = htole16(event_code[ev]),
		.value = htole16(1),
	};
	size_t room, len = 0;
	const void *tail = NULL;
	int r = vq_pop(vq, c);

	if (r <= 0)
		return r;
	if (ev == NAME) {
		tail = p->name;
		len = strlen(p->name);
	} else if (ev == SIZE) {
		/* Columns, then rows (5.3.6.2), as in the configuration. */
		tail = con->v.config;
		len = 4;
	}
	room = c->in.len;
	if (vq_put(c, &h, sizeof(h)) || vq_put(c, tail, len))
		con->v.stats.errors++;
	virtio_push(&con->v, CONTROL_IN, c, room - c->in.len);
	return 1;
}

static int send_events(struct console *con)
{
	struct virtqueue *vq = &con->v.vq[CONTROL_IN];
	unsigned i, ev;
	int r = 0;

	if (!multiport(con))
		return 0;
	for (i = 0; i < con->nports; i++) {
		struct port *p = &con->port[i];

		for (ev = 0; ev < EVENTS; ev++) {
			if (!(p->owed >> ev & 1))
				continue;
			do
				r = send_event(p, ev);
			while (r == 0 && vq_listen(vq));
			if (r <= 0)
				goto out;
			p->owed &= ~(1u << ev);
		}
	}
out:
	virtio_publish(&con->v, CONTROL_IN);
	return r < 0 ? r : 0;
}

static void port_ready(struct port *p)
{
	p->known = true;
	p->owed |= 1u << OPEN;
	if (p->id == 0)
		p->owed |= 1u << IS_CONSOLE | 1u << SIZE;
	else
		p->owed |= 1u << NAME;
}

static void on_event(struct console *con,
		     const struct virtio_console_control *h)
{
	const uint32_t id = le32toh(h->id);
	const bool on = le16toh(h->value);
	const uint16_t event = le16toh(h->event);
	unsigned i;

	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (i = 0; on && i < con->nports; i++)
			con->port[i].owed |= 1u << ADD;
		return;
	}
	if (id >= con->nports) {
		con->v.stats.errors++;
		return;
	}
	if (event == VIRTIO_CONSOLE_PORT_READY && on) {
		port_ready(&con->port[id]);
	} else if (event == VIRTIO_CONSOLE_PORT_OPEN) {
		con->port[id].open = on;
		if (on)
			chardev_room(con->port[id].chr);
	}
}

static int from_driver(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct virtio_console_control h;

	if (vq_get(c, &h, sizeof(h)))
		return -EPROTO;
	on_event((struct console *)v, &h);
	virtio_push(v, q, c, 0);
	return 0;
}

/* --- the guest's output --- */

static int output(struct virtio *v, unsigned q, struct vq_chain *c)
{
	struct console *con = (struct console *)v;
	struct port *p = port_of(con, q);

	if (!p->used) {
		p->used = true;
		chardev_room(p->chr);
	}
	/* The driver may have shortened what we were in the middle of. */
	vq_skip(&c->out, p->sent < c->out.len ? p->sent : c->out.len);
	while (c->out.len) {
		size_t len = c->out.len, n;

		if (virtio_spent(v))
			return VIRTIO_MORE;
		if (len > OUTPUT_PIECE)
			len = OUTPUT_PIECE;
		vq_get(c, con->piece, len);
		n = chardev_write(p->chr, p, con->piece, len);
		virtio_spend(v, n * OUTPUT_COST);
		v->stats.bytes += n;
		p->sent += n;
		if (n < len)
			return -EAGAIN;
	}
	p->sent = 0;
	virtio_push(v, q, c, 0);
	return 0;
}

static void on_writable(void *ctx)
{
	struct port *p = ctx;

	virtio_lock(&p->con->v);
	virtio_serve(&p->con->v, queue_out(p));
	virtio_unlock(&p->con->v);
}

/* --- its input --- */

static bool is_open(const struct port *p)
{
	return p->open || (p->id == 0 && !multiport(p->con));
}

static bool takes_input(const struct port *p)
{
	return virtio_works(&p->con->v) && is_open(p);
}

/*
 * Drivers offer buffers before anybody in the guest reads, and do not say when
 * somebody does. But a guest that has its console here says something on it, or
 * was told to have it here.
 */
static bool on_is_read(void *ctx)
{
	struct port *p = ctx;
	bool is;

	virtio_lock(&p->con->v);
	is = virtio_live(&p->con->v) && is_open(p) &&
	     (p->used || p->con->trust == FRONT_SURE);
	virtio_unlock(&p->con->v);
	return is;
}

/* The next buffer for input: 1, 0, -EPROTO. */
static int next_in(struct port *p)
{
	struct console *con = p->con;
	struct virtqueue *vq = &con->v.vq[queue_in(p)];
	int r;

	do
		r = vq_pop(vq, &con->in);
	while (r == 0 && vq_listen(vq));
	if (r > 0 && !con->in.in.len)
		r = -EPROTO;
	if (r < 0)
		virtio_needs_reset(&con->v, "a buffer for input is bad");
	return r;
}

static size_t on_room(void *ctx)
{
	struct port *p = ctx;
	struct virtio *v = &p->con->v;
	size_t room = 0;

	virtio_lock(v);
	if (takes_input(p) && next_in(p) > 0) {
		room = p->con->in.in.len;
		vq_unpop(&v->vq[queue_in(p)], &p->con->in);
		vq_suppress(&v->vq[queue_in(p)]);
	}
	virtio_unlock(v);
	return room;
}

/*
 * Since on_room() the driver may have reset the device, or shortened the
 * buffer: then it loses input, as if the line had been cut.
 */
static void on_input(void *ctx, const void *buf, size_t len)
{
	struct port *p = ctx;
	struct virtio *v = &p->con->v;
	struct vq_chain *c = &p->con->in;
	const uint8_t *src = buf;

	virtio_lock(v);
	while (len && takes_input(p) && next_in(p) > 0) {
		const size_t n = len < c->in.len ? len : c->in.len;

		vq_put(c, src, n);
		virtio_push(v, queue_in(p), c, n);
		src += n;
		len -= n;
	}
	virtio_publish(v, queue_in(p));
	virtio_unlock(v);
}

static void set_size(uint8_t *to, unsigned cols, unsigned rows)
{
	const uint16_t size[2] = { htole16(cols), htole16(rows) };

	memcpy(to, size, sizeof(size));
}

static void on_resized(void *ctx, unsigned cols, unsigned rows)
{
	struct port *p = ctx;
	struct virtio *v = &p->con->v;
	uint8_t size[4];

	set_size(size, cols, rows);
	virtio_lock(v);
	virtio_config_set(v, 0, size, sizeof(size));
	if (p->known) {
		p->owed |= 1u << SIZE;
		virtio_serve(v, CONTROL_IN);
	}
	virtio_unlock(v);
}

/* --- the device --- */

static int console_serve(struct virtio *v, unsigned q)
{
	struct console *con = (struct console *)v;
	int r;

	if (q == CONTROL_IN)
		return send_events(con);
	if (q == CONTROL_OUT) {
		r = virtio_each(v, q, &con->out, from_driver);
		return r ? r : send_events(con);
	}
	if (q & 1)
		return virtio_each(v, q, &con->out, output);
	chardev_room(port_of(con, q)->chr);
	return 0;
}

static void console_queue_reset(struct virtio *v, unsigned q)
{
	if (q & 1 && q != CONTROL_OUT)
		port_of((struct console *)v, q)->sent = 0;
}

static void console_reset(struct virtio *v)
{
	struct console *con = (struct console *)v;
	unsigned i;

	for (i = 0; i < con->nports; i++) {
		con->port[i].known = con->port[i].open = false;
		con->port[i].used = false;
		con->port[i].owed = 0;
	}
}

static void free_ports(struct console *con)
{
	unsigned i;

	for (i = 0; con->port && i < con->nports; i++)
		free(con->port[i].name);
	free(con->port);
}

static void console_free(struct virtio *v)
{
	struct console *con = (struct console *)v;

	virtio_exit(v);
	free_ports(con);
	free(con);
}

static const struct virtio_ops console_ops = {
	.name = "virtio-console",
	.id = VIRTIO_ID_CONSOLE,
	.serve = console_serve,
	.queue_reset = console_queue_reset,
	.reset = console_reset,
	.free = console_free,
};

static int add_port(struct console *con, unsigned id, const char *name,
		    struct chardev *chr)
{
	struct port *p = &con->port[id];

	p->con = con;
	p->chr = chr;
	p->id = id;
	p->name = strdup(name);
	return p->name ? 0 : -ENOMEM;
}

static int attach(struct port *p)
{
	const struct chardev_front front = {
		.is_read = p->id == 0 ? on_is_read : NULL,
		.trust = p->con->trust,
		.room = on_room,
		.input = on_input,
		.writable = on_writable,
		.resized = p->id == 0 ? on_resized : NULL,
		.ctx = p,
	};

	return chardev_attach(p->chr, &front);
}

static void configure(struct console *con)
{
	struct virtio_console_config cfg = {
		.max_nr_ports = htole32(con->nports),
	};
	unsigned cols, rows;

	con->v.config_size = sizeof(cfg);
	memcpy(con->v.config, &cfg, sizeof(cfg));
	if (chardev_size(con->port[0].chr, &cols, &rows))
		set_size(con->v.config, cols, rows);
}

struct virtio *virtio_console_new(const struct gmem *gmem, struct loop *loop,
				  struct chardev *chr, enum front_trust trust,
				  const struct console_port *ports, unsigned n)
{
	struct console *con;
	uint64_t features = 1ull << VIRTIO_CONSOLE_F_SIZE;
	bool handshake = n || chardev_is_fed(chr);
	unsigned i;
	int r;

	if (n > CONSOLE_PORTS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (handshake)
		features |= 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
	con = calloc(1, sizeof(*con));
	if (!con)
		return NULL;
	con->nports = n + 1;
	con->port = calloc(con->nports, sizeof(*con->port));
	r = con->port ? add_port(con, 0, "", chr) : -ENOMEM;
	for (i = 0; r == 0 && i < n; i++)
		r = add_port(con, i + 1, ports[i].name, ports[i].chr);
	if (r == 0)
		r = virtio_init(&con->v, &console_ops, gmem, loop,
				handshake ? 4 + 2 * n : 2, QUEUE_SIZE,
				features);
	if (r < 0)
		goto no_device;
	con->trust = trust;
	configure(con);
	for (i = 0; r == 0 && i < con->nports; i++)
		r = attach(&con->port[i]);
	if (r == 0)
		return &con->v;
	virtio_exit(&con->v);
no_device:
	free_ports(con);
	free(con);
	errno = -r;
	return NULL;
}
