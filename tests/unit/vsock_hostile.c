/* SPDX-License-Identifier: MIT */
/* What a driver of the socket device must not do, and what happens then. */
#include "tests/unit/vsock_guest.h"

VIRTIO_TEST(V1_a_header_that_is_flipped_is_answered_by_a_reset)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RW);
	unsigned byte;
	struct vrig v;

	vrig_of(&v);
	/* Each byte of the addresses, the type and the operation. */
	for (byte = 0; byte < 32; byte++) {
		const struct virtio_vsock_hdr *answer;

		if (byte >= 24 && byte < 28) /* the length */
			continue;
		((uint8_t *)&h)[byte] ^= 0x80;
		vrig_send_raw(&v, &h, NULL, 0);
		answer = vrig_next(&v, NULL);
		OK(answer);
		EQ(le16toh(answer->op), VIRTIO_VSOCK_OP_RST);
		EQ(answer->src_cid, h.dst_cid);
		EQ(answer->dst_cid, htole64(CID));
		EQ(answer->src_port, h.dst_port);
		EQ(answer->dst_port, h.src_port);
		EQ(answer->type, h.type);
		((uint8_t *)&h)[byte] ^= 0x80;
		vrig_refill(&v);
	}
	EQ(v.dialled, 0);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(V1_a_length_beyond_the_packet_is_answered_by_a_reset)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RW);
	struct vrig v;

	connected(&v);
	h.len = htole32(6);
	vrig_send_raw(&v, &h, "hello", 5);
	expect(&v, VIRTIO_VSOCK_OP_RST);
	vrig_spin(&v);
	OK(peer_is_alone(&v));
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(bytes_behind_a_packet_are_no_part_of_it)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RW);
	struct vrig v;

	connected(&v);
	h.len = htole32(4);
	vrig_send_raw(&v, &h, "helloooo", 8);
	peer_hears(&v, "hell");
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(V1_what_is_out_of_order_ends_the_connection)
{
	static const unsigned ops[] = { 0, VIRTIO_VSOCK_OP_REQUEST,
					VIRTIO_VSOCK_OP_RESPONSE, 8, 0xffff };
	unsigned i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		struct vrig v;

		connected(&v);
		vrig_send(&v, ops[i]);
		expect(&v, VIRTIO_VSOCK_OP_RST);
		OK(peer_is_alone(&v));
		/* The guest may ask again. */
		vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
		expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
		silence(&v);
		vrig_free(&v);
	}
}

VIRTIO_TEST(V1_an_answer_to_a_question_that_was_not_sent_ends_it)
{
	struct vrig v;

	vrig_answers_unasked(&v, VIRTIO_VSOCK_OP_RESPONSE);
	EQ(v.accepted, 0);
	OK(peer_is_alone(&v));
	vrig_free(&v);
}

/* By hand, so that the device does not hear that each has hung up. */
VIRTIO_TEST_BY_HAND(V1_a_hundred_thousand_connects_are_bounded)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_REQUEST);
	const struct virtio_vsock_hdr *answer;
	unsigned i, before, opened = 0, refused = 0;
	struct vrig v;

	vrig_of(&v);
	before = open_fds();
	for (i = 0; i < 100000; i++) {
		h.src_port = htole32(i);
		vrig_send_raw(&v, &h, NULL, 0);
		answer = vrig_next(&v, NULL);
		OK(answer);
		EQ(le32toh(answer->dst_port), i);
		opened += le16toh(answer->op) == VIRTIO_VSOCK_OP_RESPONSE;
		refused += le16toh(answer->op) == VIRTIO_VSOCK_OP_RST;
		vrig_refill(&v);
	}
	EQ(opened, 256);
	EQ(refused, 100000 - 256);
	/* Nobody of the host's has heard of the others. */
	EQ(v.dialled, 256);
	LT(open_fds(), before + 258);
	rig_set(&v.r, VIRTIO_MMIO_STATUS, 0);
	vrig_spin(&v);
	vrig_spin(&v);
	while (open_fds() > before + 1)
		vrig_spin(&v);
	vrig_free(&v);
}

VIRTIO_TEST(V1_a_guest_that_takes_no_answers_is_not_listened_to)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_RW);
	unsigned i;
	struct vrig v;

	vrig_new(&v);
	vrig_start(&v, 0);
	memcpy(rig_at(&v.r, TXBUF), &h, HDR);
	for (i = 0; i < 100; i++) {
		rig_desc(&v.r, TX, i % QSIZE, TXBUF, HDR, 0, 0);
		if (i < 64 + QSIZE)
			rig_send(&v.r, TX, i % QSIZE);
	}
	EQ(rig_used_idx(&v.r, TX), 64);
	for (i = 0; i < 5; i++) {
		vrig_refill(&v);
		while (vrig_next(&v, NULL))
			;
	}
	EQ(rig_used_idx(&v.r, TX), 64 + QSIZE);
	EQ(rig_used_idx(&v.r, RX), 64 + QSIZE);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(V1_a_packet_without_a_whole_header_breaks_the_device)
{
	struct vrig v;

	vrig_of(&v);
	rig_desc(&v.r, TX, 0, TXBUF, HDR - 1, 0, 0);
	rig_send(&v.r, TX, 0);
	OK(rig_needs_reset(&v.r));
	vrig_free(&v);
}

VIRTIO_TEST(V1_a_buffer_too_small_to_receive_breaks_the_device)
{
	struct vrig v;

	vrig_new(&v);
	vrig_start(&v, 0);
	vrig_rx(&v, 0, HDR);
	vrig_rx(&v, 1, HDR);
	vrig_rx(&v, 2, HDR - 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	peer_says(&v, "no room");
	OK(rig_needs_reset(&v.r));
	vrig_start(&v, 0);
	OK(!rig_needs_reset(&v.r));
	vrig_rx(&v, 0, HDR - 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_RW);
	OK(rig_needs_reset(&v.r));
	vrig_free(&v);
}
