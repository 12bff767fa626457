/* SPDX-License-Identifier: MIT */
/*
 * The one place where nestor talks to KVM.
 *
 * Every system call on a KVM descriptor goes through these three functions, so
 * that a unit test can link a scripted KVM instead of core/kvm.c and see the
 * order of what the board does.
 */
#pragma once

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

/* A descriptor of /dev/kvm, close-on-exec, or -errno. */
int kvm_open(void);

/* The result of the ioctl, >= 0, or -errno. Any thread. */
int kvm_ioctl(int fd, unsigned long request, unsigned long arg);

/* The shared page(s) of a vCPU: @size bytes, or NULL with errno set. */
struct kvm_run *kvm_map_run(int vcpu_fd, size_t size);

static inline int kvm_ioctlp(int fd, unsigned long request, const void *arg)
{
	return kvm_ioctl(fd, request, (unsigned long)arg);
}

/* What KVM_CHECK_EXTENSION says of @cap: > 0 if it is there. */
static inline int kvm_cap(int fd, unsigned cap)
{
	return kvm_ioctl(fd, KVM_CHECK_EXTENSION, cap);
}

/*
 * KVM_GET_ONE_REG and KVM_SET_ONE_REG of register @id, whose size @id says
 *
 * The vCPU is stopped, or the caller's own. 0 or -errno: -ENOENT if the vCPU has
 * no such register.
 */
static inline int kvm_get_reg(int vcpu_fd, uint64_t id, void *val)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)val };

	return kvm_ioctlp(vcpu_fd, KVM_GET_ONE_REG, &r);
}

static inline int kvm_set_reg(int vcpu_fd, uint64_t id, const void *val)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)val };

	return kvm_ioctlp(vcpu_fd, KVM_SET_ONE_REG, &r);
}

/* KVM_SET_DEVICE_ATTR on a device, a VM or a vCPU. 0 or -errno. */
static inline int kvm_set_attr(int fd, uint32_t group, uint64_t attr,
			       const void *addr)
{
	struct kvm_device_attr a = { .group = group,
				     .attr = attr,
				     .addr = (uintptr_t)addr };

	return kvm_ioctlp(fd, KVM_SET_DEVICE_ATTR, &a);
}
