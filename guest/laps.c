/* SPDX-License-Identifier: MIT */
/*
 * Writes its disk's first 1 MiB over and over, 64 KiB a request: each sector
 * begins with the request's number, so that a copy of the image tells which
 * requests it has and whether it has them as a whole.
 */
#include "guest/rt/virtio.h"

#define SECTOR	512u
#define REQUEST (64u << 10)
#define LAP	16u

static struct ring ring;
static struct vdev disk = { .ring = &ring };
static struct {
	uint32_t type, reserved; /* 1: VIRTIO_BLK_T_OUT */
	uint64_t sector;
} header __attribute__((aligned(256)));
static uint8_t status[256] __attribute__((aligned(256)));
static uint8_t data[REQUEST] __attribute__((aligned(4096)));

static void write_request(uint64_t n)
{
	unsigned i;

	vq_sync(&header, sizeof(header));
	header.type = 1;
	header.sector = n % LAP * (REQUEST / SECTOR);
	vq_sync(&header, sizeof(header));
	for (i = 0; i < REQUEST; i += SECTOR) {
		vq_sync(data + i, 8);
		*(volatile uint64_t *)(data + i) = n;
		vq_sync(data + i, 8);
	}
	vdev_desc(&disk, 0, &header, sizeof(header), DESC_NEXT, 1);
	vdev_desc(&disk, 1, data, REQUEST, DESC_NEXT, 2);
	vdev_desc(&disk, 2, status, 1, DESC_WRITE, 0);
	vdev_offer(&disk, 0);
	vdev_notify(&disk, 0);
	if (vdev_wait(&disk) != 1)
		fail("request %u has not been carried out", (unsigned)n);
}

int main(uint64_t fdt)
{
	uint64_t n;

	(void)fdt;
	disk.base = vdev_find(ID_BLK, 0);
	if (!disk.base)
		fail("there is no disk");
	vdev_start(&disk, 0);
	for (n = 1;; n++) {
		write_request(n);
		if (n == LAP)
			print("written once\n");
	}
}
