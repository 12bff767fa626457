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
#include <stdbool.h>
#include <stddef.h>

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
