/* SPDX-License-Identifier: MIT */
/*
 * Allocating guest RAM, explaining why the host has none, and giving parts of
 * it back.
 */
#include "core/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"

#define HUGE (2ull << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

/* A memfd of @size bytes, or -errno. */
static int make_memfd(uint64_t size, bool hugepages)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd, err;

	if (hugepages)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	fd = memfd_create("guest-ram", flags);
	if (fd < 0)
		return -errno;
	/* Others get it too: one that shortened it would end us by SIGBUS. */
	if (ftruncate(fd, size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
		    0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

/* @size bytes at a multiple of 2 MiB, of @fd or (-1) anonymous; or NULL. */
static uint8_t *map_aligned(int fd, uint64_t size)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
			   : MAP_SHARED;
	uint8_t *area =
		mmap(NULL, size + HUGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *p;

	if (area == MAP_FAILED)
		return NULL;
	p = area + (-(uintptr_t)area & (HUGE - 1));
	if (mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		return NULL;
	return p;
}

/* What a lack of memory is due to: whose limit it is. */
static int refuse(uint64_t size, bool hugepages, int err, struct err *e)
{
	const unsigned long long mib = size >> 20;
	const char *limit = remedy_memory();

	if (err == EFBIG)
		return err_set(e, -err,
			       "--memory %lluM: the limit on the size of files "
			       "is below that; raise it (ulimit -f), as this "
			       "memory is a file",
			       mib);
	if (err != ENOMEM && err != ENOSPC)
		return err_host(e, -err, "--memory %lluM", mib);
	if (limit)
		return err_set(e, -err,
			       "--memory %lluM: there is no room for that; %s, "
			       "or ask for less",
			       mib, limit);
	if (hugepages)
		return err_set(e, -err,
			       "--hugepages: the host has no %llu free huge "
			       "pages of 2M (%s); reserve them in "
			       "/sys/kernel/mm/hugepages/hugepages-2048kB/"
			       "nr_hugepages",
			       (unsigned long long)(size / HUGE),
			       strerror(err));
	return err_set(e, -err,
		       "--memory %lluM: the host has not that much, or does "
		       "not promise it (%s); ask for less, or see "
		       "vm.overcommit_memory",
		       mib, strerror(err));
}

int ram_new(uint64_t size, bool hugepages, uint8_t **hva, int *file,
	    struct err *e)
{
	uint8_t *p;
	int fd = -1, err;

	if (hugepages && size % HUGE)
		return err_set(e, -EINVAL,
			       "--memory %lluM: --hugepages needs a multiple "
			       "of 2M",
			       (unsigned long long)size >> 20);
	if (hugepages || file) {
		fd = make_memfd(size, hugepages);
		if (fd < 0)
			return refuse(size, hugepages, -fd, e);
	}
	p = map_aligned(fd, size);
	err = errno;
	if (fd >= 0 && (!p || !file))
		close(fd);
	if (!p)
		return refuse(size, hugepages, err, e);
	if (file)
		*file = fd;
	if (!hugepages)
		madvise(p, size, MADV_HUGEPAGE);
	/* A core dump of the VMM is not the place for a guest's secrets. */
	madvise(p, size, MADV_DONTDUMP);
	/* A fork would write-protect it: with an EL2, minutes of unmapping. */
	madvise(p, size, MADV_DONTFORK);
	*hva = p;
	return 0;
}

/*
 * Linux makes huge pages of the memory of files only where it has some already:
 * so each has its first byte written. Where it has none to give, it is as it was.
 */
void ram_make_huge(void *hva, uint64_t len)
{
	volatile uint8_t *p = hva;
	uint64_t off;

	for (off = 0; off < len; off += HUGE)
		p[off] = 0;
	madvise(hva, len, MADV_COLLAPSE);
}

/*
 * What a memfd holds is freed in the file: to drop only the mapping would free
 * nothing. Private memory has no file, and says so.
 */
int ram_discard(void *hva, uint64_t len)
{
	if (madvise(hva, len, MADV_REMOVE) == 0)
		return 0;
	if (errno != EINVAL && errno != EACCES)
		return -errno;
	return madvise(hva, len, MADV_DONTNEED) < 0 ? -errno : 0;
}
