/* SPDX-License-Identifier: MIT */
/*
 * Speaks over the socket device: asks port 5000 of the host a question, and then
 * serves port 1234, one connection at a time, where it echoes what it gets. A
 * connection that begins with "quit" is the last, and one that begins with
 * "reset" resets the machine. Wants 64 MiB of RAM.
 *
 * It has room for one packet, which it says to the host: so the host never sends
 * one while another is being echoed.
 */
#include "guest/rt/virtio.h"

#define ID_VSOCK 19
#define RX	 0
#define TX	 1
#define CID	 3u
#define CID_HOST 2u
#define BUFFERS	 4u
#define ROOM	 4052u /* behind a header, in a page */
#define SERVICE	 1234u
#define ASKED	 5000u
#define CLIENT	 900u

enum {
	REQUEST = 1,
	RESPONSE,
	RST,
	SHUTDOWN,
	RW,
	CREDIT_UPDATE,
	CREDIT_REQUEST,
};

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port;
	uint32_t len;
	uint16_t type, op;
	uint32_t flags, buf_alloc, fwd_cnt;
	uint8_t data[ROOM];
} __attribute__((packed, aligned(4096)));

#define HEADER 44u

static struct ring rings[2];
static struct vdev rx = { .ring = &rings[RX] };
static struct vdev tx = { .ring = &rings[TX] };
static struct packet in[BUFFERS], out;

/* The connection. */
static uint32_t port, peer; /* ours and the host's; peer 0: none */
static uint32_t taken;	    /* bytes that came */
static uint32_t sent, host_room, host_taken;

static void copy(uint8_t *to, const uint8_t *from, uint32_t len)
{
	while (len--)
		*(volatile uint8_t *)to++ = *(const volatile uint8_t *)from++;
}

static void send_to(uint32_t from, uint32_t to, unsigned op, const void *data,
		    uint32_t len)
{
	vq_sync(&out, sizeof(out));
	out.src_cid = CID;
	out.dst_cid = CID_HOST;
	out.src_port = from;
	out.dst_port = to;
	out.len = len;
	out.type = 1;
	out.op = op;
	out.flags = op == SHUTDOWN ? 3 : 0;
	out.buf_alloc = ROOM;
	out.fwd_cnt = taken;
	copy(out.data, data, len);
	vq_sync(&out, sizeof(out));
	vdev_desc(&tx, 0, &out, HEADER + len, 0, 0);
	vdev_offer(&tx, 0);
	vdev_notify(&tx, TX);
	vdev_wait(&tx);
}

static void send(unsigned op)
{
	send_to(port, peer, op, NULL, 0);
}

static void offer(struct packet *p)
{
	vq_sync(p, sizeof(*p));
	vdev_desc(&rx, p - in, p, HEADER + ROOM, DESC_WRITE, 0);
	vdev_offer(&rx, p - in);
	vdev_notify(&rx, RX);
}

/* The next packet; offer() gives its buffer back. */
static struct packet *receive(void)
{
	unsigned i = rx.seen % RING;
	struct packet *p;

	while (!vdev_used(&rx, 1))
		nap(1);
	vdev_wait(&rx);
	p = &in[rx.ring->used.ring[i].id];
	vq_sync(p, sizeof(*p));
	if (p->src_cid != CID_HOST || p->dst_cid != CID || p->type != 1 ||
	    p->len > ROOM)
		fail("a packet that is not for us");
	if (p->dst_port == port && p->src_port == peer) {
		host_room = p->buf_alloc;
		host_taken = p->fwd_cnt;
	}
	return p;
}

static void open_connection(uint32_t ours, uint32_t theirs)
{
	port = ours;
	peer = theirs;
	taken = sent = host_room = host_taken = 0;
}

/* What else comes while the host has no room says that it has. */
static void say(const void *data, uint32_t len)
{
	while (peer && host_room - (sent - host_taken) < len) {
		struct packet *p = receive();

		if (p->op == RW)
			fail("the host sends beyond our credit");
		if (p->op == RST)
			peer = 0;
		offer(p);
	}
	if (!peer)
		return;
	send_to(port, peer, RW, data, len);
	sent += len;
}

static bool begins(const struct packet *p, const char *word)
{
	unsigned i;

	for (i = 0; word[i]; i++)
		if (i == p->len || p->data[i] != word[i])
			return false;
	return true;
}

static void ask(void)
{
	struct packet *p;

	open_connection(CLIENT, ASKED);
	send(REQUEST);
	p = receive();
	if (p->op == RST) {
		print("nobody listens on port %u\n", (uint64_t)ASKED);
		peer = 0;
		offer(p);
		return;
	}
	if (p->op != RESPONSE)
		fail("operation %u for an answer", (uint64_t)p->op);
	offer(p);
	say("question\n", 9);
	for (p = receive(); p->op != RW; p = receive())
		offer(p);
	if (!begins(p, "answer\n"))
		fail("another answer");
	offer(p);
	send(SHUTDOWN);
	for (p = receive(); p->op != RST; p = receive())
		offer(p);
	offer(p);
	peer = 0;
	pass("the host has answered");
}

/* True: it was the last. */
static bool serve(struct packet *p)
{
	static bool last, first;

	if (p->op == REQUEST) {
		if (peer || p->dst_port != SERVICE) {
			send_to(p->dst_port, p->src_port, RST, NULL, 0);
			return false;
		}
		open_connection(SERVICE, p->src_port);
		host_room = p->buf_alloc;
		first = true;
		send(RESPONSE);
	} else if (p->op == CREDIT_REQUEST) {
		send(CREDIT_UPDATE);
	} else if (p->op == RW) {
		if (first && begins(p, "reset"))
			smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
		last |= first && begins(p, "quit");
		first = false;
		taken += p->len;
		say(p->data, p->len);
	} else if (p->op == SHUTDOWN) {
		/* It sends no more, and has got all. */
		send(SHUTDOWN);
	} else if (p->op == RST) {
		peer = 0;
		return last;
	}
	return false;
}

int main(uint64_t fdt)
{
	struct packet *p;
	unsigned i;
	bool done;

	(void)fdt;
	rx.base = tx.base = vdev_find(ID_VSOCK, 0);
	if (!rx.base)
		fail("there is no socket device");
	if (vdev_read(&rx, REG_CONFIG) != CID)
		fail("another address than %u", (uint64_t)CID);
	nap_init();
	vdev_negotiate(&rx, F_VERSION);
	vdev_queue(&rx, RX);
	vdev_queue(&tx, TX);
	vdev_go(&rx);
	for (i = 0; i < BUFFERS; i++)
		offer(&in[i]);
	ask();
	print("listening\n");
	do {
		p = receive();
		done = serve(p);
		offer(p);
	} while (!done);
	pass("the host was served");
	return 0;
}
