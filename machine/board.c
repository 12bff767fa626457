/* SPDX-License-Identifier: MIT */
#include "machine/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "machine/board_impl.h"
#include "arm64/cpu.h"
#include "arm64/fdt.h"
#include "arm64/gic.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/ram.h"
#include "nested/el2.h"

#define MIB (1ull << 20)

static int complain(const char *what, int r)
{
	if (r < 0)
		log_warnx("%s: %s", what, strerror(-r));
	return r < 0 ? r : 0;
}

static int check_extension(struct board *b, unsigned cap)
{
	return kvm_ioctl(b->vm.kvm_fd, KVM_CHECK_EXTENSION, cap);
}

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & -align;
}

/* The first address behind everything that the map places. */
static uint64_t map_end(struct machine *m)
{
	uint64_t end = MAP_RAM_BASE + m->ram_size;

	if (m->has_pci) {
		m->pci_high = (struct range){
			.base = round_up(
				end > MAP_PCI_HIGH_MIN ? end : MAP_PCI_HIGH_MIN,
				MAP_PCI_HIGH_SIZE),
			.size = MAP_PCI_HIGH_SIZE,
		};
		end = m->pci_high.base + m->pci_high.size;
	}
	if (m->cpus > MAP_GICR_CPUS) {
		uint64_t size = (m->cpus - MAP_GICR_CPUS) * MAP_GICR_STRIDE;

		m->gicr2.base = end > MAP_HIGH_GICR_BASE
					? round_up(end, 64 * MIB)
					: MAP_HIGH_GICR_BASE;
		m->gicr2.size = size;
		end = m->gicr2.base + size;
	}
	return end;
}

