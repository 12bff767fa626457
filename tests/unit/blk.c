/* SPDX-License-Identifier: MIT */
#include "tests/unit/blk_rig.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* What the device below the file system says; 0: it works. */
static _Atomic int broken;

int fdatasync(int fd)
{
	errno = broken;
	return broken ? -1 : syscall(SYS_fdatasync, fd);
}

VIRTIO_TEST(the_configuration_tells_size_and_limits)
{
	struct virtio_blk_config c;
	struct rig r;

	blk_of(&r, false, 0);
	memcpy(&c, r.v->config, sizeof(c));
	EQ(c.capacity, SECTORS);
	EQ(c.seg_max, 254);
	EQ(c.blk_size, 512);
	OK(rig_offered(&r) & BIT(VIRTIO_BLK_F_FLUSH));
	OK(!(rig_offered(&r) & BIT(VIRTIO_BLK_F_RO)));
	rig_free(&r);
}

VIRTIO_TEST(a_read_brings_the_sectors_asked_for)
{
	struct rig r;

	blk_of(&r, false, 0);
	EQ(request(&r, VIRTIO_BLK_T_IN, 7, 1024, W), VIRTIO_BLK_S_OK);
	EQ(*(uint8_t *)rig_at(&r, BUFFER), 7);
	EQ(*(uint8_t *)rig_at(&r, BUFFER + 1023), 8);
	EQ(*(uint8_t *)rig_at(&r, BUFFER + 1024), 0);
	EQ(last_len(&r), 1025);
	EQ(r.irqs, 1);
	rig_free(&r);
}

