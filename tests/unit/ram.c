/* SPDX-License-Identifier: MIT */
#include "core/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/log.h"
#include "tests/unit/test.h"

#define SIZE 0x100000u

TEST(private_memory_that_is_discarded_is_gone)
{
	const unsigned page = sysconf(_SC_PAGESIZE);
	unsigned char in[SIZE / 4096];
	uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 0x55, SIZE);
	EQ(ram_discard(p + page, 2 * page), 0);
	EQ(mincore(p, SIZE, in), 0);
	OK(in[0] & 1 && !(in[1] & 1) && !(in[2] & 1) && in[3] & 1);
	EQ(p[page], 0);
	EQ(p[page - 1], 0x55);
	EQ(p[3 * page], 0x55);
	EQ(ram_discard(p + 1, page), -EINVAL);
}

TEST(shared_memory_that_is_discarded_is_gone_from_its_file)
{
	const unsigned page = sysconf(_SC_PAGESIZE);
	int fd = memfd_create("ram", 0);
	struct stat before, after;
	uint8_t *p;

	EQ(ftruncate(fd, SIZE), 0);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(p, 0x55, SIZE);
	EQ(fstat(fd, &before), 0);
	EQ(ram_discard(p + page, 4 * page), 0);
	EQ(fstat(fd, &after), 0);
	EQ(before.st_blocks - after.st_blocks, 4 * page / 512);
	EQ(p[page], 0);
	EQ(p[5 * page], 0x55);
}

TEST(memory_of_huge_pages_is_as_empty_as_it_was)
{
	struct err e;
	uint8_t *hva;
	uint64_t i;
	int fd;

	EQ(ram_new(4 * SIZE, false, &hva, &fd, &e), 0);
	hva[SIZE] = 0x55;
	ram_make_huge(hva, 4 * SIZE);
	EQ(hva[SIZE], 0x55);
	hva[SIZE] = 0;
	for (i = 0; i < 4 * SIZE; i++)
		EQ(hva[i], 0);
	close(fd);
}

TEST(nobody_can_change_the_size_of_memory_that_is_shared)
{
	struct err e;
	uint8_t *hva;
	int fd;

	EQ(ram_new(4 * SIZE, false, &hva, &fd, &e), 0);
	EQ(ftruncate(fd, 0), -1);
	EQ(errno, EPERM);
	EQ(ftruncate(fd, 8 * SIZE), -1);
	EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	memset(hva, 0x55, SIZE);
	EQ(ram_discard(hva, SIZE), 0);
	EQ(hva[0], 0);
	munmap(hva, 4 * SIZE);
	close(fd);
}