/* As few bits of guest physical address as do: fewer levels of stage 2. */
static int pick_ipa_bits(struct board *b, struct err *e)
{
	int limit = check_extension(b, KVM_CAP_ARM_VM_IPA_SIZE);
	int need = 64 - __builtin_clzll(map_end(&b->m) - 1);

	if (limit <= 0)
		limit = 40;
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

static int check_cpus(struct board *b, struct err *e)
{
	int max = check_extension(b, KVM_CAP_MAX_VCPUS);

	if (max > 0 && b->m.cpus > (unsigned)max)
		return err_set(e, -EINVAL,
			       "--cpus %u: KVM here offers %d vCPUs; give "
			       "--cpus %d or fewer",
			       b->m.cpus, max, max);
	return 0;
}

static int open_kvm(struct board *b)
{
	int r = kvm_open();

	if (r == -ENOENT)
		log_warnx("/dev/kvm is not there: the kernel has no KVM, or "
			  "the CPU's EL2 is not available; see `nestor caps`");
	else if (r == -EACCES)
		log_warnx("/dev/kvm: permission denied; join the group that "
			  "owns it, often kvm");
	else
		complain("/dev/kvm", r);
	b->vm.kvm_fd = r;
	if (r < 0)
		return r;
	r = kvm_ioctl(b->vm.kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	b->model.run_size = r;
	return complain("KVM_GET_VCPU_MMAP_SIZE", r);
}

static void enable(struct board *b, unsigned cap)
{
	struct kvm_enable_cap c = { .cap = cap };

	/* Older kernels lack some, and the VM does without. */
	if (kvm_ioctlp(b->vm.fd, KVM_ENABLE_CAP, &c) < 0)
		log_debug("KVM lacks capability %u", cap);
}

static int create_vm(struct board *b, int bits)
{
	struct kvm_vcpu_init init;
	int r;

	r = kvm_ioctl(b->vm.kvm_fd, KVM_CREATE_VM,
		      KVM_VM_TYPE_ARM_IPA_SIZE(bits));
	b->vm.fd = r;
	if (r < 0)
		return complain("KVM_CREATE_VM", r);
	r = kvm_ioctlp(b->vm.fd, KVM_ARM_PREFERRED_TARGET, &init);
	b->model.target = init.target;
	if (r < 0)
		return complain("KVM_ARM_PREFERRED_TARGET", r);
	enable(b, KVM_CAP_ARM_NISV_TO_USER);
	enable(b, KVM_CAP_ARM_SYSTEM_SUSPEND);
	return 0;
}

int board_add_slot(struct board *b, unsigned slot, gpa_t gpa, uint64_t size,
		   void *hva, bool readonly)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return complain("KVM_SET_USER_MEMORY_REGION",
			kvm_ioctlp(b->vm.fd, KVM_SET_USER_MEMORY_REGION, &r));
}

/* A slot of KVM's has fewer than 2^31 pages, which may be of 4 KiB. */
#define RAM_SLOT_SIZE (4ull << 40)

static int add_ram_slots(struct board *b)
{
	uint64_t off, size;
	unsigned slot = SLOT_RAM;
	int r = 0;

	for (off = 0; off < b->m.ram_size && !r; off += size) {
		size = b->m.ram_size - off;
		if (size > RAM_SLOT_SIZE)
			size = RAM_SLOT_SIZE;
		r = board_add_slot(b, slot++, MAP_RAM_BASE + off, size,
				   b->vm.mem.bank[0].hva + off, false);
	}
	return r;
}

static int create_ram(struct board *b, struct err *e)
{
	uint8_t *hva;
	int r = ram_new(b->m.ram_size, b->cfg->hugepages, &hva,
			b->cfg->nshares ? &b->ram_fd : NULL, e);

	if (r < 0)
		return r;
	return gmem_add(&b->vm.mem, MAP_RAM_BASE, b->m.ram_size, hva);
}

/* All of them, before the GIC; then features, which the GIC's set-up reads. */
static int create_vcpus(struct board *b)
{
	unsigned i;
	int r = 0;

	b->vm.vcpus = calloc(b->m.cpus, sizeof(*b->vm.vcpus));
	if (!b->vm.vcpus)
		return -ENOMEM;
	for (i = 0; i < b->m.cpus && !r; i++) {
		b->vm.vcpus[i] = (struct vcpu){ .vm = &b->vm, .index = i };
		r = vcpu_create(&b->vm.vcpus[i]);
		b->vm.ncpus += !r;
	}
	return r;
}

/* What the CPUs show must be settled before the first of them has run. */
static int init_vcpus(struct board *b, struct err *e)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < b->vm.ncpus && !r; i++) {
		r = vcpu_init(&b->vm.vcpus[i]);
		if (!r)
			r = vcpu_finalize(&b->vm.vcpus[i]);
	}
	if (!r && b->cpu)
		r = cpu_template_apply(b->cpu, &b->vm, e);
	if (!r && b->model.nested && b->cfg->nested_depth == 1)
		r = complain("hiding nested virtualization",
			     nested_stop_recursion(b->vm.vcpus[0].fd));
	if (!r && b->cpu)
		r = cpu_template_check(b->cpu, &b->vm, e);
	return r;
}

static int init_pmus(struct board *b)
{
	unsigned i;
	int r = 0;

	for (i = 0; b->model.pmu && i < b->vm.ncpus && !r; i++)
		r = vcpu_init_pmu(&b->vm.vcpus[i]);
	return r;
}

