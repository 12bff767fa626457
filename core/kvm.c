/* SPDX-License-Identifier: MIT */
/*
 * The system calls behind core/kvm.h, and nothing else: unit tests link
 * tests/unit/fake_kvm.c in the place of this file.
 */
#include "core/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

int kvm_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int kvm_ioctl(int fd, unsigned long request, unsigned long arg)
{
	int r = ioctl(fd, request, arg);

	return r < 0 ? -errno : r;
}

struct kvm_run *kvm_map_run(int vcpu_fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd,
		       0);

	return p == MAP_FAILED ? NULL : p;
}
