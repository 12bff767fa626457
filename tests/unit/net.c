/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "host/tap.h"
#include "tests/unit/virtio_rig.h"
#include "virtio/net.h"

#define BIT(n) (1ull << (n))
#define ALL    (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define HOST   (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4))
#define MRG    BIT(VIRTIO_NET_F_MRG_RXBUF)
#define RX     0
#define TX     1
#define BUF(i) (DATA + (i)*0x800)

static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };

/* The other end of the wire is wire[1]. */
static int wire[2];

static struct virtio *net_on(struct rig *r, const uint8_t *addr)
{
	struct netif *tap;

	log_level = LOG_ERROR;
	rig_ram(r);
	EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, wire), 0);
	tap = tap_wrap(wire[0], ALL);
	OK(tap);
	return virtio_net_new(&r->m, tap, addr);
}

static void net_of(struct rig *r, uint64_t features)
{
	rig_plug(r, net_on(r, mac));
	rig_start(r, features);
}

/* A packet of @len bytes, its header included, arrives. */
static void arrive(size_t len)
{
	static uint8_t buf[70000];
	size_t i;

	for (i = NETIF_HEADER; i < len; i++)
		buf[i] = i;
	buf[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	EQ(send(wire[1], buf, len, 0), len);
}

static void rx_buffer(struct rig *r, unsigned i, uint32_t len)
{
	rig_desc(r, RX, i, BUF(i), len, W, 0);
	rig_avail(r, RX, i);
}

/* Send a packet of @len bytes behind @h; how many bytes left the device. */
static int sent(struct rig *r, const struct virtio_net_hdr_v1 *h, size_t len)
{
	uint8_t buf[4096];
	uint16_t before = rig_used_idx(r, TX);
	int n;

	memcpy(rig_at(r, DATA), h, sizeof(*h));
	memset(rig_at(r, DATA + sizeof(*h)), 0x77, len);
	rig_desc(r, TX, 0, DATA, sizeof(*h) + len, 0, 0);
	rig_send(r, TX, 0);
	EQ(rig_used_idx(r, TX), before + 1);
	EQ(rig_used_len(r, TX, before), 0);
	OK(!rig_needs_reset(r));
	n = recv(wire[1], buf, sizeof(buf), 0);
	return n;
}

/* The same of @n pieces of 8 KiB, the first of which begins with a header. */
static int sent_long(struct rig *r, unsigned n)
{
	static uint8_t buf[1 << 20];
	unsigned i;

	memset(rig_at(r, DATA), 0, sizeof(struct virtio_net_hdr_v1));
	for (i = 0; i < n; i++)
		rig_desc(r, TX, i, DATA, 8192, i + 1 < n ? N : 0, i + 1);
	rig_send(r, TX, 0);
	return recv(wire[1], buf, sizeof(buf), 0);
}

VIRTIO_TEST(the_address_is_the_one_given)
{
	struct rig r;

	net_of(&r, 0);
	MEM_EQ(r.v->config, mac, 6);
	EQ(r.v->config[6], VIRTIO_NET_S_LINK_UP);
	OK(rig_offered(&r) & BIT(VIRTIO_NET_F_MAC));
	OK(!(rig_offered(&r) & BIT(VIRTIO_NET_F_HOST_USO)));
	rig_free(&r);
}

VIRTIO_TEST(an_address_of_its_own_is_local_and_no_group)
{
	struct rig r;

	rig_plug(&r, net_on(&r, NULL));
	EQ(r.v->config[0] & 3, 2);
	rig_free(&r);
}

VIRTIO_TEST(a_packet_is_sent_with_its_header)
{
	const struct virtio_net_hdr_v1 h = { 0 };
	struct rig r;

	net_of(&r, HOST);
	EQ(sent(&r, &h, 100), 112);
	EQ(r.v->stats.errors, 0);
	rig_free(&r);
}

VIRTIO_TEST(a_packet_in_pieces_is_sent_as_one)
{
	struct rig r;
	uint8_t buf[200];
	unsigned i;

	net_of(&r, 0);
	for (i = 0; i < 60; i++)
		((uint8_t *)rig_at(&r, DATA))[12 + i] = i;
	rig_desc(&r, TX, 0, DATA, 7, N, 1);
	rig_desc(&r, TX, 1, DATA + 7, 8, N, 2);
	rig_desc(&r, TX, 2, DATA + 15, 57, 0, 0);
	rig_send(&r, TX, 0);
	EQ(recv(wire[1], buf, sizeof(buf), 0), 72);
	for (i = 0; i < 60; i++)
		EQ(buf[12 + i], i);
	rig_free(&r);
}

/* As before virtio 1.0: the header has no number of buffers. */
static void start_old(struct rig *r, uint64_t features)
{
	unsigned q;

	rig_plug(r, net_on(r, mac));
	rig_set(r, VIRTIO_MMIO_STATUS, 3);
	rig_set(r, VIRTIO_MMIO_DRIVER_FEATURES, features);
	rig_set(r, VIRTIO_MMIO_STATUS, 11);
	for (q = 0; q < 2; q++)
		rig_queue(r, q);
	rig_set(r, VIRTIO_MMIO_STATUS, 15);
	for (q = 0; q < 2; q++)
		rig_notify(r, q);
}

VIRTIO_TEST(a_driver_of_before_virtio_1_sends_behind_10_bytes_of_header)
{
	uint8_t buf[128];
	struct rig r;

	start_old(&r, 0);
	memset(rig_at(&r, DATA), 0, 10);
	memset(rig_at(&r, DATA + 10), 0x77, 60);
	rig_desc(&r, TX, 0, DATA, 10, N, 1);
	rig_desc(&r, TX, 1, DATA + 10, 60, 0, 0);
	rig_send(&r, TX, 0);
	EQ(recv(wire[1], buf, sizeof(buf), 0), NETIF_HEADER + 60);
	MEM_EQ(buf + 8, "\0\0\0\0\x77\x77", 6);
	rig_free(&r);
}

static void receive_old(uint64_t features, uint32_t header)
{
	struct rig r;

	start_old(&r, features);
	memset(rig_at(&r, BUF(0)), 0xaa, 0x800);
	rig_desc(&r, RX, 0, BUF(0), header, W | N, 1);
	rig_desc(&r, RX, 1, BUF(0) + header, 1514, W, 0);
	rig_avail(&r, RX, 0);
	arrive(NETIF_HEADER + 60);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), header + 60);
	EQ(*(uint8_t *)rig_at(&r, BUF(0)), 0);
	/* arrive() numbers the bytes. */
	MEM_EQ(rig_at(&r, BUF(0) + header), "\x0c\x0d\x0e", 3);
	MEM_EQ(rig_at(&r, BUF(0) + header + 59), "\x47\xaa", 2);
	if (header == NETIF_HEADER)
		MEM_EQ(rig_at(&r, BUF(0) + 10), "\1\0", 2);
	rig_free(&r);
}