/* Stolen time: 64 bytes a vCPU, in memory of their own. */
static int init_pvtime(struct board *b)
{
	uint8_t *hva;
	unsigned i;
	int r;

	if (check_extension(b, KVM_CAP_STEAL_TIME) <= 0)
		return 0;
	hva = mmap(NULL, MAP_PVTIME_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (hva == MAP_FAILED)
		return complain("memory for stolen time", -errno);
	r = board_add_slot(b, SLOT_PVTIME, MAP_PVTIME_BASE, MAP_PVTIME_SIZE,
			   hva, false);
	for (i = 0; i < b->vm.ncpus && !r; i++)
		r = complain("setting up stolen time",
			     vcpu_init_pvtime(&b->vm.vcpus[i],
					      MAP_PVTIME_BASE + 64 * i));
	return r;
}

int board_fdt(struct board *b, void **fdt, size_t *size, struct err *e)
{
	unsigned i;
	int r;

	b->m.initrd = b->boot.initrd;
	for (i = 0; i < MODULE_KINDS; i++) {
		b->m.module[i].at = b->boot.module[i];
		b->m.module[i].args = b->cfg->modules[i].args;
	}
	if (getrandom(&b->m.kaslr_seed, sizeof(b->m.kaslr_seed), 0) < 0 ||
	    getrandom(b->m.rng_seed, sizeof(b->m.rng_seed), 0) < 0)
		return complain("getrandom", -errno);
	if (b->cfg->dtb)
		r = fdt_from_file(&b->m, b->cfg->dtb, fdt, size, e);
	else
		r = complain("building the FDT", fdt_build(&b->m, fdt, size));
	for (i = 0; i < b->cfg->overlays.n && !r; i++) {
		r = fdt_overlay(fdt, size, b->cfg->overlays.s[i], e);
		if (r < 0)
			free(*fdt);
	}
	return r;
}

static int load_images(struct board *b, struct err *e)
{
	int r;

	/* It asks for a kernel itself; the tree lies at the start of RAM. */
	if (b->cfg->firmware) {
		b->boot = (struct boot){
			.entry = MAP_FLASH_BASE,
			.kind = BOOT_ELF,
			.kernel.base = MAP_RAM_BASE + b->m.ram_size,
		};
		return 0;
	}
	r = image_load_kernel(&b->vm.mem, &b->m, b->cfg->kernel, &b->boot, e);

	return r < 0 ? r
		     : image_load_files(&b->vm.mem, &b->m, b->cfg, &b->boot, e);
}

static int load_fdt(struct board *b, struct err *e)
{
	size_t size;
	void *fdt;
	int r = board_fdt(b, &fdt, &size, e);

	if (r < 0)
		return r;
	r = image_place_fdt(&b->m, size, &b->boot, e);
	if (!r)
		r = gmem_write(&b->vm.mem, b->boot.fdt.base, fdt, size);
	free(fdt);
	if (!r)
		r = vcpu_set_entry(&b->vm.vcpus[0], b->boot.entry,
				   b->boot.fdt.base);
	return r;
}

/* Who takes messages, and the way there. */
static int create_msi(struct board *b)
{
	b->m.msi = b->m.gic == GIC_V2 ? MSI_V2M : MSI_ITS;
	if (b->m.gic == GIC_V3 && b->m.has_pci) {
		b->its_fd = its_create(&b->vm);
		if (b->its_fd < 0) {
			log_debug("no ITS: %s", strerror(-b->its_fd));
			b->m.msi = MSI_NONE;
		}
	}
	b->m.has_pci = board_wants_pci(b);
	b->router = msi_router_new(&b->vm, &b->m);
	return b->router ? 0 : complain("interrupt routes", -errno);
}

static int choose_nested(struct board *b, struct err *e)
{
	int r = nested_choose(b->cfg, b->vm.kvm_fd, &b->model.nested, e);

	b->m.el2 = b->model.nested != NESTED_OFF;
	b->m.vhe = b->model.nested == NESTED_VHE;
	return r;
}

static int check_aarch32(struct board *b, struct err *e)
{
	if (b->m.aarch32 && check_extension(b, KVM_CAP_ARM_EL1_32BIT) <= 0)
		return err_set(e, -ENOTSUP,
			       "--aarch32: this host's processors run kernels "
			       "in AArch64 only; give a 64-bit kernel without "
			       "--aarch32, or use a host such as Cortex-A53, "
			       "A57 or A72");
	return 0;
}

/* The model, as the host has it and the user wants it. */
static int settle_model(struct board *b, struct err *e)
{
	int r = 0;

	vcpu_model_probe(b->vm.kvm_fd, &b->model);
	if (b->cpu) {
		cpu_template_model(b->cpu, &b->model);
		r = cpu_template_enable(b->cpu, &b->vm, e);
	}
	b->m.pmu = b->model.pmu;
	return r;
}

static int load_cpu(struct board *b, struct err *e)
{
	const char *cpu = b->cfg->cpu;

	return cpu && strcmp(cpu, "host") ? cpu_template_load(cpu, &b->cpu, e)
					  : 0;
}

static int build(struct board *b, struct err *e)
{
	int r, bits;

	if ((r = open_kvm(b)) < 0 || (r = check_cpus(b, e)) < 0 ||
	    (r = check_aarch32(b, e)) < 0 || (r = load_cpu(b, e)) < 0 ||
	    (r = choose_nested(b, e)) < 0 ||
	    (r = bits = pick_ipa_bits(b, e)) < 0 ||
	    (r = create_ram(b, e)) < 0 || (r = load_images(b, e)) < 0 ||
	    (r = create_vm(b, bits)) < 0)
		return r;
	if ((r = settle_model(b, e)) < 0 || (r = add_ram_slots(b)) < 0 ||
	    (r = create_vcpus(b)) < 0)
		return r;
	r = b->gic_fd = gic_create(&b->vm, &b->m, e);
	if (r < 0 || (r = init_vcpus(b, e)) < 0 ||
	    (r = gic_init(b->gic_fd)) < 0 || (r = create_msi(b)) < 0 ||
	    (r = init_pmus(b)) < 0 || (r = init_pvtime(b)) < 0 ||
	    (r = board_add_devices(b, e)) < 0 ||
	    (b->cfg->detect_halt && (r = board_open_halt(b)) < 0))
		return r;
	return load_fdt(b, e);
}

int board_new(const struct config *cfg, const struct board_host *host,
	      struct board **out, struct err *e)
{
	struct board *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->cfg = cfg;
	b->host = *host;
	b->gic_fd = b->its_fd = b->ram_fd = -1;
	b->vm.kvm_fd = b->vm.fd = -1;
	vm_init(&b->vm, host->loop);
	b->vm.arch = &b->model;
	b->vm.on_event = host->on_event;
	b->vm.on_event_ctx = host->ctx;
	b->model.aarch32 = b->m.aarch32 = cfg->aarch32;
	b->model.pmu = cfg->pmu;
	b->model.sve = cfg->sve;
	b->model.pauth = cfg->pauth;
	b->m.cpus = cfg->cpus;
	b->m.ram_size = cfg->memory;
	b->m.params = cfg->params;
	/* Until it turns out that nobody takes messages. */
	b->m.msi = MSI_ITS;
	b->m.has_pci = board_wants_pci(b);
	r = build(b, e);
	if (r < 0) {
		board_free(b);
		return r;
	}
	*out = b;
	return 0;
}

void board_free(struct board *b)
{
	unsigned i;

	if (b->vm.nthreads)
		vm_quit(&b->vm);
	board_close_halt(b);
	bus_free(&b->vm.bus);
	board_free_devices(b);
	msi_router_free(b->router);
	for (i = 0; i < b->vm.ncpus; i++)
		close(b->vm.vcpus[i].fd);
	free(b->vm.vcpus);
	cpu_template_free(b->cpu);
	if (b->its_fd >= 0)
		close(b->its_fd);
	if (b->gic_fd >= 0)
		close(b->gic_fd);
	if (b->ram_fd >= 0)
		close(b->ram_fd);
	if (b->vm.fd >= 0)
		close(b->vm.fd);
	if (b->vm.kvm_fd >= 0)
		close(b->vm.kvm_fd);
	free(b);
}

int board_run(struct board *b)
{
	int r = complain("starting the vCPUs", vm_start(&b->vm));

	if (r)
		return r;
	if (!b->paused)
		vm_resume(&b->vm);
	board_watch_for_halt(b);
	return 0;
}

void board_pause(struct board *b)
{
	b->paused = true;
	vm_pause(&b->vm);
}

void board_resume(struct board *b)
{
	b->paused = false;
	vm_resume(&b->vm);
}

int board_reset(struct board *b)
{
	struct err e = { "" };
	unsigned i;
	int r = 0;

	vm_pause(&b->vm);
	bus_reset(&b->vm.bus);
	for (i = 0; i < b->vm.ncpus && !r; i++)
		r = vcpu_init(&b->vm.vcpus[i]);
	if (!r && b->its_fd >= 0)
		r = complain("resetting the ITS", its_reset(b->its_fd));
	if (!r)
		r = gic_reset(b->gic_fd, &b->m);
	if (!r)
		r = load_images(b, &e);
	if (!r)
		r = load_fdt(b, &e);
	if (e.text[0])
		log_warnx("cannot boot again: %s", e.text);
	if (r)
		return r;
	if (!b->paused)
		vm_resume(&b->vm);
	board_watch_for_halt(b);
	return 0;
}
