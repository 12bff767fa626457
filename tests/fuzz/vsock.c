/* SPDX-License-Identifier: MIT */
/*
 * The socket device between a guest and processes of the host that do anything.
 *
 * The input is a stream of operations of both sides, on a few ports. The oracle:
 * a packet to the guest has a sound header, comes within the credit that the
 * guest has given, and is as long as it says; and what one side receives is
 * what the other has sent, in order, without a hole.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/test.h"
#include "tests/unit/vsock_rig.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

#define PEERS 8u

/* A process of the host's; the bytes of a stream count up. */
struct peer {
	int fd; /* -1: none */
	uint32_t guest, host;
	bool asking; /* it does not know its own port yet */
	uint8_t to_guest, at_guest, to_host, at_host;
	uint32_t room, got; /* the guest's credit, and what has come */
};

static struct peer peers[PEERS];
static struct vrig v;
/* Somebody asked and left: whose question comes next, is not known. */
static bool muddled;
static uint32_t calling; /* the guest's port of the request under way */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned word(void)
{
	unsigned hi = byte();

	return hi << 8 | byte();
}

static uint32_t host_port(unsigned b)
{
	return b & 4 ? 0x40000001 + (b & 3) : HOST + (b & 1);
}

/* A place for a process; the one that had it is gone. */
static struct peer *place(int *device_end)
{
	struct peer *p = &peers[byte() % PEERS];
	int fd[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	if (p->fd >= 0)
		close(p->fd);
	muddled |= p->asking;
	*p = (struct peer){ .fd = fd[1] };
	*device_end = fd[0];
	return p;
}

/* Who has these ports has them no more. */
static void forget(uint32_t guest, uint32_t host)
{
	struct peer *p;

	for (p = peers; p < peers + PEERS; p++)
		if (!p->asking && p->guest == guest && p->host == host)
			p->guest = UINT32_MAX;
}

static int dial(struct vsock_back *b, uint32_t port)
{
	struct peer *p;
	int fd;

	(void)b;
	if (port != HOST)
		return -ECONNREFUSED;
	forget(calling, port);
	p = place(&fd);
	p->guest = calling;
	p->host = port;
	return fd;
}

static void ask(void)
{
	struct peer *p;
	int fd;

	p = place(&fd);
	p->guest = GUEST + (byte() & 3);
	p->asking = true;
	if (v.front.asked(v.front.ctx, fd, p->guest) < 0) {
		p->asking = false;
		p->guest = UINT32_MAX;
		close(fd);
	}
}

static struct peer *find(uint32_t guest, uint32_t host)
{
	struct peer *p;

