/* SPDX-License-Identifier: MIT */
/*
 * CPU templates against a VM: which fields of the ID registers a file may set,
 * what they change in struct vcpu_model before the vCPUs exist, and writing
 * them to KVM afterwards. KVM decides; what it refuses is tracked down to one
 * line of the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "arm64/cpu_impl.h"
#include "arm64/vcpu.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/vm.h"

#define MIDR	 IDREG(0, 0, 0)
#define REVIDR	 IDREG(0, 0, 6)
#define PFR1	 IDREG(0, 1, 1)
#define AA64PFR0 IDREG(0, 4, 0)
#define AA64DFR0 IDREG(0, 5, 0)
#define ISAR1	 IDREG(0, 6, 1)
#define ISAR2	 IDREG(0, 6, 2)
#define CLIDR	 IDREG(1, 0, 1)
#define AIDR	 IDREG(1, 0, 7)

/* Fields that stand for a feature of vCPUs: off if all that are named are 0. */
static const struct {
	struct idfield field;
	size_t feature; /* in struct vcpu_model */
} features[] = {
	{ { AA64PFR0, 32, 4 }, offsetof(struct vcpu_model, sve) },
	{ { ISAR1, 4, 8 }, offsetof(struct vcpu_model, pauth) },  /* APA, API */
	{ { ISAR1, 24, 8 }, offsetof(struct vcpu_model, pauth) }, /* GPA, GPI */
	{ { ISAR2, 8, 8 },
	  offsetof(struct vcpu_model, pauth) }, /* GPA3, APA3 */
	{ { AA64DFR0, 8, 4 }, offsetof(struct vcpu_model, pmu) }, /* PMUVer */
};
#define NFEATURES (sizeof(features) / sizeof(*features))

static const struct {
	struct idfield field;
	enum cpu_field_kind kind;
} others[] = {
	{ { AA64PFR0, 24, 4 }, CPU_MACHINE },
	{ { PFR1, 28, 4 }, CPU_MACHINE },
	{ { MIDR, 0, 64 }, CPU_IDENTITY },
	{ { REVIDR, 0, 64 }, CPU_IDENTITY },
	{ { AIDR, 0, 64 }, CPU_IDENTITY },
};

enum cpu_field_kind cpu_field_kind(const struct idfield *f)
{
	unsigned i;

	for (i = 0; i < NFEATURES; i++)
		if (idfield_overlap(f, &features[i].field))
			return CPU_FEATURE;
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (idfield_overlap(f, &others[i].field))
			return others[i].kind;
	return CPU_PLAIN;
}

/* Does the file name a field of this feature, and all that it names with 0? */
static bool wants_off(const struct cpu_template *t, size_t feature)
{
	unsigned i, j, zeroes = 0;

	for (i = 0; i < t->n; i++) {
		for (j = 0; j < NFEATURES; j++) {
			if (features[j].feature != feature ||
			    !idfield_overlap(&t->line[i].field,
					     &features[j].field))
				continue;
			if (t->line[i].value)
				return false;
			zeroes++;
		}
	}
	return zeroes;
}

void cpu_template_model(const struct cpu_template *t, struct vcpu_model *m)
{
	m->sve = m->sve && !wants_off(t, offsetof(struct vcpu_model, sve));
	m->pauth =
		m->pauth && !wants_off(t, offsetof(struct vcpu_model, pauth));
	m->pmu = m->pmu && !wants_off(t, offsetof(struct vcpu_model, pmu));
}

int cpu_reg_get(int vcpu_fd, unsigned reg, uint64_t *val)
{
	return kvm_get_reg(vcpu_fd, idreg_kvm_id(reg), val);
}

/*
 * A register of the VM is set through one vCPU; CLIDR_EL1, which each vCPU has
 * for itself, through all.
 */
static int reg_set(const struct vm *vm, unsigned reg, uint64_t val)
{
	const unsigned n = reg == CLIDR ? vm->ncpus : 1;
	unsigned i;
	int err = 0;

	for (i = 0; i < n && err >= 0; i++)
		err = kvm_set_reg(vm->vcpus[i].fd, idreg_kvm_id(reg), &val);
	return err;
}

int cpu_masks_read(struct cpu_masks *m, const struct vm *vm, struct err *e)
{
	struct reg_mask_range range = { .addr = (uintptr_t)m->writable,
					.range = KVM_ARM_FEATURE_ID_RANGE };

	memset(m, 0, sizeof(*m));
	if (kvm_ioctlp(vm->fd, KVM_ARM_GET_REG_WRITABLE_MASKS, &range) < 0)
		return err_set(e, -ENOTSUP,
			       "this host's KVM does not tell which ID "
			       "registers can be set; use Linux 6.7 or newer");
	return 0;
}

