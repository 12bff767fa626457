/* SPDX-License-Identifier: MIT */
/*
 * The commands of a bank of flash, as EDK2's driver gives them: to both chips
 * of the bus at once.
 */
#pragma once

#include "guest/rt/rt.h"

#define CODE_BANK   MAP_FLASH_BASE
#define VARS_BANK   (MAP_FLASH_BASE + MAP_FLASH_SIZE)
#define FLASH_BLOCK 0x40000u

#define BOTH_CHIPS  0x00010001u
#define FLASH_READY (0x80 * BOTH_CHIPS)

#define FLASH_PROGRAM	  0x40
#define FLASH_ERASE	  0x20
#define FLASH_CLEAR	  0x50
#define FLASH_READ_STATUS 0x70
#define FLASH_READ_ID	  0x90
#define FLASH_QUERY	  0x98
#define FLASH_BUFFERED	  0xe8
#define FLASH_CONFIRM	  0xd0
#define FLASH_READ_ARRAY  0xff

static inline void flash_command(uint64_t at, uint32_t cmd)
{
	mmio_write32(at, cmd * BOTH_CHIPS);
}

/* The status that ends a command; the bank then gives its contents again. */
static inline uint32_t flash_finish(uint64_t at)
{
	uint32_t status;

	flash_command(at, FLASH_READ_STATUS);
	status = mmio_read32(at);
	flash_command(at, FLASH_CLEAR);
	flash_command(at, FLASH_READ_ARRAY);
	return status;
}

static inline uint32_t flash_erase(uint64_t at)
{
	flash_command(at, FLASH_ERASE);
	flash_command(at, FLASH_CONFIRM);
	return flash_finish(at);
}

static inline uint32_t flash_program(uint64_t at, uint32_t val)
{
	flash_command(at, FLASH_PROGRAM);
	mmio_write32(at, val);
	return flash_finish(at);
}

/* @n words, @val and those that follow it; within an aligned 4 KiB. */
static inline uint32_t flash_program_buffer(uint64_t at, uint32_t n,
					    uint32_t val)
{
	uint32_t i;

	flash_command(at, FLASH_BUFFERED);
	if (mmio_read32(at) != FLASH_READY)
		fail("the buffer is not ready\n");
	flash_command(at, n - 1);
	for (i = 0; i < n; i++)
		mmio_write32(at + 4 * i, val + i);
	flash_command(at, FLASH_CONFIRM);
	return flash_finish(at);
}