VIRTIO_TEST(a_driver_of_before_virtio_1_receives_behind_10_bytes_of_header)
{
	receive_old(0, 10);
}

VIRTIO_TEST(a_driver_of_before_virtio_1_that_merges_has_a_header_of_12_bytes)
{
	receive_old(MRG, NETIF_HEADER);
}

VIRTIO_TEST(a_packet_is_received_into_one_buffer)
{
	struct rig r;

	net_of(&r, 0);
	rx_buffer(&r, 0, 1526);
	arrive(100);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), 100);
	EQ(rig_get16(&r, BUF(0) + 10), 1);
	EQ(*(uint8_t *)rig_at(&r, BUF(0) + 99), 99);
	/* GUEST_CSUM was not negotiated. */
	EQ(*(uint8_t *)rig_at(&r, BUF(0)), 0);
	EQ(r.irqs, 1);
	rig_free(&r);
}

/* More than one call reads into. */
TEST(a_packet_is_received_into_a_buffer_of_a_thousand_pieces)
{
	const gpa_t table = DATA + 0x10000;
	uint8_t buf[100];
	struct rig r;
	unsigned i;

	net_of(&r, BIT(VIRTIO_RING_F_INDIRECT_DESC));
	for (i = 0; i < VQ_SIZE_MAX; i++)
		rig_desc_at(&r, table, i, DATA + i, 1,
			    i + 1 < VQ_SIZE_MAX ? W | N : W, i + 1);
	rig_desc(&r, RX, 0, table, VQ_SIZE_MAX * 16, IND, 0);
	rig_avail(&r, RX, 0);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = i;
	EQ(send(wire[1], buf, sizeof(buf), 0), sizeof(buf));
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), sizeof(buf));
	MEM_EQ(rig_at(&r, DATA + 20), buf + 20, 80);
	rig_free(&r);
}

