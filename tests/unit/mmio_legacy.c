/* SPDX-License-Identifier: MIT */
/* Registers of before virtio 1.0, and drivers that know no others. */
#include <jansson.h>
#include <sys/socket.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "host/tap.h"
#include "tests/unit/blk_rig.h"
#include "tests/unit/said.h"
#include "virtio/net.h"
#include "virtio/rng.h"

#define HERE (LEGACY_PAGE * 3) /* beyond what the rig uses of queue 0 */

static void rng_of(struct rig *r)
{
	rig_legacy = true;
	log_level = LOG_ERROR;
	rig_ram(r);
	rig_plug(r, virtio_rng_new(&r->m, rig_loop(r)));
}

/* A request for 100 bytes is filled. */
static bool serves(struct rig *r)
{
	const uint16_t before = rig_used_idx(r, 0);

	rig_desc(r, 0, 0, DATA, 100, W, 0);
	rig_send(r, 0, 0);
	return rig_used_idx(r, 0) == before + 1 &&
	       rig_used_len(r, 0, before) == 100;
}

TEST(the_identity_registers_are_those_of_version_1)
{
	struct rig r;

	rng_of(&r);
	EQ(rig_get(&r, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EQ(rig_get(&r, VIRTIO_MMIO_VERSION), 1);
	EQ(rig_get(&r, VIRTIO_MMIO_DEVICE_ID), VIRTIO_ID_RNG);
	EQ(rig_get(&r, VIRTIO_MMIO_VENDOR_ID), 0x554d4551);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_NUM_MAX), 1024);
	/* Nothing that came with virtio 1.0 is offered. */
	EQ(rig_offered(&r), BIT(VIRTIO_F_ANY_LAYOUT) |
				    BIT(VIRTIO_RING_F_INDIRECT_DESC) |
				    BIT(VIRTIO_RING_F_EVENT_IDX));
	rig_free(&r);
}

TEST(registers_of_version_2_do_nothing_in_version_1)
{
	struct rig r;

	rng_of(&r);
	rig_start(&r, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_READY, 0);
	rig_set(&r, QUEUE_RESET, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), RING(0) / LEGACY_PAGE);
	OK(serves(&r));
	rig_free(&r);
	rig_legacy = false;
	rig_ram(&r);
	rig_plug(&r, virtio_rng_new(&r.m, NULL));
	rig_negotiate(&r, 0);
	rig_set(&r, VIRTIO_MMIO_GUEST_PAGE_SIZE, LEGACY_PAGE);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, QSIZE);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, RING(0) / LEGACY_PAGE);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_READY), 0);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

static void disk_is_read(bool thread)
{
	struct rig r;

	rig_legacy = true;
	rig_on_a_thread = thread;
	blk_of(&r, false, BIT(VIRTIO_RING_F_EVENT_IDX));
	EQ(request(&r, VIRTIO_BLK_T_IN, 7, 1024, W), VIRTIO_BLK_S_OK);
	EQ(*(uint8_t *)rig_at(&r, BUFFER), 7);
	EQ(last_len(&r), 1025);
	memset(rig_at(&r, BUFFER), 0xaa, 512);
	EQ(request(&r, VIRTIO_BLK_T_OUT, 9, 512, 0), VIRTIO_BLK_S_OK);
	EQ(on_disk(9), 0xaa);
	rig_free(&r);
}

TEST(a_disk_is_read_and_written_by_a_driver_of_before_virtio_1)
{
	disk_is_read(false);
}

TEST(a_disk_is_read_and_written_by_a_driver_of_before_virtio_1_on_a_thread)
{
	disk_is_read(true);
}

