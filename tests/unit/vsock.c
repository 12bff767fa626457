/* SPDX-License-Identifier: MIT */
#include "tests/unit/vsock_guest.h"

VIRTIO_TEST(the_guest_learns_its_address)
{
	struct vrig v;

	vrig_of(&v);
	EQ(rig_get(&v.r, VIRTIO_MMIO_CONFIG), CID);
	EQ(rig_get(&v.r, VIRTIO_MMIO_CONFIG + 4), 0);
	vrig_free(&v);
	OK(v.freed);
}

VIRTIO_TEST(a_guest_connects_to_the_host_and_both_speak)
{
	struct vrig v;

	connected(&v);
	vrig_say(&v, "hello", 5);
	peer_hears(&v, "hello");
	peer_says(&v, "hi");
	guest_hears(&v, "hi");
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(where_nobody_listens_a_connection_is_reset)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_REQUEST);
	const struct virtio_vsock_hdr *answer;
	struct vrig v;

	vrig_of(&v);
	h.dst_port = htole32(81);
	vrig_send_raw(&v, &h, NULL, 0);
	answer = vrig_next(&v, NULL);
	OK(answer);
	EQ(le16toh(answer->op), VIRTIO_VSOCK_OP_RST);
	EQ(le32toh(answer->src_port), 81);
	silence(&v);
	vrig_free(&v);
}

/* A process of the host's asks for port GUEST; the port that it is given. */
static uint32_t asked(struct vrig *v)
{
	const struct virtio_vsock_hdr *h;

	EQ(vrig_asked(v, vrig_pair(v), GUEST), 0);
	h = vrig_next(v, NULL);
	OK(h);
	EQ(le16toh(h->op), VIRTIO_VSOCK_OP_REQUEST);
	EQ(le32toh(h->dst_port), GUEST);
	return le32toh(h->src_port);
}

VIRTIO_TEST(the_host_connects_to_a_guest_that_listens)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RESPONSE);
	struct vrig v;
	uint32_t port;

	vrig_of(&v);
	port = asked(&v);
	OK(port >= 0x40000000);
	peer_says(&v, "early");
	silence(&v);
	h.dst_port = htole32(port);
	vrig_send_raw(&v, &h, NULL, 0);
	EQ(v.accepted, port);
	vrig_spin(&v);
	guest_hears(&v, "early");
	vrig_free(&v);
}

VIRTIO_TEST(a_guest_that_does_not_listen_has_the_host_hung_up)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RST);
	struct vrig v;

	vrig_of(&v);
	h.dst_port = htole32(asked(&v));
	vrig_send_raw(&v, &h, NULL, 0);
	EQ(v.accepted, 0);
	OK(peer_is_alone(&v));
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_host_that_gives_up_asking_is_withdrawn)
{
	struct vrig v;

	vrig_of(&v);
	asked(&v);
	close(v.peer);
	v.peer = -1;
	vrig_spin(&v);
	EQ(le16toh(vrig_next(&v, NULL)->op), VIRTIO_VSOCK_OP_RST);
	vrig_free(&v);
}

VIRTIO_TEST(without_a_driver_nobody_is_there)
{
	struct vrig v;
	int fd;

	vrig_new(&v);
	fd = vrig_pair(&v);
	EQ(vrig_asked(&v, fd, GUEST), -ECONNREFUSED);
	close(fd);
	vrig_free(&v);
}

/* By hand, as the loop is looked at: whether it is idle. */
VIRTIO_TEST_BY_HAND(what_a_host_wrote_before_it_went_arrives_as_buffers_come)
{
	const struct virtio_vsock_hdr *h;
	unsigned got = 0, fds;
	struct vrig v;

	vrig_new(&v);
	/* The loop opens what its timers need. */
	loop = v.loop;
	OK(is_idle());
	vrig_start(&v, 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	EQ(write(v.peer, big, 20000), 20000);
	close(v.peer);
	v.peer = -1;
	fds = open_fds();
	vrig_spin(&v);
	/* A hang-up that cannot be dealt with must not keep the loop busy. */
	OK(is_idle());
	vrig_refill(&v);
	while ((h = vrig_next(&v, NULL)) &&
	       le16toh(h->op) == VIRTIO_VSOCK_OP_RW)
		got += le32toh(h->len);
	EQ(got, 20000);
	OK(h);
	EQ(le16toh(h->op), VIRTIO_VSOCK_OP_SHUTDOWN);
	EQ(le32toh(h->flags), 3);
	EQ(open_fds(), fds - 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	EQ(v.dialled, 2);
	vrig_free(&v);
}

VIRTIO_TEST(connections_take_turns)
{
	const uint32_t ports[] = { GUEST, GUEST + 1, GUEST, GUEST + 1 };
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_REQUEST);
	struct vrig v;
	unsigned i;
	int first;

	vrig_new(&v);
	vrig_start(&v, 2);
	vrig_send_raw(&v, &h, NULL, 0);
	first = dup(v.peer);
	h.src_port = htole32(GUEST + 1);
	vrig_send_raw(&v, &h, NULL, 0);
	OK(vrig_next(&v, NULL) && vrig_next(&v, NULL));
	EQ(write(first, big, 9000), 9000);
	EQ(write(v.peer, big, 9000), 9000);
	vrig_spin(&v);
	vrig_refill(&v);
	for (i = 0; i < 4; i++) {
		const struct virtio_vsock_hdr *got = vrig_next(&v, NULL);

		OK(got);
		EQ(le32toh(got->dst_port), ports[i]);
	}
	close(first);
	vrig_free(&v);
}

/* --- resets --- */

VIRTIO_TEST(a_reset_of_the_device_closes_its_connections)
{
	struct vrig v;

	connected(&v);
	vrig_say(&v, "last", 4);
	vrig_start(&v, QSIZE);
	vrig_spin(&v);
	peer_hears(&v, "last");
	OK(peer_is_alone(&v));
	vrig_say(&v, "x", 1);
	expect(&v, VIRTIO_VSOCK_OP_RST);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_reset_of_a_queue_closes_connections_and_the_driver_is_told)
{
	uint32_t id = 1;
	struct vrig v;

	vrig_new(&v);
	rig_start(&v.r, 1ull << VIRTIO_F_RING_RESET);
	vrig_refill(&v);
	memcpy(rig_at(&v.r, DATA + 0x8000), &id, 4);
	rig_desc(&v.r, EVENT, 0, DATA + 0x8000, 4, W, 0);
	rig_send(&v.r, EVENT, 0);
	EQ(rig_used_idx(&v.r, EVENT), 0);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	rig_set(&v.r, VIRTIO_MMIO_QUEUE_SEL, TX);
	rig_set(&v.r, QUEUE_RESET, 1);
	EQ(rig_used_idx(&v.r, EVENT), 1);
	EQ(rig_used_len(&v.r, EVENT, 0), 4);
	memcpy(&id, rig_at(&v.r, DATA + 0x8000), 4);
	EQ(id, VIRTIO_VSOCK_EVENT_TRANSPORT_RESET);
	vrig_spin(&v);
	OK(peer_is_alone(&v));
	vrig_free(&v);
}

VIRTIO_TEST(a_held_device_hears_its_connections_when_it_goes_on)
{
	struct vrig v;

	connected(&v);
	virtio_quiesce(v.r.v, NULL);
	peer_says(&v, "meanwhile");
	vrig_spin(&v);
	silence(&v);
	virtio_resume(v.r.v);
	vrig_spin(&v);
	guest_hears(&v, "meanwhile");
	vrig_free(&v);
}