VIRTIO_TEST(a_long_packet_is_merged_from_several_buffers)
{
	struct rig r;
	unsigned i;

	net_of(&r, MRG | BIT(VIRTIO_NET_F_GUEST_CSUM));
	for (i = 0; i < 4; i++)
		rx_buffer(&r, i, 1000);
	arrive(2500);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 3);
	EQ(rig_used_len(&r, RX, 0), 1000);
	EQ(rig_used_len(&r, RX, 1), 1000);
	EQ(rig_used_len(&r, RX, 2), 500);
	EQ(rig_get16(&r, BUF(0) + 10), 3);
	EQ(*(uint8_t *)rig_at(&r, BUF(0)), VIRTIO_NET_HDR_F_NEEDS_CSUM);
	EQ(*(uint8_t *)rig_at(&r, BUF(1)), (uint8_t)1000);
	EQ(*(uint8_t *)rig_at(&r, BUF(2) + 499), (uint8_t)2499);
	EQ(*(uint8_t *)rig_at(&r, BUF(2) + 500), 0);
	rig_free(&r);
}

VIRTIO_TEST(a_packet_too_long_without_merging_is_dropped_alone)
{
	struct rig r;

	net_of(&r, 0);
	rx_buffer(&r, 0, 1000);
	arrive(1001);
	arrive(1000);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), 1000);
	EQ(r.v->stats.errors, 1);
	rig_free(&r);
}

VIRTIO_TEST(a_packet_waits_midway_for_more_buffers)
{
	struct rig r;

	net_of(&r, MRG);
	rx_buffer(&r, 0, 1000);
	arrive(2500);
	arrive(50);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 0);
	rx_buffer(&r, 1, 1000);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 0);
	rx_buffer(&r, 2, 1000);
	rx_buffer(&r, 3, 1000);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 4);
	EQ(rig_get16(&r, BUF(0) + 10), 3);
	EQ(rig_get16(&r, BUF(3) + 10), 1);
	EQ(rig_used_len(&r, RX, 3), 50);
	rig_free(&r);
}

VIRTIO_TEST(a_packet_that_no_ring_can_hold_is_cut)
{
	struct rig r;
	unsigned i;

	net_of(&r, MRG);
	for (i = 0; i < QSIZE; i++)
		rx_buffer(&r, i, 100);
	arrive(5000);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), QSIZE);
	EQ(r.v->stats.errors, 1);
	rx_buffer(&r, 0, 100);
	arrive(50);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), QSIZE + 1);
	rig_free(&r);
}

VIRTIO_TEST(N1_a_checksum_outside_the_packet_drops_it)
{
	struct virtio_net_hdr_v1 h = { .flags = 1,
				       .csum_start = 34,
				       .csum_offset = 16 };
	struct rig r;

	net_of(&r, HOST);
	EQ(sent(&r, &h, 100), 112);
	EQ(sent(&r, &h, 52), 64);
	EQ(sent(&r, &h, 51), -1);
	h.csum_start = 0xffff;
	EQ(sent(&r, &h, 100), -1);
	h.csum_start = 34;
	h.csum_offset = 0xffff;
	EQ(sent(&r, &h, 100), -1);
	EQ(r.v->stats.errors, 3);
	rig_free(&r);
}

