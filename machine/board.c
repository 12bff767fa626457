/* SPDX-License-Identifier: MIT */
/*
 * Building the machine, step by step, booting it again at a reset, and taking
 * it apart. What only ARM has is behind the arch_board_*() functions; devices
 * are added by machine/board_devices.c.
 */
#include "machine/board.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "machine/arch.h"
#include "machine/board_impl.h"
#include "machine/fdt.h"
#include "core/kvm.h"
#include "core/log.h"
#include "core/ram.h"
#include "core/util.h"

#define MIB (1ull << 20)

/* @p, or behind *@end, on a multiple of its size. Moves *@end. */
static struct range behind(uint64_t *end, const struct place *p)
{
	const gpa_t from = *end > p->base ? *end : p->base;
	const struct range r = { align_up(from, p->size), p->size };

	*end = r.base + r.size;
	return r;
}

/* The first address behind everything that the map places. */
static uint64_t map_end(struct board *b)
{
	struct machine *m = &b->m;
	uint64_t end = arch_map.ram + m->ram_size;

	if (!m->has_pci)
		return end;
	m->pci_high = behind(&end, &arch_map.pci_high);
	m->ecam = b->cfg->ecam == ECAM_HIGH
			  ? behind(&end, &arch_map.ecam_high)
			  : (struct range){ arch_map.ecam.base,
					    arch_map.ecam.size };
	return end;
}

static int check_cpus(struct board *b, struct err *e)
{
	int max = kvm_cap(b->vm.kvm_fd, KVM_CAP_MAX_VCPUS);

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
		log_failure("/dev/kvm", r);
	b->vm.kvm_fd = r;
	if (r < 0)
		return r;
	r = kvm_ioctl(b->vm.kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	b->run_size = r;
	return log_failure("KVM_GET_VCPU_MMAP_SIZE", r);
}

static int create_vm(struct board *b, int type)
{
	b->vm.fd = kvm_ioctl(b->vm.kvm_fd, KVM_CREATE_VM, type);
	return log_failure("KVM_CREATE_VM", b->vm.fd);
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

	return log_failure(
		"KVM_SET_USER_MEMORY_REGION",
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
		r = board_add_slot(b, slot++, arch_map.ram + off, size,
				   b->vm.mem.bank[0].hva + off, false);
	}
	return r;
}

/*
 * Of RAM that is shared, what a kernel fills as it starts: images come first, and
 * what it has of its own lies at the end.
 */
#define START_SIZE (64ull << 20)

static void make_start_huge(struct board *b, uint8_t *hva)
{
	const uint64_t size = b->m.ram_size & ~((2ull << 20) - 1);

	if (size <= 2 * START_SIZE) {
		ram_make_huge(hva, size);
		return;
	}
	ram_make_huge(hva, START_SIZE);
	ram_make_huge(hva + size - START_SIZE, START_SIZE);
}

static int create_ram(struct board *b, struct err *e)
{
	uint8_t *hva;
	int r = ram_new(b->m.ram_size, b->cfg->hugepages, &hva,
			b->cfg->nshares ? &b->ram_fd : NULL, e);

	if (r < 0)
		return r;
	if (b->ram_fd >= 0 && !b->cfg->hugepages)
		make_start_huge(b, hva);
	return gmem_add(&b->vm.mem, arch_map.ram, b->m.ram_size, hva);
}

static int create_vcpus(struct board *b)
{
	unsigned i;
	int r = 0;

	b->vm.vcpus = calloc(b->m.cpus, sizeof(*b->vm.vcpus));
	if (!b->vm.vcpus)
		return -ENOMEM;
	for (i = 0; i < b->m.cpus && !r; i++) {
		b->vm.vcpus[i] = (struct vcpu){ .vm = &b->vm, .index = i };
		r = vcpu_create(&b->vm.vcpus[i], b->run_size);
		b->vm.ncpus += !r;
	}
	return r;
}

int board_fdt(struct board *b, void **fdt, size_t *size, struct err *e)
{
	unsigned i;
	int r;

	b->m.initrd = b->boot.initrd;
	for (i = 0; i < MODULES_MAX; i++) {
		b->m.module[i].at = b->boot.module[i];
		b->m.module[i].args = boot_module(b->cfg, i).args;
	}
	b->m.domains = b->cfg->domains;
	b->m.ndomains = b->cfg->ndomains;
	if (getrandom(&b->m.kaslr_seed, sizeof(b->m.kaslr_seed), 0) < 0 ||
	    getrandom(b->m.rng_seed, sizeof(b->m.rng_seed), 0) < 0)
		return log_failure("getrandom", -errno);
	if (b->files.dtb.size)
		r = fdt_from_file(&b->m, &b->files.dtb, fdt, size, e);
	else
		r = log_failure("building the FDT",
				fdt_build(&b->m, fdt, size));
	for (i = 0; i < b->files.noverlays && !r; i++) {
		r = fdt_overlay(fdt, size, &b->files.overlay[i], e);
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
			.entry = arch_map.flash.base,
			.kind = BOOT_ELF,
			.kernel.base = arch_map.ram + b->m.ram_size,
		};
		return 0;
	}
	r = image_load_kernel(&b->vm.mem, &b->m, &b->files.kernel, &b->boot, e);

	return r < 0 ? r
		     : image_load_files(&b->vm.mem, &b->m, &b->files, &b->boot,
					e);
}

