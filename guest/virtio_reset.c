/* SPDX-License-Identifier: MIT */
/*
 * Resets the machine under a disk that is at work, and finds the disk as after
 * power-on, with what was written to it. Wants 64 MiB of RAM and a disk of at
 * least 2 MiB, which it overwrites.
 */
#include "guest/rt/virtio.h"

#define SECTOR	      512u
#define BIG	      (1u << 20)
#define PATTERN	      0xa5
#define BLK_IN	      0u
#define BLK_OUT	      1u
#define TRACE	      (MAP_RAM_BASE + 0x40000)
#define DISK_WAS_BUSY 0x7e570002u

static struct ring ring;
static struct vdev disk = { .ring = &ring };
static struct {
	uint32_t type, reserved;
	uint64_t sector;
} header __attribute__((aligned(256)));
static uint8_t status[256] __attribute__((aligned(256)));
static uint8_t data[SECTOR] __attribute__((aligned(4096)));
static uint8_t *const big = (uint8_t *)(MAP_RAM_BASE + (32ull << 20));

static void request(uint32_t type, uint64_t sector, uint8_t *p, uint32_t len)
{
	vq_sync(&header, sizeof(header));
	header.type = type;
	header.sector = sector;
	vq_sync(&header, sizeof(header));
	vdev_desc(&disk, 0, &header, sizeof(header), DESC_NEXT, 1);
	vdev_desc(&disk, 1, p, len, DESC_NEXT | (type ? 0 : DESC_WRITE), 2);
	vdev_desc(&disk, 2, status, 1, DESC_WRITE, 0);
	vdev_offer(&disk, 0);
	vdev_notify(&disk, 0);
}

static void fill(uint8_t with)
{
	unsigned i;

	vq_sync(data, SECTOR);
	for (i = 0; i < SECTOR; i++)
		((volatile uint8_t *)data)[i] = with;
	vq_sync(data, SECTOR);
}

static void check_power_on_state(void)
{
	if (vdev_read(&disk, REG_STATUS) || vdev_read(&disk, REG_INT_STATUS))
		fail("the device's status has survived");
	vdev_write(&disk, REG_QUEUE_SEL, 0);
	if (vdev_read(&disk, REG_QUEUE_READY))
		fail("the queue has survived");
}

static void check_content(void)
{
	unsigned i;

	fill(0);
	request(BLK_IN, 3, data, SECTOR);
	if (vdev_wait(&disk) != SECTOR + 1)
		fail("the disk cannot be read");
	vq_sync(data, SECTOR);
	for (i = 0; i < SECTOR; i++)
		if (((volatile uint8_t *)data)[i] != PATTERN)
			fail("the disk does not hold what was written");
}

int main(uint64_t fdt)
{
	(void)fdt;
	disk.base = vdev_find(ID_BLK, 0);
	if (!disk.base)
		fail("there is no disk");
	check_power_on_state();
	vdev_start(&disk, 0);
	if (mmio_read32(TRACE) == DISK_WAS_BUSY) {
		check_content();
		pass("the disk works after a reset of the machine");
		return 0;
	}
	mmio_write32(TRACE, DISK_WAS_BUSY);
	fill(PATTERN);
	request(BLK_OUT, 3, data, SECTOR);
	vdev_wait(&disk);
	request(BLK_IN, 8, big, BIG);
	smccc(PSCI_SYSTEM_RESET, 0, 0, 0);
	fail("the reset call has returned");
}
