/* SPDX-License-Identifier: MIT */
#include "core/ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"

#define HUGE (2ull << 20)

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

int ram_new(uint64_t size, bool hugepages, uint8_t **hva, struct err *e)
{
	unsigned flags = MFD_CLOEXEC;
	uint8_t *area, *p;
	int fd, err;

	if (hugepages && size % HUGE)
		return err_set(e, -EINVAL,
			       "--memory %lluM: --hugepages needs a multiple "
			       "of 2M",
			       (unsigned long long)size >> 20);
	if (hugepages)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	fd = memfd_create("guest-ram", flags);
	if (fd < 0 || ftruncate(fd, size) < 0)
		goto fail;
	area = mmap(NULL, size + HUGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		goto fail;
	p = area + (-(uintptr_t)area & (HUGE - 1));
	if (mmap(p, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED)
		goto fail;
	close(fd);
	if (!hugepages)
		madvise(p, size, MADV_HUGEPAGE);
	/* A core dump of the VMM is not the place for a guest's secrets. */
	madvise(p, size, MADV_DONTDUMP);
	*hva = p;
	return 0;
fail:
	err = errno;
	if (fd >= 0)
		close(fd);
	if (hugepages)
		return err_set(e, -err,
			       "--hugepages: the host has no %llu free huge "
			       "pages of 2M (%s); reserve them in "
			       "/proc/sys/vm/nr_hugepages",
			       (unsigned long long)(size / HUGE),
			       strerror(err));
	return err_set(e, -err, "--memory %lluM: the host has not that much "
		       "(%s); ask for less",
		       (unsigned long long)size >> 20, strerror(err));
}