VIRTIO_TEST(N1_a_bad_segmentation_drops_the_packet)
{
	const struct virtio_net_hdr_v1 good = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.gso_size = 1000,
		.hdr_len = 54,
		.csum_start = 34,
		.csum_offset = 16,
	};
	struct virtio_net_hdr_v1 h = good;
	struct rig r;

	net_of(&r, HOST);
	EQ(sent(&r, &h, 1500), 1512);
	h.gso_size = 0;
	EQ(sent(&r, &h, 1500), -1);
	h = good;
	h.gso_type = 0x7f;
	EQ(sent(&r, &h, 1500), -1);
	h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	EQ(sent(&r, &h, 1500), -1);
	/* Not negotiated. */
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	EQ(sent(&r, &h, 1500), -1);
	h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
	EQ(sent(&r, &h, 1500), -1);
	h = good;
	h.flags = 0;
	EQ(sent(&r, &h, 1500), -1);
	h.flags = 0xff & ~VIRTIO_NET_HDR_F_NEEDS_CSUM;
	EQ(sent(&r, &h, 1500), -1);
	EQ(sent(&r, &good, 1500), 1512);
	rig_free(&r);
}

/* What leaves the device of a packet of 100 bytes behind @h. */
static struct virtio_net_hdr_v1 passed(struct rig *r,
				       const struct virtio_net_hdr_v1 *h)
{
	struct virtio_net_hdr_v1 out;

	memcpy(rig_at(r, DATA), h, sizeof(*h));
	rig_desc(r, TX, 0, DATA, sizeof(*h) + 100, 0, 0);
	rig_send(r, TX, 0);
	EQ(recv(wire[1], &out, sizeof(out), MSG_TRUNC), 112);
	return out;
}

VIRTIO_TEST(flags_that_are_not_known_and_a_wrong_hint_are_ignored)
{
	struct virtio_net_hdr_v1 h = { .flags = 0xff,
				       .csum_start = 34,
				       .csum_offset = 16,
				       .hdr_len = 101 },
				 out;
	struct rig r;

	net_of(&r, HOST);
	out = passed(&r, &h);
	EQ(out.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	EQ(out.csum_start, 34);
	EQ(out.hdr_len, 0);
	h.hdr_len = 100;
	EQ(passed(&r, &h).hdr_len, 100);
	/* Without a checksum to make, where it would be means nothing. */
	h.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	h.csum_start = 0xffff;
	EQ(passed(&r, &h).flags, 0);
	rig_free(&r);
	net_of(&r, 0);
	EQ(passed(&r, &h).flags, 0);
	EQ(r.v->stats.errors, 0);
	rig_free(&r);
}

VIRTIO_TEST(N4_a_frame_without_a_whole_header_is_dropped_on_either_side)
{
	const struct virtio_net_hdr_v1 h = { 0 };
	struct rig r;
	unsigned len;

	net_of(&r, 0);
	for (len = 0; len < 14; len++)
		EQ(sent(&r, &h, len), -1);
	EQ(sent(&r, &h, 14), 26);
	rx_buffer(&r, 0, 1526);
	for (len = 1; len < NETIF_HEADER + 14; len++)
		arrive(len);
	arrive(NETIF_HEADER + 14);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), NETIF_HEADER + 14);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

static int failures, failure;

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	failures++;
	failure = err;
}

VIRTIO_TEST(what_the_network_cannot_do_is_told_with_its_reason)
{
	const struct virtio_net_hdr_v1 h = { 0 };
	struct rig r;
	int dir;

	failures = 0;
	net_of(&r, 0);
	virtio_on_failure(r.v, on_failure, NULL);
	/* The driver's own fault, first. */
	EQ(sent(&r, &h, 13), -1);
	EQ(r.v->stats.errors, 1);
	EQ(failures, 0);
	dir = open("/", O_RDONLY | O_DIRECTORY);
	EQ(dup2(dir, wire[0]), wire[0]);
	close(dir);
	EQ(sent(&r, &h, 14), -1);
	EQ(sent(&r, &h, 14), -1);
	EQ(r.v->stats.errors, 3);
	EQ(failures, 1);
	EQ(failure, EBADF);
	rx_buffer(&r, 0, 1526);
	rig_notify(&r, RX);
	EQ(failures, 2);
	EQ(failure, EISDIR);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

VIRTIO_TEST(N4_a_frame_that_is_too_long_is_dropped_on_either_side)
{
	struct rig r;

	net_of(&r, 0);
	/* 72 KiB. */
	EQ(sent_long(&r, 9), -1);
	EQ(r.v->stats.errors, 1);
	rx_buffer(&r, 0, 1526);
	arrive(NETIF_HEADER + 1515);
	arrive(NETIF_HEADER + 60);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), NETIF_HEADER + 60);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