VIRTIO_TEST(a_write_reaches_the_image)
{
	struct rig r;

	blk_of(&r, false, BIT(VIRTIO_BLK_F_FLUSH));
	memset(rig_at(&r, BUFFER), 0xaa, 512);
	EQ(request(&r, VIRTIO_BLK_T_OUT, 9, 512, 0), VIRTIO_BLK_S_OK);
	EQ(last_len(&r), 1);
	EQ(on_disk(9), 0xaa);
	EQ(on_disk(10), 10);
	EQ(request(&r, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
	rig_free(&r);
}

VIRTIO_TEST(header_data_and_status_may_share_descriptors)
{
	struct rig r;

	blk_of(&r, false, 0);
	header(&r, VIRTIO_BLK_T_IN, 3);
	rig_desc(&r, 0, 0, HEADER, 5, N, 1);
	rig_desc(&r, 0, 1, HEADER + 5, 11, N, 2);
	rig_desc(&r, 0, 2, BUFFER, 513, W, 0);
	rig_send(&r, 0, 0);
	EQ(*(uint8_t *)rig_at(&r, BUFFER + 511), 3);
	EQ(*(uint8_t *)rig_at(&r, BUFFER + 512), VIRTIO_BLK_S_OK);
	EQ(last_len(&r), 513);
	rig_free(&r);
}

VIRTIO_TEST(the_serial_number_is_given_as_far_as_there_is_room)
{
	struct rig r;

	blk_of(&r, false, 0);
	EQ(request(&r, VIRTIO_BLK_T_GET_ID, 0, 20, W), VIRTIO_BLK_S_OK);
	STR_EQ((char *)rig_at(&r, BUFFER), "serial");
	EQ(last_len(&r), 21);
	memset(rig_at(&r, BUFFER), 0, 20);
	EQ(request(&r, VIRTIO_BLK_T_GET_ID, 0, 3, W), VIRTIO_BLK_S_OK);
	STR_EQ((char *)rig_at(&r, BUFFER), "ser");
	EQ(last_len(&r), 4);
	rig_free(&r);
}

VIRTIO_TEST(a_request_beyond_the_capacity_fails_alone)
{
	const uint64_t bad[] = { SECTORS, SECTORS - 1, UINT64_MAX,
				 UINT64_MAX / 512, UINT64_MAX / 512 + 1 };
	struct rig r;
	unsigned i;

	blk_of(&r, false, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EQ(request(&r, VIRTIO_BLK_T_IN, bad[i], 1024, W),
		   VIRTIO_BLK_S_IOERR);
		EQ(last_len(&r), 1);
		EQ(request(&r, VIRTIO_BLK_T_OUT, bad[i], 1024, 0),
		   VIRTIO_BLK_S_IOERR);
	}
	EQ(request(&r, VIRTIO_BLK_T_IN, 0, 511, W), VIRTIO_BLK_S_IOERR);
	EQ(request(&r, VIRTIO_BLK_T_IN, SECTORS - 2, 1024, W), VIRTIO_BLK_S_OK);
	EQ(r.v->stats.errors, 11);
	OK(!rig_needs_reset(&r));
	rig_free(&r);
}

VIRTIO_TEST(a_readonly_disk_says_so_and_is_not_written)
{
	struct rig r;

	blk_of(&r, true, 0);
	OK(rig_offered(&r) & BIT(VIRTIO_BLK_F_RO));
	OK(!(rig_offered(&r) & BIT(VIRTIO_BLK_F_DISCARD)));
	EQ(request(&r, VIRTIO_BLK_T_OUT, 1, 512, 0), VIRTIO_BLK_S_IOERR);
	EQ(on_disk(1), 1);
	EQ(request(&r, VIRTIO_BLK_T_IN, 1, 512, W), VIRTIO_BLK_S_OK);
	rig_free(&r);
}

VIRTIO_TEST(an_unknown_request_is_unsupported)
{
	struct rig r;

	blk_of(&r, false, 0);
	EQ(request(&r, 0x1234, 0, 512, W), VIRTIO_BLK_S_UNSUPP);
	EQ(last_len(&r), 1);
	rig_free(&r);
}

VIRTIO_TEST(a_truncated_image_gives_an_error_and_the_exact_length)
{
	struct rig r;

	blk_of(&r, false, 0);
	EQ(truncate(path, 5 * 512), 0);
	EQ(request(&r, VIRTIO_BLK_T_IN, 4, 1024, W), VIRTIO_BLK_S_IOERR);
	EQ(last_len(&r), 513);
	rig_free(&r);
}

VIRTIO_TEST(a_write_that_the_host_refuses_is_an_error)
{
	const struct rlimit limit = { 512, 512 };
	struct rig r;

	blk_of(&r, false, BIT(VIRTIO_BLK_F_FLUSH));
	signal(SIGXFSZ, SIG_IGN);
	EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	EQ(request(&r, VIRTIO_BLK_T_OUT, 0, 1024, 0), VIRTIO_BLK_S_IOERR);
	EQ(request(&r, VIRTIO_BLK_T_OUT, 4, 512, 0), VIRTIO_BLK_S_IOERR);
	EQ(request(&r, VIRTIO_BLK_T_OUT, 0, 512, 0), VIRTIO_BLK_S_OK);
	rig_free(&r);
}

static _Atomic unsigned told;

static void on_failure(void *ctx, int err)
{
	(void)ctx;
	EQ(err, EIO);
	told++;
}

VIRTIO_TEST(a_disk_that_fails_and_comes_back_works_and_flushes_after_a_reset)
{
	const uint64_t features = BIT(VIRTIO_BLK_F_FLUSH);
	struct rig r;
	unsigned i;

	blk_of(&r, false, features);
	virtio_on_failure(r.v, on_failure, NULL);
	for (i = 1; i < 4; i++) {
		EQ(truncate(path, 0), 0);
		broken = EIO;
		EQ(request(&r, VIRTIO_BLK_T_IN, 4, 512, W), VIRTIO_BLK_S_IOERR);
		EQ(request(&r, VIRTIO_BLK_T_FLUSH, 0, 0, 0),
		   VIRTIO_BLK_S_IOERR);
		EQ(told, i);
		broken = 0;
		EQ(truncate(path, SECTORS * 512), 0);
		EQ(request(&r, VIRTIO_BLK_T_IN, 4, 512, W), VIRTIO_BLK_S_OK);
		/* What was written before may be lost: this driver is told. */
		EQ(request(&r, VIRTIO_BLK_T_FLUSH, 0, 0, 0),
		   VIRTIO_BLK_S_IOERR);
		rig_set(&r, VIRTIO_MMIO_STATUS, 0);
		rig_start(&r, features);
		EQ(request(&r, VIRTIO_BLK_T_FLUSH, 0, 0, 0), VIRTIO_BLK_S_OK);
		OK(!rig_needs_reset(&r));
	}
	rig_free(&r);
}

static uint8_t range(struct rig *r, uint32_t type, uint64_t sector,
		     uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes s = {
		.sector = htole64(sector),
		.num_sectors = htole32(sectors),
		.flags = htole32(flags),
	};

	memcpy(rig_at(r, BUFFER), &s, sizeof(s));
	return request(r, type, 0, sizeof(s), 0);
}

VIRTIO_TEST(zeroes_and_discards_stay_within_the_disk)
{
	const uint32_t z = VIRTIO_BLK_T_WRITE_ZEROES;
	const uint32_t d = VIRTIO_BLK_T_DISCARD;
	struct rig r;

	blk_of(&r, false, BIT(VIRTIO_BLK_F_FLUSH));
	EQ(range(&r, z, 5, 2, 0), VIRTIO_BLK_S_OK);
	EQ(range(&r, z, 8, 1, 1), VIRTIO_BLK_S_OK);
	EQ(on_disk(4), 4);
	EQ(on_disk(5) | on_disk(6) | on_disk(8), 0);
	EQ(on_disk(7), 7);
	EQ(range(&r, d, 20, 1, 0), VIRTIO_BLK_S_OK);
	EQ(on_disk(21), 21);
	EQ(range(&r, d, 20, 1, 1), VIRTIO_BLK_S_UNSUPP);
	EQ(range(&r, z, 20, 1, 2), VIRTIO_BLK_S_UNSUPP);
	EQ(range(&r, z, SECTORS - 1, 2, 0), VIRTIO_BLK_S_IOERR);
	EQ(range(&r, z, UINT64_MAX, 1, 0), VIRTIO_BLK_S_IOERR);
	EQ(range(&r, d, 1, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
	EQ(request(&r, z, 0, 32, 0), VIRTIO_BLK_S_IOERR);
	rig_free(&r);
}

VIRTIO_TEST(Q10_a_request_without_header_or_status_needs_reset)
{
	struct rig r;

	blk_of(&r, false, 0);
	header(&r, VIRTIO_BLK_T_IN, 0);
	rig_desc(&r, 0, 0, HEADER, 15, N, 1);
	rig_desc(&r, 0, 1, STATUS, 1, W, 0);
	rig_send(&r, 0, 0);
	OK(rig_needs_reset(&r));
	rig_start(&r, 0);
	rig_desc(&r, 0, 0, HEADER, 16, 0, 0);
	rig_send(&r, 0, 0);
	OK(rig_needs_reset(&r));
	rig_start(&r, 0);
	EQ(request(&r, VIRTIO_BLK_T_IN, 1, 512, W), VIRTIO_BLK_S_OK);
	rig_free(&r);
}

VIRTIO_TEST(Q11_a_read_into_device_registers_is_refused)
{
	struct rig r;

	blk_of(&r, false, 0);
	header(&r, VIRTIO_BLK_T_IN, 0);
	rig_desc(&r, 0, 0, HEADER, 16, N, 1);
	rig_desc(&r, 0, 1, 0x0a000000, 512, W | N, 2);
	rig_desc(&r, 0, 2, STATUS, 1, W, 0);
	rig_send(&r, 0, 0);
	OK(rig_needs_reset(&r));
	EQ(rig_used_idx(&r, 0), 0);
	rig_free(&r);
}
TEST(requests_are_served_on_a_thread_of_the_disks_own)
{
	struct rig r;
	unsigned i;

	log_level = LOG_ERROR;
	rig_on_a_thread = true;
	rig_ram(&r);
	rig_plug(&r, virtio_blk_new(&r.m, disk_of(false), NULL));
	OK(!r.v->thread);
	rig_start(&r, 0);
	OK(r.v->thread);
	for (i = 0; i < 100; i++) {
		header(&r, VIRTIO_BLK_T_IN, i % SECTORS);
		rig_desc(&r, 0, 0, HEADER, 16, N, 1);
		rig_desc(&r, 0, 1, BUFFER, 512, W | N, 2);
		rig_desc(&r, 0, 2, STATUS, 1, W, 0);
		rig_avail(&r, 0, 0);
		rig_kick(&r, 0);
		AWAIT(rig_used_idx(&r, 0) == i + 1);
		EQ(*(uint8_t *)rig_at(&r, BUFFER + 511), i % SECTORS);
	}
	OK(r.notifier[0]);
	rig_free(&r);
}
