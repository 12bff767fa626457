/* SPDX-License-Identifier: MIT */
/*
 * The memory behind guest RAM: mapped once, aligned to 2 MiB so that stage 2
 * can use block mappings.
 *
 * It is a memfd only where another process maps it too: Linux gives memfds no
 * transparent huge pages by default, but those that it is asked for beforehand, and
 * with small ones the stage-2 faults add a third to the instructions of a boot.
 *
 * It is never unmapped: the end of the process frees it, and for a VM with a
 * virtual EL2 an munmap() would walk the whole shadow stage 2 first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * ram_new() - @size bytes of zeroed memory, a multiple of 1 MiB
 *
 * @hugepages takes it from hugetlbfs (2 MiB pages, reserved at once), otherwise
 * transparent huge pages are asked for. If @fd is not NULL the memory is a
 * file's, which another process can map, and *@fd that file, the caller's.
 * -errno with a sentence in @e.
 */
int ram_new(uint64_t size, bool hugepages, uint8_t **hva, int *fd,
	    struct err *e);

/*
 * ram_make_huge() - have huge pages where RAM is a memfd, before it is filled
 *
 * @hva and @len, in bytes, are multiples of 2 MiB; all of it costs the host memory
 * from then on. Linux gives memfds huge pages without regard for its settings then
 * (MADV_COLLAPSE in madvise(2)), if it has some: without them nothing changes but
 * the speed.
 */
void ram_make_huge(void *hva, uint64_t len);

/*
 * ram_discard() - give [@hva, @hva + @len) back to the host
 *
 * It reads as zeroes, and costs memory again when somebody touches it. Whole
 * pages of the host's; memory from hugetlbfs stays what it is. 0 or -errno.
 * Any thread. With a virtual EL2 it takes KVM seconds a call: not to be done.
 */
int ram_discard(void *hva, uint64_t len);
