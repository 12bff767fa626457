/* SPDX-License-Identifier: MIT */
/*
 * The CPU of this host as a CPU template, for `nestor caps --cpu`. It is read
 * from a vCPU of a VM that is made for that and never runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "arm64/cpu_impl.h"
#include "arm64/vcpu.h"
#include "core/arch.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"

/* What stands above each part of the file. */
static const char head[] =
	"# What nestor run --cpu gives a guest: the CPU of one host, for all.\n"
	"# Fields that are not here are those of the host that it runs on.\n";
static const char fixed[] =
	"\n# KVM lets nobody change these. A line that is no comment makes\n"
	"# nestor refuse a host that has another value.\n";
static const char identity[] = "\n# Whose CPU it is. Guests choose "
			       "work-arounds for errata by these: set\n"
			       "# them only if all hosts need the same.\n";

/* The parts of the file, in their order. */
enum part { PART_SET, PART_FIXED, PART_IDENTITY, PARTS };

struct printer {
	FILE *f;
	enum part part;
	bool begun; /* the words above the part are out */
	struct cpu_masks masks;
	int vcpu_fd;
};

static enum part part_of(const struct printer *p, const struct idfield *f)
{
	switch (cpu_field_kind(f)) {
	case CPU_IDENTITY:
		return p->masks.writable[f->reg] ? PART_IDENTITY : PARTS;
	case CPU_MACHINE:
		return PARTS;
	case CPU_FEATURE:
		return PART_SET;
	case CPU_PLAIN:
		break;
	}
	return idfield_mask(f) & p->masks.writable[f->reg] ? PART_SET
							   : PART_FIXED;
}

static void print_field(struct printer *p, const struct idfield *f,
			uint64_t val)
{
	static const char *const words[] = {
		[PART_SET] = head,
		[PART_FIXED] = fixed,
		[PART_IDENTITY] = identity,
	};
	char name[IDFIELD_NAME];

	if (part_of(p, f) != p->part)
		return;
	if (!p->begun)
		fputs(words[p->part], p->f);
	p->begun = true;
	fprintf(p->f, "%s%s = 0x%" PRIx64 "\n", p->part == PART_SET ? "" : "# ",
		idfield_name(f, name), idfield_get(f, val));
}

static void print_reg(struct printer *p, unsigned reg)
{
	uint64_t val, rest = p->masks.writable[reg];
	struct idfield f = { .reg = reg };
	unsigned i;

	if (cpu_reg_get(p->vcpu_fd, reg, &val) < 0)
		return;
	for (i = 0; idreg_named(reg, i, &f); i++) {
		print_field(p, &f, val);
		rest &= ~idfield_mask(&f);
	}
	/* What KVM knows and the table does not. */
	while (rest) {
		f.lsb = __builtin_ctzll(rest);
		f.width = 1;
		while (f.lsb + f.width < 64 && rest >> (f.lsb + f.width) & 1)
			f.width++;
		print_field(p, &f, val);
		rest &= ~idfield_mask(&f);
	}
}

static void print_all(struct printer *p)
{
	unsigned reg;

	for (p->part = 0; p->part < PARTS; p->part++) {
		p->begun = false;
		for (reg = 0; reg < IDREGS; reg++)
			print_reg(p, reg);
	}
}

static int look(struct printer *p, struct vm *vm, struct vcpu *v, struct err *e)
{
	struct vcpu_model *m = vm->arch;
	struct kvm_vcpu_init init;
	int r = kvm_ioctlp(vm->fd, KVM_ARM_PREFERRED_TARGET, &init);

	m->target = init.target;
	vcpu_model_probe(vm->kvm_fd, m);
	if (r >= 0)
		r = cpu_masks_read(&p->masks, vm, e);
	if (r < 0)
		return r;
	r = vcpu_create(v, kvm_ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0));
	if (r < 0)
		return r;
	p->vcpu_fd = v->fd;
	r = vcpu_init(v);
	if (!r)
		r = vcpu_finalize(v);
	if (!r)
		print_all(p);
	close(v->fd);
	return r;
}

int cpu_template_print(int kvm_fd, bool nested, FILE *f, struct err *e)
{
	struct vcpu_model model = { .pmu = true,
				    .sve = true,
				    .pauth = true,
				    .nested =
					    nested ? NESTED_VHE : NESTED_OFF };
	struct vm vm = { .kvm_fd = kvm_fd,
			 .fd = arch_scratch_vm(kvm_fd),
			 .arch = &model };
	struct vcpu v = { .vm = &vm };
	struct printer p = { .f = f };
	int r;

	if (vm.fd < 0)
		return err_set(e, vm.fd, "KVM makes no virtual machine: %s",
			       strerror(-vm.fd));
	err_set(e, 0, "KVM makes no vCPU that could be looked at");
	r = look(&p, &vm, &v, e);
	close(vm.fd);
	return r;
}
