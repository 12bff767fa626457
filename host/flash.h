/* SPDX-License-Identifier: MIT */
/*
 * What is in a bank of flash: a firmware's code, which does not change, or its
 * variables, which are a file's contents or are gone with the process.
 *
 * A bank is mapped memory of the bank's size. What a shorter file leaves over
 * reads as erased: 0xff.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct flash_bank;

/*
 * flash_open_code() - the firmware at @path, to be read only
 *
 * Its first 4 MiB are a copy in huge pages, where the host has some; @size is a
 * multiple of 2 MiB, and so is where flash_mem() begins. With @tags all of it is
 * a copy, in memory that can have tags (MTE), as pages of files cannot.
 *
 * NULL with a sentence in @e, which begins with --firmware.
 */
struct flash_bank *flash_open_code(const char *path, uint64_t size, bool tags,
				   struct err *e);

/*
 * flash_open_vars() - the variables that the file @path keeps (--vars)
 *
 * If there is none it is made, in one step, from the file @template, or erased
 * if that is NULL. A symbolic link is followed. The file is locked (an OFD
 * lock), so that two VMs do not have it at a time. NULL with a sentence in @e.
 */
struct flash_bank *flash_open_vars(const char *path, const char *template,
				   uint64_t size, struct err *e);

/* The same contents, for as long as the bank is open. NULL with a sentence. */
struct flash_bank *flash_open_scratch(const char *template, uint64_t size,
				      bool tags, struct err *e);

/*
 * flash_open_empty() - nothing, for as long as the bank is open
 *
 * It takes no memory before the first flash_store(). NULL: no memory at all.
 */
struct flash_bank *flash_open_empty(uint64_t size);

void flash_close(struct flash_bank *);

/*
 * The bank's memory; flash_store() changes what it holds. NULL: it is empty,
 * and nothing has been stored yet.
 */
uint8_t *flash_mem(struct flash_bank *);

/*
 * flash_store() - @len bytes at @off become @buf; it is within the bank
 *
 * What it has stored survives the end of the process, at any moment; a host's
 * loss of power it survives once the kernel has written it back. 0 or -errno. Not
 * from two threads at a time, nor beside flash_mem().
 */
int flash_store(struct flash_bank *, uint64_t off, const void *buf, size_t len);

/*
 * firmware_find() - where this distribution has put its UEFI for QEMU's virt
 *
 * 0, or -ENOENT with a sentence in @e that says what to install.
 */
int firmware_find(char path[PATH_MAX], struct err *e);

/*
 * firmware_template() - the empty variables that were packaged with the
 * firmware @code: *@path is filled, or left empty if there are none
 */
void firmware_template(const char *code, char path[PATH_MAX]);
