/* SPDX-License-Identifier: MIT */
/*
 * The board's ARM part: machine/arch.h says what is asked and when.
 *
 * A GICv3 wants all its vCPUs first; the PMU, stolen time and the ITS want the
 * GIC. What the CPUs show must be settled before the first of them has run.
 */
#include "arm64/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "arm64/cpu.h"
#include "arm64/faults.h"
#include "arm64/gic.h"
#include "arm64/gicv2m.h"
#include "arm64/its.h"
#include "arm64/map.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/util.h"
#include "machine/arch.h"
#include "nested/el2.h"
#include "nested/state.h"

#define MIB (1ull << 20)

int arch_board_new(struct board *b)
{
	struct arm_board *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->gic_fd = a->its_fd = -1;
	a->model.aarch32 = b->m.aarch32 = b->cfg->aarch32;
	a->model.pmu = b->cfg->pmu;
	a->model.sve = b->cfg->sve;
	a->model.pauth = b->cfg->pauth;
	a->model.clock.runs_on = b->cfg->clock == CLOCK_HOST;
	b->vm.arch = a;
	return 0;
}

void arch_board_free(struct board *b)
{
	struct arm_board *a = arm_board(b);

	if (!a)
		return;
	cpu_template_free(a->cpu);
	if (a->its_fd >= 0)
		close(a->its_fd);
	if (a->gic_fd >= 0)
		close(a->gic_fd);
	free(a);
}

/* --- before there is a VM --- */

static int check_aarch32(struct board *b, struct err *e)
{
	if (b->m.aarch32 && kvm_cap(b->vm.kvm_fd, KVM_CAP_ARM_EL1_32BIT) <= 0)
		return err_set(e, -ENOTSUP,
			       "--aarch32: this host's processors run kernels "
			       "in AArch64 only; give a 64-bit kernel without "
			       "--aarch32, or use a host such as Cortex-A53, "
			       "A57 or A72");
	return 0;
}

static int check_mte(struct board *b, struct err *e)
{
	if (b->cfg->mte && kvm_cap(b->vm.kvm_fd, KVM_CAP_ARM_MTE) <= 0)
		return err_set(e, -ENOTSUP,
			       "--mte: this host has no memory tags to give; "
			       "leave it out, or see what `nestor caps` says "
			       "of mte");
	return 0;
}

static int load_cpu(struct board *b, struct err *e)
{
	const char *cpu = b->cfg->cpu;

	return cpu && strcmp(cpu, "host")
		       ? cpu_template_load(cpu, &arm_board(b)->cpu, e)
		       : 0;
}

static int choose_nested(struct board *b, struct err *e)
{
	enum nested_kind *kind = &arm_board(b)->model.nested;
	int r = nested_choose(b->cfg, b->vm.kvm_fd, kind, e);

	b->m.el2 = *kind != NESTED_OFF;
	b->m.vhe = *kind == NESTED_VHE;
	return r;
}

/* A second region of redistributors, if there are more vCPUs than in one. */
static gpa_t place_gicr(struct machine *m, gpa_t end)
{
	if (m->cpus <= MAP_GICR_CPUS)
		return end;
	m->gicr2.base = MAP_HIGH_GICR_BASE;
	if (end > m->gicr2.base)
		m->gicr2.base = align_up(end, 64 * MIB);
	m->gicr2.size = (m->cpus - MAP_GICR_CPUS) * MAP_GICR_STRIDE;
	return m->gicr2.base + m->gicr2.size;
}

/*
 * The fewest bits of guest physical address that suffice: fewer levels of stage
 * 2.
 */
static int pick_ipa_bits(struct board *b, gpa_t end, struct err *e)
{
	int limit = kvm_cap(b->vm.kvm_fd, KVM_CAP_ARM_VM_IPA_SIZE);
	int need = 64 - __builtin_clzll(end - 1);

	if (limit <= 0)
		limit = 40;
	if (b->m.ecam.base >> limit)
		return err_set(e, -EINVAL,
			       "--ecam high: it is at %#llx, and this host's "
			       "KVM gives a guest %d bits of physical address; "
			       "leave it out",
			       (unsigned long long)b->m.ecam.base, limit);
	if (need > limit)
		return err_set(e, -EINVAL,
			       "--memory %lluM: this host's KVM gives a guest "
			       "%d bits of physical address; give at most "
			       "--memory %lluM",
			       (unsigned long long)(b->m.ram_size / MIB), limit,
			       (unsigned long long)((1ull << limit) -
						    MAP_RAM_BASE -
						    b->m.pci_high.size) /
				       MIB);
	return need < 32 ? 32 : need;
}

int arch_board_plan(struct board *b, gpa_t end, struct err *e)
{
	int r;

	if ((r = check_aarch32(b, e)) < 0 || (r = check_mte(b, e)) < 0 ||
	    (r = load_cpu(b, e)) < 0 || (r = choose_nested(b, e)) < 0)
		return r;
	r = pick_ipa_bits(b, place_gicr(&b->m, end), e);
	return r < 0 ? r : (int)KVM_VM_TYPE_ARM_IPA_SIZE(r);
}

/* --- the VM --- */

static int enable(struct board *b, unsigned cap)
{
	struct kvm_enable_cap c = { .cap = cap };

	return kvm_ioctlp(b->vm.fd, KVM_ENABLE_CAP, &c);
}

/* Older kernels lack some, and the VM does without. */
static void enable_if(struct board *b, unsigned cap)
{
	if (enable(b, cap) < 0)
		log_debug("KVM lacks capability %u", cap);
}