/* As a teaching kernel has it: the queue comes last, and no alignment. */
TEST(a_queue_may_come_after_DRIVER_OK_and_has_boundaries_of_4_KiB)
{
	const gpa_t desc = RING(0), avail = desc + 16 * 8, used = desc + 4096;
	struct rig r;

	log_level = LOG_DEBUG;
	listen_in();
	rng_of(&r);
	log_level = LOG_DEBUG;
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	rig_set(&r, VIRTIO_MMIO_STATUS, 1);
	rig_set(&r, VIRTIO_MMIO_STATUS, 3);
	rig_set(&r, VIRTIO_MMIO_DRIVER_FEATURES, 0);
	rig_set(&r, VIRTIO_MMIO_STATUS, 11);
	rig_set(&r, VIRTIO_MMIO_STATUS, 15);
	EQ(rig_get(&r, VIRTIO_MMIO_STATUS), 15);
	rig_set(&r, VIRTIO_MMIO_GUEST_PAGE_SIZE, 4096);
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, 8);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, desc >> 12);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), desc >> 12);
	rig_desc(&r, 0, 0, DATA, 100, W, 0);
	rig_put16(&r, avail + 2, 1);
	rig_notify(&r, 0);
	EQ(rig_get16(&r, used + 2), 1);
	/* Nothing of that is a liberty here. */
	STR_EQ(said(), "");
	rig_free(&r);
}

TEST(a_pfn_of_0_takes_the_queue_away_and_another_brings_it_back)
{
	struct rig r;

	rng_of(&r);
	rig_start(&r, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, 0);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	OK(!serves(&r));
	rig_queue(&r, 0);
	OK(serves(&r));
	/* One that is there stays where it is. */
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, (RING(0) + HERE) / LEGACY_PAGE);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), RING(0) / LEGACY_PAGE);
	OK(serves(&r));
	rig_set(&r, VIRTIO_MMIO_QUEUE_SEL, 7);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, 1);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	rig_free(&r);
}

/* Linux tells its page size before it resets the device. */
TEST(the_page_size_outlives_the_drivers_reset_and_not_the_machines)
{
	struct rig r;

	rng_of(&r);
	rig_set(&r, VIRTIO_MMIO_GUEST_PAGE_SIZE, LEGACY_PAGE);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, 8);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, RING(0) / LEGACY_PAGE);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), RING(0) / LEGACY_PAGE);
	r.dev->ops->reset(r.dev);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, RING(0) / LEGACY_PAGE);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	rig_free(&r);
}

static unsigned raised;
static bool is_up;

static void set_line(void *ctx, unsigned line, bool on)
{
	(void)ctx;
	(void)line;
	raised += on;
	is_up = on;
}

TEST(the_line_is_up_from_an_interrupt_to_its_acknowledgement)
{
	const struct irq irq = { .set = set_line };
	struct rig r;

	log_level = LOG_ERROR;
	rig_ram(&r);
	r.v = virtio_rng_new(&r.m, NULL);
	r.v->legacy = true;
	r.qsize = LEGACY_QSIZE;
	r.dev = virtio_mmio_new(r.v, &irq, NULL, &(struct mmio_host){ 0 });
	rig_start(&r, 0);
	OK(!is_up);
	OK(serves(&r));
	OK(is_up);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	/* Each is an edge too. */
	OK(serves(&r));
	EQ(raised, 2);
	virtio_lock(r.v);
	virtio_config_set(r.v, 0, "x", 1);
	virtio_unlock(r.v);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 2);
	OK(is_up);
	rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	OK(!is_up);
	EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	OK(serves(&r));
	OK(is_up);
	rig_set(&r, VIRTIO_MMIO_STATUS, 0);
	OK(!is_up);
	rig_free(&r);
}

