/* SPDX-License-Identifier: MIT */
/* What the board calls its virtio devices, and what it tells of them. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "arm64/map.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "virtio/mmio.h"
#include "virtio/virtio.h"

static struct disk_config disks[2];
static struct board *board;
static char told[64];
static unsigned times;

static void make(struct config *c)
{
	struct err e;
	unsigned i;

	for (i = 0; i < 2; i++) {
		disks[i].path = test_path(i ? "1" : "0");
		int fd = open(disks[i].path, O_RDWR | O_CREAT, 0600);

		OK(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
		close(fd);
	}
	c->disks = disks;
	c->ndisks = 2;
	c->rng = true;
	fake_kvm_reset();
	EQ(board_rig_make(c, &board, &e), 0);
}

static const char *names(void)
{
	static char text[128];
	json_t *list = board_device_stats(board), *d;
	size_t i;

	text[0] = '\0';
	json_array_foreach(list, i, d)
	{
		if (!json_object_get(d, "requests"))
			continue;
		strcat(text, json_string_value(json_object_get(d, "name")));
		strcat(text, " ");
	}
	json_decref(list);
	return text;
}

TEST(each_virtio_device_has_a_name_with_a_number_where_there_may_be_several)
{
	struct config c = board_rig_config();

	make(&c);
	STR_EQ(names(), "disk0 disk1 rng ");
	board_rig_unmake(board);
}

TEST(a_device_on_mmio_has_its_name_on_the_bus_too)
{
	struct config c = board_rig_config();
	unsigned i, found = 0;

	c.transport = TRANSPORT_MMIO;
	make(&c);
	for (i = 0; i < board->vm.bus.n; i++)
		found += !strcmp(board->vm.bus.range[i].dev->name, "disk1") ||
			 !strcmp(board->vm.bus.range[i].dev->name, "pl011");
	EQ(found, 2);
	board_rig_unmake(board);
}

static unsigned exits;

/* As a guest reads register @reg of window @slot. */
static uint32_t reads(unsigned slot, unsigned reg)
{
	const gpa_t gpa = MAP_VIRTIO_BASE + slot * MAP_VIRTIO_STRIDE + reg;
	uint64_t val = 0;
	uint8_t *hva = fake_kvm_at(gpa);

	if (hva) {
		memcpy(&val, hva, 4);
	} else {
		exits++;
		OK(bus_access(&board->vm.bus, gpa, 4, false, &val));
	}
	return le64toh(val);
}

