/* SPDX-License-Identifier: MIT */
#include "tests/unit/vsock_guest.h"

#include "virtio/vsock_impl.h"

/* What comes out at @fd until its other end is closed, in bytes. */
static uint32_t hears_to_the_end(struct vrig *v, int fd)
{
	uint32_t got = 0;
	ssize_t n;

	while ((n = read(fd, big, sizeof(big))) != 0) {
		OK(n > 0 || errno == EAGAIN);
		got += n > 0 ? n : 0;
		vrig_spin(v);
	}
	return got;
}

/* --- credit --- */

VIRTIO_TEST(a_guest_gets_no_more_than_it_has_room_for)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_REQUEST);
	struct vrig v;

	vrig_of(&v);
	h.buf_alloc = htole32(10);
	vrig_send_raw(&v, &h, NULL, 0);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	peer_says(&v, "0123456789abcdefghijklmnop");
	guest_hears(&v, "0123456789");
	expect(&v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	vrig_spin(&v);
	silence(&v);
	h = vrig_header(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	h.buf_alloc = htole32(10);
	h.fwd_cnt = htole32(6);
	vrig_send_raw(&v, &h, NULL, 0);
	guest_hears(&v, "abcdef");
	expect(&v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	/* A lie: it has read what was never sent. */
	h.fwd_cnt = htole32(100);
	vrig_send_raw(&v, &h, NULL, 0);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_host_that_does_not_read_holds_the_guest_up_and_loses_nothing)
{
	uint32_t sent, got = 0;
	struct vrig v;
	ssize_t n;

	connected(&v);
	sent = fill(&v, BUFFER);
	while (got < sent) {
		n = read(v.peer, big, sizeof(big));
		if (n > 0)
			got += n;
		vrig_spin(&v);
	}
	EQ(got, sent);
	/* Without being asked, as the guest waits for it. */
	EQ(le32toh(expect(&v, VIRTIO_VSOCK_OP_CREDIT_UPDATE)->fwd_cnt) >
		   sent - BUFFER,
	   true);
	vrig_say(&v, "more", 4);
	peer_hears(&v, "more");
	vrig_free(&v);
}

VIRTIO_TEST(V1_a_guest_that_sends_beyond_its_credit_is_reset)
{
	struct vrig v;

	connected(&v);
	fill(&v, BUFFER);
	vrig_say(&v, big, 1);
	expect(&v, VIRTIO_VSOCK_OP_RST);
	silence(&v);
	vrig_free(&v);
}

/* --- counts wrap at 32 bits (5.10.6.3) --- */

#define START (UINT32_MAX - 99)

/* As if START bytes had gone each way, and had been read. */
static struct conn *long_ago(struct vrig *v)
{
	struct vsock *s;
	struct conn *c;

	connected(v);
	s = (struct vsock *)v->r.v;
	virtio_lock(&s->v);
	c = conn_find(s, GUEST, HOST);
	OK(c);
	c->sent = c->read = START;
	c->received = c->told = c->head = START;
	virtio_unlock(&s->v);
	return c;
}

VIRTIO_TEST(the_guests_credit_wraps)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	struct vrig v;
	char said[206];

	long_ago(&v);
	h.buf_alloc = htole32(110);
	h.fwd_cnt = htole32(START);
	vrig_send_raw(&v, &h, NULL, 0);
	memset(said, 'a', 110);
	memset(said + 110, 'b', 95);
	said[205] = 0;
	peer_says(&v, said);
	said[110] = 0;
	guest_hears(&v, said);
	expect(&v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	/* Of 110, 90 are read: 90 more may come. */
	h.fwd_cnt = htole32(START + 90);
	vrig_send_raw(&v, &h, NULL, 0);
	memset(said, 'b', 90);
	said[90] = 0;
	guest_hears(&v, said);
	expect(&v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(what_the_guest_sends_wraps_and_arrives_in_order)
{
	const struct virtio_vsock_hdr *h;
	uint32_t i, got = 0, fwd_cnt = 0;
	const int size = 4096;
	struct conn *c;
	struct vrig v;
	ssize_t n;

	c = long_ago(&v);
	/* Most of it has to be kept. */
	EQ(setsockopt(c->io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	for (i = 0; i < BUFFER; i++)
		big[i] = i % 251;
	for (i = 0; i < BUFFER; i += 1024)
		vrig_say(&v, big + i, 1024);
	while (got < BUFFER) {
		n = read(v.peer, big, sizeof(big));
		for (i = 0; n > 0 && i < n; i++)
			EQ(big[i], (got + i) % 251);
		got += n > 0 ? n : 0;
		vrig_spin(&v);
	}
	vrig_send(&v, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	while ((h = vrig_next(&v, NULL))) {
		EQ(le16toh(h->op), VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		fwd_cnt = le32toh(h->fwd_cnt);
	}
	EQ(fwd_cnt, (uint32_t)(START + BUFFER));
	vrig_free(&v);
}

/* --- a reset in each state: never answered --- */

VIRTIO_TEST(a_reset_of_what_is_no_connection_is_not_answered)
{
	struct vrig v;

	vrig_of(&v);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	silence(&v);
	EQ(v.dialled, 0);
	vrig_free(&v);
}

VIRTIO_TEST(a_reset_before_the_guest_was_asked_withdraws_the_question)
{
	struct vrig v;

	vrig_answers_unasked(&v, VIRTIO_VSOCK_OP_RST);
	OK(peer_is_alone(&v));
	vrig_refill(&v);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_reset_ends_a_connection_and_the_guest_may_ask_again)
{
	struct vrig v;

	connected(&v);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	OK(peer_is_alone(&v));
	silence(&v);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	vrig_free(&v);
}

VIRTIO_TEST(resets_of_both_sides_that_cross_are_one)
{
	struct vrig v;

	vrig_new(&v);
	vrig_start(&v, 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	/* Out of order, and there is no buffer for the reset that is due. */
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	OK(peer_is_alone(&v));
	vrig_say(&v, "x", 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	vrig_refill(&v);
	silence(&v);
	vrig_free(&v);
}

/* --- a host that takes nothing --- */

VIRTIO_TEST(what_is_left_of_a_connection_does_not_mix_with_the_next)
{
	struct vrig v;
	uint32_t sent;
	int old;

	connected(&v);
	sent = fill(&v, BUFFER);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	silence(&v);
	old = v.peer;
	v.peer = -1;
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	EQ(v.dialled, 2);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	vrig_say(&v, "new", 3);
	peer_hears(&v, "new");
	EQ(hears_to_the_end(&v, old), sent);
	close(old);
	vrig_say(&v, "still", 5);
	peer_hears(&v, "still");
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_host_that_goes_without_reading_leaves_nothing_behind)
{
	struct vrig v;
	unsigned fds;

	connected(&v);
	fds = open_fds();
	fill(&v, BUFFER);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	vrig_spin(&v);
	EQ(open_fds(), fds);
	close(v.peer);
	v.peer = -1;
	vrig_spin(&v);
	EQ(open_fds(), fds - 2);
	silence(&v);
	vrig_free(&v);
}

/* --- who sends or receives no more, with bytes on their way --- */

static void shut(struct vrig *v, uint32_t flags)
{
	struct virtio_vsock_hdr h = vrig_header(VIRTIO_VSOCK_OP_SHUTDOWN);

	h.flags = htole32(flags);
	vrig_send_raw(v, &h, NULL, 0);
}

VIRTIO_TEST(a_guest_that_receives_no_more_ends_what_the_host_sends)
{
	struct vrig v;

	connected(&v);
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_RCV);
	EQ(send(v.peer, "x", 1, MSG_NOSIGNAL), -1);
	EQ(errno, EPIPE);
	vrig_say(&v, "still", 5);
	peer_hears(&v, "still");
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_guest_that_sends_no_more_ends_what_the_host_reads)
{
	struct vrig v;

	connected(&v);
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_SEND);
	OK(peer_is_alone(&v));
	peer_says(&v, "go on");
	guest_hears(&v, "go on");
	vrig_say(&v, "x", 1);
	expect(&v, VIRTIO_VSOCK_OP_RST);
	vrig_free(&v);
}

VIRTIO_TEST(what_a_guest_sent_before_it_closed_arrives)
{
	struct vrig v;
	uint32_t sent;

	connected(&v);
	sent = fill(&v, BUFFER);
	shut(&v, SHUT_BOTH);
	/* At once, so that the guest need not wait. */
	expect(&v, VIRTIO_VSOCK_OP_RST);
	EQ(hears_to_the_end(&v, v.peer), sent);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(what_a_guest_sent_arrives_before_the_end_that_it_told)
{
	struct vrig v;
	uint32_t sent;

	connected(&v);
	sent = fill(&v, BUFFER);
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_SEND);
	silence(&v);
	peer_says(&v, "go on");
	guest_hears(&v, "go on");
	EQ(hears_to_the_end(&v, v.peer), sent);
	peer_says(&v, "thanks");
	OK(vrig_next(&v, NULL));
	vrig_free(&v);
}

VIRTIO_TEST(a_guest_that_receives_no_more_is_sent_nothing_that_waited)
{
	struct vrig v;

	vrig_new(&v);
	vrig_start(&v, 1);
	vrig_send(&v, VIRTIO_VSOCK_OP_REQUEST);
	expect(&v, VIRTIO_VSOCK_OP_RESPONSE);
	peer_says(&v, "too late");
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_RCV);
	vrig_refill(&v);
	vrig_spin(&v);
	silence(&v);
	vrig_say(&v, "still", 5);
	peer_hears(&v, "still");
	vrig_free(&v);
}

/* Flags are permanent: what is not set again is not taken back. */
VIRTIO_TEST(one_direction_after_the_other_is_both)
{
	struct vrig v;
	uint32_t sent;

	connected(&v);
	sent = fill(&v, BUFFER);
	shut(&v, 0);
	shut(&v, 4);
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_RCV);
	silence(&v);
	shut(&v, VIRTIO_VSOCK_SHUTDOWN_SEND);
	expect(&v, VIRTIO_VSOCK_OP_RST);
	EQ(hears_to_the_end(&v, v.peer), sent);
	silence(&v);
	vrig_free(&v);
}

VIRTIO_TEST(a_host_that_has_said_all_still_hears)
{
	struct vrig v;

	connected(&v);
	EQ(write(v.peer, "bye", 3), 3);
	shutdown(v.peer, SHUT_WR);
	vrig_spin(&v);
	guest_hears(&v, "bye");
	EQ(le32toh(expect(&v, VIRTIO_VSOCK_OP_SHUTDOWN)->flags),
	   VIRTIO_VSOCK_SHUTDOWN_SEND);
	vrig_say(&v, "fine", 4);
	peer_hears(&v, "fine");
	close(v.peer);
	v.peer = -1;
	vrig_spin(&v);
	EQ(le32toh(expect(&v, VIRTIO_VSOCK_OP_SHUTDOWN)->flags), 3);
	vrig_send(&v, VIRTIO_VSOCK_OP_RST);
	silence(&v);
	vrig_free(&v);
}
