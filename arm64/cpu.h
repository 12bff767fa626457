/* SPDX-License-Identifier: MIT */
/*
 * CPU templates (--cpu FILE): what a guest is to find in its ID registers, so
 * that it sees the same CPU on different hosts. nestor(1), CPU TEMPLATES, has
 * the format.
 *
 * Which fields can be set, and to what, KVM alone decides: it knows the host's
 * CPU, the VM's features and the direction in which each field may go. What it
 * refuses is said with the line of the file; what it accepts is read back.
 *
 * Before the VM runs, on the thread that builds it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "arm64/idregs.h"

struct err;
struct vcpu_model;
struct vm;

/* No file has more lines that count. */
#define CPU_LINES_MAX 1024

struct cpu_line {
	struct idfield field;
	uint64_t value; /* fits the field */
	unsigned number;
};

struct cpu_template {
	const char *path; /* the caller's, and outlives this */
	unsigned n;
	struct cpu_line *line; /* none names a bit that another does */
};

/*
 * cpu_template_load() - read the file that --cpu names
 *
 * 0 and *@t, to be freed; or -errno with a sentence in @e.
 */
int cpu_template_load(const char *path, struct cpu_template **t, struct err *e);

/* The same of @text, which is NUL-terminated, and changed. */
int cpu_template_parse(const char *path, char *text, struct cpu_template **t,
		       struct err *e);

/* NULL is fine. */
void cpu_template_free(struct cpu_template *);

/*
 * cpu_template_model() - turn off the features of which the file says 0
 *
 * SVE, pointer authentication and the PMU are no fields to KVM but features of
 * a vCPU. Before the first vCPU.
 */
void cpu_template_model(const struct cpu_template *, struct vcpu_model *);

/*
 * cpu_template_enable() - ask KVM for what the file needs of it
 *
 * Before the first vCPU. 0, or -ENOTSUP with a sentence in @e.
 */
int cpu_template_enable(const struct cpu_template *, const struct vm *,
			struct err *e);

/*
 * cpu_template_apply() - set the fields, after KVM_ARM_VCPU_INIT of all vCPUs
 *
 * They outlast a reset. 0, or -errno with a sentence in @e.
 */
int cpu_template_apply(const struct cpu_template *, const struct vm *,
		       struct err *e);

/*
 * cpu_template_check() - that all is as the file says, once nestor's other
 * options have had their effect
 *
 * 0, or -EINVAL with a sentence in @e.
 */
int cpu_template_check(const struct cpu_template *, const struct vm *,
		       struct err *e);

/*
 * cpu_template_print() - write the file that describes this host
 *
 * Of a guest without options, but with an EL2 if @nested, which the host must
 * be able to give. Makes a VM on @kvm_fd to look at. 0, or -errno with the
 * reason in @e, which names no option.
 */
int cpu_template_print(int kvm_fd, bool nested, FILE *, struct err *e);