/* Whatever looks for a device finds @id there. */
static void finds(unsigned slot, uint32_t id)
{
	EQ(reads(slot, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	EQ(reads(slot, VIRTIO_MMIO_VERSION), 2);
	EQ(reads(slot, VIRTIO_MMIO_VENDOR_ID), 0x554d4551);
	EQ(reads(slot, VIRTIO_MMIO_DEVICE_ID), id);
	EQ(reads(slot, VIRTIO_MMIO_QUEUE_NUM_MAX), id ? 1024 : 0);
}

TEST(each_window_without_a_device_says_so_and_takes_one_exit_for_all)
{
	const uint32_t ids[VIRTIO_SLOTS] = { VIRTIO_ID_BLOCK, VIRTIO_ID_BLOCK,
					     VIRTIO_ID_RNG };
	struct config c = board_rig_config();
	unsigned i;

	c.transport = TRANSPORT_MMIO;
	make(&c);
	for (i = 0; i < VIRTIO_SLOTS; i++)
		finds(i, ids[i]);
	EQ(exits, 1);
	board_rig_unmake(board);
}

TEST(a_machine_without_a_device_on_mmio_has_windows_that_cost_nothing)
{
	struct config c = board_rig_config();
	uint64_t val;
	unsigned i;

	make(&c);
	OK(!fake_kvm_at(MAP_VIRTIO_BASE));
	for (i = 0; i < VIRTIO_SLOTS; i++)
		finds(i, 0);
	EQ(exits, 1);
	/* Across two windows, and what is written. */
	val = UINT64_MAX;
	OK(bus_access(&board->vm.bus, MAP_VIRTIO_BASE + 4, 4, true, &val));
	OK(bus_access(&board->vm.bus, MAP_VIRTIO_BASE + 0x1fc, 8, false, &val));
	EQ(val, 0);
	EQ(reads(0, VIRTIO_MMIO_VERSION), 2);
	board_rig_unmake(board);
}

/* The devices that windows show, from slot 0 on. */
static void stand(const uint32_t ids[VIRTIO_SLOTS])
{
	unsigned i;

	for (i = 0; i < VIRTIO_SLOTS; i++)
		finds(i, ids[i]);
}

TEST(devices_get_their_slots_downwards_if_that_is_asked_for)
{
	struct config c = board_rig_config();

	c.transport = TRANSPORT_MMIO;
	c.mmio_order = MMIO_DOWN;
	make(&c);
	stand((uint32_t[VIRTIO_SLOTS]){ [31] = VIRTIO_ID_BLOCK,
					[30] = VIRTIO_ID_BLOCK,
					[29] = VIRTIO_ID_RNG });
	board_rig_unmake(board);
}

TEST(a_device_gets_the_slot_that_is_given_and_others_go_around_it)
{
	struct config c = board_rig_config();

	c.transport = TRANSPORT_MMIO;
	disks[0].place.slot = 1 + 31;
	disks[1].place.slot = 1 + 0;
	make(&c);
	stand((uint32_t[VIRTIO_SLOTS]){ [31] = VIRTIO_ID_BLOCK,
					[0] = VIRTIO_ID_BLOCK,
					[1] = VIRTIO_ID_RNG });
	EQ(exits, 0);
	board_rig_unmake(board);
}

/* The pages that have no device lie below. */
TEST(a_slot_that_is_given_is_over_mmio_on_a_machine_with_pci)
{
	struct config c = board_rig_config();

	disks[1].place.slot = 1 + 12;
	make(&c);
	OK(board_wants_pci(board));
	stand((uint32_t[VIRTIO_SLOTS]){ [12] = VIRTIO_ID_BLOCK });
	EQ(exits, 2);
	board_rig_unmake(board);
}

static void refused(const char *why)
{
	struct config c = board_rig_config();
	struct err e;

	c.disks = disks;
	c.ndisks = 2;
	EQ(board_rig_make(&c, &board, &e), -EINVAL);
	STR_EQ(e.text, why);
	board_rig_unmake(board);
}

TEST(windows_and_lines_of_before_virtio_1_are_there_if_asked_for)
{
	struct config c = board_rig_config();
	struct virtio *v;
	unsigned i;

	/* Whoever asks for them does not want his devices on PCI. */
	c.transport = TRANSPORT_AUTO;
	c.virtio_legacy = true;
	make(&c);
	for (i = 0; i < VIRTIO_SLOTS; i++)
		EQ(reads(i, VIRTIO_MMIO_VERSION), 1);
	EQ(exits, 1);
	/* A level, not an eventfd's pulse. */
	v = board_virtio(board, 2);
	virtio_lock(v);
	virtio_interrupt(v, 0);
	virtio_unlock(v);
	EQ(fake_kvm_count(KVM_IRQ_LINE), 1);
	board_rig_unmake(board);
}

TEST(a_device_that_came_with_virtio_1_has_no_registers_of_before)
{
	OK(virtio_mmio_is_legacy(VIRTIO_ID_NET));
	OK(virtio_mmio_is_legacy(VIRTIO_ID_BALLOON));
	OK(!virtio_mmio_is_legacy(0));
	OK(!virtio_mmio_is_legacy(VIRTIO_ID_VSOCK));
	OK(!virtio_mmio_is_legacy(VIRTIO_ID_FS));
}

TEST(a_slot_given_twice_or_on_pci_is_refused)
{
	fake_kvm_reset();
	disks[0].place.slot = disks[1].place.slot = 1 + 5;
	refused("two devices have slot=5; each needs one of its own");
	disks[1].place = (struct virtio_place){ TRANSPORT_PCI, 1 + 6 };
	refused("slot=6 is a place over MMIO; leave it or transport=pci out");
}

TEST(all_slots_can_be_taken_and_no_more)
{
	static struct disk_config many[VIRTIO_SLOTS];
	struct config c = board_rig_config();
	struct err e;
	unsigned i;

	for (i = 0; i < VIRTIO_SLOTS; i++) {
		many[i] = (struct disk_config){ .path = test_path("0") };
		close(open(many[i].path, O_RDWR | O_CREAT, 0600));
		OK(truncate(many[i].path, 1 << 20) == 0);
		many[i].readonly = true;
	}
	many[7].place.slot = 1 + 0;
	c.disks = many;
	c.ndisks = VIRTIO_SLOTS;
	c.transport = TRANSPORT_MMIO;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &board, &e), 0);
	for (i = 0; i < VIRTIO_SLOTS; i++)
		finds(i, VIRTIO_ID_BLOCK);
	EQ(exits, 0);
	board_rig_unmake(board);
	c.rng = true;
	EQ(board_rig_make(&c, &board, &e), -EINVAL);
	HAS(e.text, "give fewer");
	board_rig_unmake(board);
}