int cpu_template_enable(const struct cpu_template *t, const struct vm *vm,
			struct err *e)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_WRITABLE_IMP_ID_REGS };
	char name[IDFIELD_NAME];
	unsigned i;

	for (i = 0; i < t->n; i++) {
		const struct cpu_line *l = &t->line[i];

		if (cpu_field_kind(&l->field) != CPU_IDENTITY)
			continue;
		if (kvm_ioctlp(vm->fd, KVM_ENABLE_CAP, &cap) >= 0)
			return 0;
		return err_set(
			e, -ENOTSUP,
			"--cpu %.200s:%u: %s: this host's KVM lets nobody "
			"set that; leave the line out, or use Linux 6.15 "
			"or newer",
			t->path, l->number, idfield_name(&l->field, name));
	}
	return 0;
}

/* One line of the file against what the guest would get. */
static int refuse(const struct cpu_template *t, const struct cpu_line *l,
		  uint64_t host, const char *why, struct err *e)
{
	char name[IDFIELD_NAME];

	return err_set(e, -EINVAL,
		       "--cpu %.200s:%u: %s = 0x%" PRIx64
		       ", but a guest has 0x%" PRIx64 " here, and %s",
		       t->path, l->number, idfield_name(&l->field, name),
		       l->value, idfield_get(&l->field, host), why);
}

/* KVM refuses the register that line @l is the first of: find the line. */
static int find_culprit(const struct cpu_template *t, const struct vm *vm,
			const struct cpu_line *l, uint64_t host, struct err *e)
{
	const struct cpu_line *first = l;
	uint64_t val;

	for (; l < t->line + t->n; l++) {
		val = idfield_set(&l->field, host, l->value);
		if (l->field.reg != first->field.reg || val == host)
			continue;
		if (reg_set(vm, l->field.reg, val) < 0)
			return refuse(t, l, host,
				      "KVM refuses the other; take the file "
				      "from the host that can do least, or "
				      "leave the line out",
				      e);
		reg_set(vm, l->field.reg, host);
	}
	return refuse(t, first, host,
		      "KVM refuses that together with the other fields of the "
		      "register; leave some out",
		      e);
}

/* All lines of the register that line @l is the first of. */
static int apply_reg(const struct cpu_template *t, const struct vm *vm,
		     const struct cpu_masks *m, const struct cpu_line *l,
		     struct err *e)
{
	const struct cpu_line *i;
	uint64_t host = 0, val;
	char name[IDFIELD_NAME];

	if (cpu_reg_get(vm->vcpus[0].fd, l->field.reg, &host) < 0)
		return err_set(
			e, -ENOTSUP,
			"--cpu %.200s:%u: %s: guests have no such register "
			"here; leave the line out",
			t->path, l->number, idfield_name(&l->field, name));
	val = host;
	for (i = l; i < t->line + t->n; i++) {
		uint64_t mask = idfield_mask(&i->field), with;

		if (i->field.reg != l->field.reg)
			continue;
		if (cpu_field_kind(&i->field) == CPU_MACHINE)
			return refuse(t, i, host,
				      "that follows from the machine's GIC; "
				      "leave the line out",
				      e);
		with = idfield_set(&i->field, val, i->value);
		if ((with ^ val) & mask & ~m->writable[l->field.reg])
			return refuse(t, i, host,
				      "nobody can change that; leave the line "
				      "out if guests may see different CPUs",
				      e);
		val = with;
	}
	if (val == host || reg_set(vm, l->field.reg, val) >= 0)
		return 0;
	return find_culprit(t, vm, l, host, e);
}

/* Has no line before @l named its register? */
static bool is_first(const struct cpu_template *t, const struct cpu_line *l)
{
	const struct cpu_line *i;

	for (i = t->line; i < l; i++)
		if (i->field.reg == l->field.reg)
			return false;
	return true;
}

int cpu_template_apply(const struct cpu_template *t, const struct vm *vm,
		       struct err *e)
{
	struct cpu_masks m;
	struct err why;
	unsigned i;
	int r = cpu_masks_read(&m, vm, &why);

	if (r < 0)
		return err_set(e, r, "--cpu %.200s: %s", t->path, why.text);
	for (i = 0; i < t->n && !r; i++)
		if (is_first(t, &t->line[i]))
			r = apply_reg(t, vm, &m, &t->line[i], e);
	return r;
}

int cpu_template_check(const struct cpu_template *t, const struct vm *vm,
		       struct err *e)
{
	uint64_t val;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		const struct cpu_line *l = &t->line[i];

		val = 0;
		cpu_reg_get(vm->vcpus[0].fd, l->field.reg, &val);
		if (idfield_get(&l->field, val) != l->value)
			return refuse(t, l, val,
				      "other options, or KVM itself, stand "
				      "against the file; leave the line out, "
				      "or the option",
				      e);
	}
	return 0;
}