/*
 * What is to be booted again: the same, or with --reload-on-reset what has the
 * same names now, all of it.
 */
static int reopen_files(struct board *b, struct err *e)
{
	struct boot_files new;
	int r;

	if (!b->cfg->reload_on_reset) {
		boot_files_look(&b->files);
		return 0;
	}
	r = boot_files_open(&new, b->cfg, e);
	if (r < 0)
		return r;
	boot_files_close(&b->files);
	b->files = new;
	return 0;
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
		fdt_set_totalsize(fdt, b->boot.fdt.size);
	/* What lies in its room does not matter. */
	if (!r)
		r = gmem_write(&b->vm.mem, b->boot.fdt.base, fdt, size);
	free(fdt);
	if (!r)
		r = arch_set_entry(&b->vm.vcpus[0], b->boot.entry,
				   b->boot.fdt.base);
	return r;
}

/* Now that it is known who takes messages. */
static int create_router(struct board *b)
{
	b->m.has_pci = board_wants_pci(b);
	b->router = msi_router_new(&b->vm, &b->m);
	return b->router ? 0 : log_failure("interrupt routes", -errno);
}

static int build(struct board *b, struct err *e)
{
	int r, type;

	if ((r = arch_board_new(b)) < 0 || (r = open_kvm(b)) < 0 ||
	    (r = check_cpus(b, e)) < 0 ||
	    (r = boot_files_open(&b->files, b->cfg, e)) < 0 ||
	    (r = type = arch_board_plan(b, map_end(b), e)) < 0 ||
	    (r = create_ram(b, e)) < 0 || (r = load_images(b, e)) < 0 ||
	    (r = create_vm(b, type)) < 0 || (r = arch_board_vm(b, e)) < 0 ||
	    (r = add_ram_slots(b)) < 0 || (r = create_vcpus(b)) < 0 ||
	    (r = arch_board_vcpus(b, e)) < 0 || (r = create_router(b)) < 0 ||
	    (r = board_add_devices(b, e)) < 0 ||
	    (b->cfg->stats && (r = board_open_counts(b, e)) < 0) ||
	    (b->cfg->detect_halt && (r = board_open_halt(b)) < 0))
		return r;
	return load_fdt(b, e);
}

/*
 * A reboot in place: devices, vCPUs and GIC to power-on state, images loaded
 * again. Everything is quiet.
 */
static int start_over(void *board)
{
	struct board *b = board;
	struct err e = { "" };
	int r;

	bus_reset(&b->vm.bus);
	r = arch_board_reset(b);
	if (!r)
		r = reopen_files(b, &e);
	if (!r)
		r = load_images(b, &e);
	if (!r)
		r = load_fdt(b, &e);
	if (e.text[0])
		log_warnx("cannot boot again: %s", e.text);
	if (!r)
		board_watch_for_halt(b);
	return r;
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
	b->ram_fd = -1;
	b->vm.kvm_fd = b->vm.fd = -1;
	vm_init(&b->vm, host->loop);
	b->vm.listener = host->listener;
	b->vm.reset = start_over;
	b->vm.reset_ctx = b;
	b->m.cpus = cfg->cpus;
	b->m.ram_size = cfg->memory;
	b->m.params = cfg->params;
	b->m.flat = cfg->kernel_format == KERNEL_FLAT;
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
	vm_exit(&b->vm);
	msi_router_free(b->router);
	for (i = 0; i < b->vm.ncpus; i++)
		close(b->vm.vcpus[i].fd);
	free(b->vm.vcpus);
	arch_board_free(b);
	boot_files_close(&b->files);
	if (b->ram_fd >= 0)
		close(b->ram_fd);
	if (b->vm.fd >= 0)
		close(b->vm.fd);
	if (b->vm.kvm_fd >= 0)
		close(b->vm.kvm_fd);
	free(b);
}

int board_start(struct board *b)
{
	int r = log_failure("starting the vCPUs", vm_start(&b->vm));

	if (!r && b->cfg->detect_halt)
		vm_watch_sleep(&b->vm);
	return r;
}

void board_go(struct board *b)
{
	vm_go(&b->vm);
	board_watch_for_halt(b);
}

struct vm *board_vm(struct board *b)
{
	return &b->vm;
}