	for (p = peers; p < peers + PEERS; p++)
		if (!p->asking && p->guest == guest && p->host == host)
			return p;
	return NULL;
}

static void learn(uint32_t guest, uint32_t host)
{
	struct peer *p, *only = NULL;
	unsigned n = 0;

	forget(guest, host);
	for (p = peers; p < peers + PEERS; p++) {
		if (p->asking && p->guest == guest) {
			only = p;
			n++;
		}
	}
	/* Of several that ask for one port, any may be it: none is checked. */
	if (n == 1 && !muddled) {
		only->asking = false;
		only->host = host;
	} else {
		muddled = true;
	}
}

/* From here on nothing is known of the connections that there are. */
static void forget_all(void)
{
	unsigned i;

	for (i = 0; i < PEERS; i++) {
		muddled |= peers[i].asking;
		peers[i].guest = UINT32_MAX;
		peers[i].asking = false;
	}
}

/* --- the guest --- */

static void heard(struct peer *p, const struct virtio_vsock_hdr *h,
		  const uint8_t *data)
{
	uint32_t i, len = le32toh(h->len);

	p->got += len;
	CHECK(p->got <= p->room);
	for (i = 0; i < len; i++)
		CHECK(data[i] == p->at_guest++);
}

static void take_packets(void)
{
	const struct virtio_vsock_hdr *h;
	const uint8_t *data;

	while ((h = vrig_next(&v, &data))) {
		uint32_t guest = le32toh(h->dst_port);
		uint32_t host = le32toh(h->src_port);
		unsigned op = le16toh(h->op);
		struct peer *p = find(guest, host);

		CHECK(rig_used_len(&v.r, RX, v.seen - 1) ==
		      HDR + le32toh(h->len));
		CHECK(le64toh(h->dst_cid) == CID);
		CHECK(op >= VIRTIO_VSOCK_OP_REQUEST &&
		      op <= VIRTIO_VSOCK_OP_CREDIT_REQUEST);
		CHECK(op == VIRTIO_VSOCK_OP_RW || !h->len);
		if (op != VIRTIO_VSOCK_OP_RST)
			CHECK(le64toh(h->src_cid) == 2 &&
			      le16toh(h->type) == 1);
		if (op == VIRTIO_VSOCK_OP_REQUEST)
			learn(guest, host);
		else if (op == VIRTIO_VSOCK_OP_RW && p)
			heard(p, h, data);
	}
}

static void packet(void)
{
	static uint8_t data[8192];
	struct virtio_vsock_hdr h = vrig_header(byte() % 9);
	unsigned ports = byte(), how = byte();
	unsigned len = how & 1 ? word() % sizeof(data) : 0, i;
	bool straight = !(how & 0x70);
	struct peer *p;

	/* While one waits, none is behind it. */
	if (rig_used_idx(&v.r, TX) != v.r.avail[TX])
		return;
	calling = GUEST + (ports & 3);
	h.src_port = htole32(calling);
	h.dst_port = htole32(host_port(ports >> 2));
	h.len = htole32(len);
	h.flags = htole32(byte() & 3);
	p = find(calling, host_port(ports >> 2));
	h.buf_alloc = htole32(p ? p->room : 4096);
	h.fwd_cnt = htole32(p ? p->got : 0);
	if (how & 2 && p) {
		p->room = p->got + word();
		h.buf_alloc = htole32(p->room - p->got);
	} else if (p) {
		h.buf_alloc = htole32(p->room - p->got);
	}
	/* Something is wrong with it. */
	if (!straight) {
		((uint8_t *)&h)[byte() % HDR] ^= byte();
		forget_all();
	}
	for (i = 0; i < len; i++)
		data[i] = p ? p->to_host + i : 0;
	if (p && straight && le16toh(h.op) == VIRTIO_VSOCK_OP_RW)
		p->to_host += len;
	vrig_send_raw(&v, &h, data, len);
	if (!straight)
		forget_all();
	else if (!p && le16toh(h.op) == VIRTIO_VSOCK_OP_REQUEST &&
		 (p = find(calling, HOST)))
		p->room = le32toh(h.buf_alloc);
}

static void buffers(void)
{
	static const uint32_t sizes[] = {
		4096, 4096, 4096, 100, 45, 44, 43, 1
	};
	unsigned n = byte(), size = sizes[n >> 5];

	for (n %= 8; n && (uint16_t)(v.r.avail[RX] - v.seen) < QSIZE; n--)
		vrig_rx(&v, v.r.avail[RX] % QSIZE, size);
	rig_notify(&v.r, RX);
}

/* --- the host --- */

static void peer_writes(struct peer *p)
{
	uint8_t data[4096];
	unsigned i, len = word() % sizeof(data);
	ssize_t n;

	for (i = 0; i < len; i++)
		data[i] = p->to_guest + i;
	n = send(p->fd, data, len, MSG_NOSIGNAL);
	if (n > 0)
		p->to_guest += n;
}

static void peer_reads(struct peer *p)
{
	uint8_t data[4096];
	ssize_t i, n = read(p->fd, data, 1 + word() % sizeof(data));

	for (i = 0; i < n && p->guest != UINT32_MAX; i++)
		CHECK(data[i] == p->at_host++);
}

static void peer_goes(struct peer *p)
{
	unsigned how = byte() % 3;

	if (how < 2) {
		shutdown(p->fd, how);
		return;
	}
	close(p->fd);
	p->fd = -1;
}

static void peer_acts(unsigned op)
{
	struct peer *p = &peers[byte() % PEERS];

	if (p->fd < 0)
		return;
	if (op < 6)
		peer_writes(p);
	else if (op < 8)
		peer_reads(p);
	else
		peer_goes(p);
}

/* --- both --- */

static void reset(void)
{
	unsigned how = byte();

	forget_all();
	muddled = false;
	if (how & 1) {
		rig_set(&v.r, VIRTIO_MMIO_QUEUE_SEL, how >> 1 & 3);
		rig_set(&v.r, QUEUE_RESET, 1);
	} else {
		vrig_start(&v, how >> 4);
	}
}

static void step(void)
{
	unsigned op = byte() % 16;

	switch (op) {
	case 0:
		ask();
		break;
	case 1:
		if (byte() < 0x20)
			reset();
		break;
	case 2:
	case 3:
		buffers();
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		peer_acts(op);
		break;
	case 9:
	case 10:
		vrig_spin(&v);
		break;
	default:
		packet();
	}
	take_packets();
}

static void finish(void)
{
	unsigned i;

	for (i = 0; i < PEERS; i++) {
		if (peers[i].fd >= 0)
			close(peers[i].fd);
		peers[i].fd = -1;
	}
	vrig_start(&v, QSIZE);
	CHECK(rig_get(&v.r, VIRTIO_MMIO_STATUS) == 15);
	rig_set(&v.r, VIRTIO_MMIO_STATUS, 0);
	/* All connections end; what the next input finds is a new device. */
	vrig_spin(&v);
	vrig_spin(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned i;

	take_input(data, size);
	muddled = false;
	rig_over_pci = byte() & 1;
	vrig_new(&v);
	v.back.dial = dial;
	for (i = 0; i < PEERS; i++)
		peers[i] = (struct peer){ .fd = -1, .guest = UINT32_MAX };
	rig_start(&v.r, 1ull << VIRTIO_F_RING_RESET);
	v.seen = 0;
	vrig_refill(&v);
	while (next < end)
		step();
	finish();
	vrig_free(&v);
	return 0;
}
