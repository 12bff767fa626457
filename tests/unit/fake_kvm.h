/* SPDX-License-Identifier: MIT */
/*
 * A KVM that only writes down what it is asked, and answers from a script.
 *
 * It stands in for core/kvm.c. Descriptors are real (of /dev/null), so that the
 * code under test may close them; a vCPU's page is plain memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_call {
	int fd;
	unsigned long request;
	uint64_t a, b; /* of the argument, what tells calls apart */
	uint8_t *hva;  /* and where memory is */
};

/* The calls so far, in order. */
extern struct fake_call fake_calls[];
extern unsigned fake_ncalls;

/* A machine with GICv3, a PMU, SVE and 40 bits of IPA; no calls recorded. */
void fake_kvm_reset(void);

/* KVM_CHECK_EXTENSION's answer for @cap. */
void fake_kvm_cap(unsigned cap, int value);

/* Have @request fail with @err (0: succeed again), from the @nth call on. */
void fake_kvm_fail(unsigned long request, unsigned nth, int err);

/* No such device type; or kvm_open() fails with @err. */
void fake_kvm_no_device(uint32_t type);
void fake_kvm_no_kvm(int err);

/* What KVM_GET_ONE_REG reads, of whatever register (0 after a reset). */
void fake_kvm_reg(uint64_t val);

/*
 * An ID register that reads as @val, and whose @writable bits can be set, each
 * four of them to no more than they are now. From the first on, those that are
 * not there are not. As many as 16.
 */
void fake_kvm_idreg(uint64_t id, uint64_t val, uint64_t writable);

/*
 * What KVM_GET_DEVICE_ATTR reads of @attr in @group, 32 bits; 0 of what is not
 * given. As many as 16.
 */
void fake_kvm_attr(uint32_t group, uint64_t attr, uint32_t val);

/* What KVM_GET_MP_STATE says of every vCPU; runnable after a reset. */
void fake_kvm_mp_state(uint32_t state);

/*
 * What is in the file that KVM_GET_STATS_FD gives out: @size bytes, copied when
 * it is asked for. NULL, as after a reset: this KVM does not know it.
 */
void fake_kvm_stats(const void *file, size_t size);

/* Who answers KVM_RUN, on the vCPU's thread; such calls are not recorded. */
void fake_kvm_on_run(int (*fn)(int fd));

/* One line a call, "CREATE_VM 0x20" and so on. */
const char *fake_kvm_log(void);

/* What a guest finds at @gpa; NULL: no memory. */
uint8_t *fake_kvm_at(uint64_t gpa);

/* How often @request was called. */
unsigned fake_kvm_count(unsigned long request);