/* The model, as the host has it and the user wants it. */
int arch_board_vm(struct board *b, struct err *e)
{
	struct arm_board *a = arm_board(b);
	struct kvm_vcpu_init init;
	int r = kvm_ioctlp(b->vm.fd, KVM_ARM_PREFERRED_TARGET, &init);

	if (r < 0)
		return log_failure("KVM_ARM_PREFERRED_TARGET", r);
	a->model.target = init.target;
	enable_if(b, KVM_CAP_ARM_NISV_TO_USER);
	enable_if(b, KVM_CAP_ARM_SYSTEM_SUSPEND);
	vcpu_model_probe(b->vm.kvm_fd, &a->model);
	/* Before there are vCPUs, and before memory, which KVM checks for it. */
	r = b->cfg->mte
		    ? log_failure("KVM_CAP_ARM_MTE", enable(b, KVM_CAP_ARM_MTE))
		    : 0;
	if (!r && a->cpu) {
		cpu_template_model(a->cpu, &a->model);
		r = cpu_template_enable(a->cpu, &b->vm, e);
	}
	b->m.pmu = a->model.pmu;
	return r;
}

/* --- its vCPUs, and what needs them --- */

static int init_vcpus(struct board *b, struct err *e)
{
	struct arm_board *a = arm_board(b);
	unsigned i;
	int r = 0;

	for (i = 0; i < b->vm.ncpus && !r; i++) {
		r = vcpu_init(&b->vm.vcpus[i]);
		if (!r)
			r = vcpu_finalize(&b->vm.vcpus[i]);
	}
	if (!r && a->cpu)
		r = cpu_template_apply(a->cpu, &b->vm, e);
	if (!r && b->m.el2 && b->cfg->nested_depth == 1)
		r = log_failure("hiding nested virtualization",
				nested_stop_recursion(b->vm.vcpus[0].fd));
	if (!r && a->cpu)
		r = cpu_template_check(a->cpu, &b->vm, e);
	return r;
}

/* Settle what takes messages. */
static void create_msi(struct board *b)
{
	struct arm_board *a = arm_board(b);

	b->m.msi = b->m.gic == GIC_V2 ? MSI_V2M
		   : b->cfg->its      ? MSI_ITS
				      : MSI_NONE;
	if (b->m.msi != MSI_ITS || !b->m.has_pci)
		return;
	a->its_fd = its_create(&b->vm);
	if (a->its_fd < 0) {
		log_debug("no ITS: %s", strerror(-a->its_fd));
		b->m.msi = MSI_NONE;
	}
}

/* One line: whoever nests is on the newest ground, others ask for it (-v). */
static void tell_faults(const struct board *b)
{
	const struct arm_board *a = arm_board(b);
	const unsigned parts = (a->its_fd >= 0 ? FAULT_ITS : 0) |
			       (b->m.el2 ? FAULT_EL2 : 0) |
			       (a->model.sve ? FAULT_SVE : 0);
	char names[200];
	struct utsname u;

	if (uname(&u) || !fault_names(names, sizeof(names), u.release, parts))
		return;
	(b->m.el2 ? log_warnx : log_debug)(
		"Linux %s, this host's, is known for faults that concern this "
		"guest (%s); 'nestor caps' tells what helps",
		u.release, names);
}

static int init_pmus(struct board *b)
{
	unsigned i;
	int r = 0;

	for (i = 0; b->m.pmu && i < b->vm.ncpus && !r; i++)
		r = vcpu_init_pmu(&b->vm.vcpus[i]);
	return r;
}

/* Stolen time: 64 bytes a vCPU, in memory of their own. */
static int init_pvtime(struct board *b)
{
	uint8_t *hva;
	unsigned i;
	int r;

	if (kvm_cap(b->vm.kvm_fd, KVM_CAP_STEAL_TIME) <= 0)
		return 0;
	hva = mmap(NULL, MAP_PVTIME_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hva == MAP_FAILED)
		return log_failure("memory for stolen time", -errno);
	r = board_add_slot(b, SLOT_ARCH, MAP_PVTIME_BASE, MAP_PVTIME_SIZE, hva,
			   false);
	for (i = 0; i < b->vm.ncpus && !r; i++)
		r = log_failure("setting up stolen time",
				vcpu_init_pvtime(&b->vm.vcpus[i],
						 MAP_PVTIME_BASE + 64 * i));
	return r;
}

int arch_board_vcpus(struct board *b, struct err *e)
{
	struct arm_board *a = arm_board(b);
	int r;

	r = a->gic_fd = gic_create(&b->vm, &b->m, e);
	if (r < 0 || (r = init_vcpus(b, e)) < 0 ||
	    (r = gic_init(a->gic_fd)) < 0)
		return r;
	create_msi(b);
	tell_faults(b);
	r = init_pmus(b);
	return r < 0 ? r : init_pvtime(b);
}

int arch_board_devices(struct board *b, struct err *e)
{
	static const struct place at = { MAP_V2M_BASE, MAP_V2M_SIZE, 0 };

	(void)e;
	return b->m.has_pci && b->m.msi == MSI_V2M
		       ? board_add(b, gicv2m_new(b->router), "the GICv2m frame",
				   &at)
		       : 0;
}

/* --- later --- */

int arch_board_reset(struct board *b)
{
	struct arm_board *a = arm_board(b);
	unsigned i;
	int r = 0;

	for (i = 0; i < b->vm.ncpus && !r; i++)
		r = vcpu_init(&b->vm.vcpus[i]);
	if (!r && a->its_fd >= 0)
		r = log_failure("resetting the ITS", its_reset(a->its_fd));
	return r ? r : gic_reset(a->gic_fd, &b->m);
}

json_t *arch_hypervisor_json(const struct vcpu *v)
{
	return el2_state_json(v->fd);
}