VIRTIO_TEST(N1_what_was_not_negotiated_drops_the_packet)
{
	struct virtio_net_hdr_v1 h = { .flags = 1, .csum_start = 34 };
	struct rig r;

	net_of(&r, 0);
	EQ(sent(&r, &h, 100), -1);
	h.flags = 0;
	EQ(sent(&r, &h, 13), -1);
	EQ(sent(&r, &h, 14), 26);
	rig_free(&r);
}

VIRTIO_TEST(Q10_a_header_that_is_cut_short_needs_reset)
{
	struct rig r;

	net_of(&r, 0);
	rig_desc(&r, TX, 0, DATA, 11, 0, 0);
	rig_send(&r, TX, 0);
	OK(rig_needs_reset(&r));
	rig_start(&r, 0);
	rx_buffer(&r, 0, 11);
	arrive(100);
	rig_notify(&r, RX);
	OK(rig_needs_reset(&r));
	rig_free(&r);
}

VIRTIO_TEST(Q13_a_reset_forgets_the_packet_that_waits)
{
	struct rig r;

	net_of(&r, MRG);
	rx_buffer(&r, 0, 1000);
	arrive(2500);
	rig_notify(&r, RX);
	rig_start(&r, MRG);
	rx_buffer(&r, 0, 1000);
	arrive(50);
	rig_notify(&r, RX);
	EQ(rig_used_idx(&r, RX), 1);
	EQ(rig_used_len(&r, RX, 0), 50);
	rig_free(&r);
}

/* --- on its thread --- */

static void *flood(void *arg)
{
	uint8_t buf[200] = { 0 };
	unsigned i;

	(void)arg;
	/* Wait while it is full. */
	fcntl(wire[1], F_SETFL, fcntl(wire[1], F_GETFL) & ~O_NONBLOCK);
	for (i = 0; i < 2000; i++) {
		memcpy(buf + NETIF_HEADER, &i, sizeof(i));
		if (send(wire[1], buf, sizeof(buf), 0) < 0)
			return "the wire does not take it";
	}
	return NULL;
}

TEST(N3_a_receive_ring_that_runs_dry_and_is_refilled_loses_nothing)
{
	struct rig r;
	pthread_t t;
	unsigned i, seq;
	uint16_t seen = 0;
	void *failed;

	rig_on_a_thread = true;
	rig_plug(&r, net_on(&r, mac));
	rig_start(&r, BIT(VIRTIO_RING_F_EVENT_IDX));
	EQ(pthread_create(&t, NULL, flood, NULL), 0);
	for (i = 0; i < 4; i++) {
		rx_buffer(&r, i, 300);
		rig_kick_if_asked(&r, RX);
	}
	while (seen < 2000) {
		AWAIT(rig_used_idx(&r, RX) != seen);
		i = seen++ % 4;
		memcpy(&seq, rig_at(&r, BUF(i) + NETIF_HEADER), sizeof(seq));
		EQ(seq, seen - 1);
		/* Let it run dry now and then: all four are used. */
		if (seen % 97 == 0)
			AWAIT(rig_used_idx(&r, RX) == (uint16_t)(seen + 3));
		rx_buffer(&r, i, 300);
		rig_kick_if_asked(&r, RX);
	}
	pthread_join(t, &failed);
	OK(!failed);
	rig_free(&r);
}