TEST(the_board_needs_a_pci_host_if_one_of_its_devices_does)
{
	struct config c = board_rig_config();

	c.transport = TRANSPORT_MMIO;
	make(&c);
	OK(!board_wants_pci(board));
	disks[1].place.transport = TRANSPORT_PCI;
	OK(board_wants_pci(board));
	board_rig_unmake(board);
}

static void on_error(void *ctx, const char *name, int err)
{
	(void)ctx;
	snprintf(told, sizeof(told), "%s: %d", name, err);
	times++;
	loop_stop(board_rig_host.loop);
}

static void fail(unsigned n, int err)
{
	struct virtio *v = board_virtio(board, n);

	virtio_lock(v);
	virtio_failed(v, err, "a read");
	virtio_unlock(v);
}

TEST(an_error_behind_a_device_is_told_by_its_name_once_until_it_changes)
{
	struct config c = board_rig_config();

	make(&c);
	board->host.device_error = on_error;
	fail(1, EIO);
	fail(1, EIO);
	EQ(loop_run(board_rig_host.loop), 0);
	STR_EQ(told, "disk1: 5");
	fail(1, ENOSPC);
	EQ(loop_run(board_rig_host.loop), 0);
	STR_EQ(told, "disk1: 28");
	EQ(times, 2);
	board_rig_unmake(board);
}

static void stop_turning(struct task *t)
{
	(void)t;
	loop_stop(board_rig_host.loop);
}

/* What is told by now, is. */
static void turn(void)
{
	struct task stop = { .fn = stop_turning };

	loop_post(board_rig_host.loop, &stop);
	while (stop.loop)
		EQ(loop_run(board_rig_host.loop), 0);
}

TEST(errors_that_come_and_go_without_end_are_told_more_and_more_slowly)
{
	struct config c = board_rig_config();
	unsigned i;

	make(&c);
	board->host.device_error = on_error;
	for (i = 0; i < 1000; i++) {
		fail(1, i & 1 ? ENOSPC : EIO);
		turn();
	}
	EQ(times, 8);
	/* The next one is what is true by then. */
	fail(1, EROFS);
	UNTIL_(times == 9, loop_run(board_rig_host.loop));
	STR_EQ(told, "disk1: 30");
	board_rig_unmake(board);
}

/* What a driver writes: status @s. */
static void drive(unsigned n, uint8_t s)
{
	struct virtio *v = board_virtio(board, n);

	virtio_lock(v);
	virtio_ack_features(v, 1, 1); /* VERSION_1 */
	virtio_set_status(v, s);
	virtio_unlock(v);
}

TEST(a_guest_whose_drivers_have_reset_what_they_had_is_shut_down)
{
	const uint8_t ok =
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	struct config c = board_rig_config();

	make(&c);
	OK(!board_is_shut_down(board));
	drive(0, 0);
	OK(!board_is_shut_down(board));
	drive(0, ok);
	drive(1, ok);
	drive(0, 0);
	OK(!board_is_shut_down(board));
	drive(1, 0);
	OK(board_is_shut_down(board));
	virtio_reset(board_virtio(board, 0));
	virtio_reset(board_virtio(board, 1));
	OK(!board_is_shut_down(board));
	board_rig_unmake(board);
}