/* No acknowledgement may be swallowed: the line is to come down. */
TEST(each_acknowledgement_of_version_1_arrives)
{
	struct rig r;
	unsigned i;

	rig_on_a_thread = true;
	rng_of(&r);
	rig_start(&r, 0);
	for (i = 0; i < 3; i++) {
		OK(serves(&r));
		EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
		rig_set(&r, VIRTIO_MMIO_INTERRUPT_ACK, 1);
		EQ(rig_get(&r, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	}
	rig_free(&r);
}

static void misplaced(uint32_t page, uint32_t num, uint32_t align, uint32_t pfn)
{
	struct rig r;

	rng_of(&r);
	rig_negotiate(&r, 0);
	rig_set(&r, VIRTIO_MMIO_STATUS, 15);
	rig_set(&r, VIRTIO_MMIO_GUEST_PAGE_SIZE, page);
	rig_set(&r, VIRTIO_MMIO_QUEUE_NUM, num);
	rig_set(&r, VIRTIO_MMIO_QUEUE_ALIGN, align);
	rig_set(&r, VIRTIO_MMIO_QUEUE_PFN, pfn);
	EQ(rig_get(&r, VIRTIO_MMIO_QUEUE_PFN), 0);
	OK(rig_needs_reset(&r));
	rig_notify(&r, 0);
	rig_start(&r, 0);
	OK(serves(&r));
	rig_free(&r);
}

TEST(Q8_a_legacy_queue_that_makes_no_sense_needs_a_reset)
{
	const uint32_t pfn = RING(0) / LEGACY_PAGE;
	const uint32_t end = (RAM + RAM_SIZE) / LEGACY_PAGE;

	misplaced(0, 8, 4096, pfn);
	misplaced(3, 8, 4096, pfn);
	misplaced(UINT32_MAX, 8, 4096, UINT32_MAX);
	misplaced(1u << 31, 8, 1u << 31, UINT32_MAX);
	misplaced(4096, 8, 4096, UINT32_MAX);
	misplaced(4096, 8, 4096, end);
	misplaced(4096, 1024, 4096, end - 1);
	misplaced(4096, 8, 3, pfn);
	misplaced(4096, 8, 1, pfn + 1);
	misplaced(4096, 8, 1u << 31, pfn);
	misplaced(4096, 8, UINT32_MAX, pfn);
	misplaced(4096, 7, 4096, pfn);
	misplaced(4096, 2048, 4096, pfn);
	misplaced(4096, UINT32_MAX, 4096, end - 1);
}

TEST(a_network_of_before_virtio_1_has_10_bytes_of_header)
{
	const uint8_t packet[12 + 60] = { [12 + 59] = 0x55 };
	int wire[2];
	struct rig r;

	rig_legacy = true;
	log_level = LOG_ERROR;
	rig_ram(&r);
	EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, wire), 0);
	rig_plug(&r, virtio_net_new(&r.m, tap_wrap(wire[0], 0), NULL));
	rig_start(&r, 0);
	rig_desc(&r, 0, 0, DATA, 10 + 60, W, 0);
	rig_avail(&r, 0, 0);
	EQ(send(wire[1], packet, sizeof(packet), 0), sizeof(packet));
	rig_notify(&r, 0);
	EQ(rig_used_len(&r, 0, 0), 10 + 60);
	EQ(*(uint8_t *)rig_at(&r, DATA + 10 + 59), 0x55);
	rig_free(&r);
}

TEST(what_was_saved_of_version_1_goes_on)
{
	json_t *o = json_object();
	struct rig a, b;
	struct err e;

	rng_of(&a);
	rig_start(&a, 0);
	rig_set(&a, VIRTIO_MMIO_QUEUE_PFN, 0);
	a.dev->ops->quiesce(a.dev, NULL);
	EQ(a.dev->ops->save(a.dev, o), 0);
	rig_ram(&b);
	rig_plug(&b, virtio_rng_new(&b.m, NULL));
	b.dev->ops->quiesce(b.dev, NULL);
	EQ(b.dev->ops->load(b.dev, o, &e), 0);
	b.dev->ops->resume(b.dev);
	/* Its page size and alignment are those of before. */
	rig_set(&b, VIRTIO_MMIO_QUEUE_NUM, LEGACY_QSIZE);
	rig_set(&b, VIRTIO_MMIO_QUEUE_PFN, RING(0) / LEGACY_PAGE);
	OK(serves(&b));
	json_decref(o);
	rig_free(&a);
	rig_free(&b);
}
