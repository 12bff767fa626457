/* SPDX-License-Identifier: MIT */
/*
 * The machine's device tree, as a table of machines and what dtc makes of
 * each: tests/unit/golden/NAME.dts. After a wanted change, run once with
 * NESTOR_GOLDEN=1 in the environment, which writes these anew, and look at the
 * difference.
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arm64/map.h"
#include "core/log.h"
#include "tests/unit/test.h"

#define GIB ((uint64_t)1 << 30)

/* --- goldens --- */

/* The plain machine that each test varies. */
static struct machine plain(void)
{
	return (struct machine){
		.cpus = 1,
		.ram_size = GIB,
		.gic = GIC_V3,
		.kaslr_seed = 0x0123456789abcdef,
	};
}

/* A file without a name, by a path that a child can use, too. */
static void scratch(char path[static 32])
{
	int fd = memfd_create("test", 0);

	OK(fd >= 0);
	snprintf(path, 32, "/proc/%d/fd/%d", getpid(), fd);
}

/* It must say nothing. */
static void dtc(const char *how, const char *in, const char *out)
{
	char cmd[256], said[512] = "";
	FILE *p;

	snprintf(cmd, sizeof(cmd), "dtc %s -o %s %s 2>&1", how, out, in);
	p = popen(cmd, "r");
	OK(p);
	said[fread(said, 1, sizeof(said) - 1, p)] = '\0';
	STR_EQ(said, "");
	EQ(pclose(p), 0);
}

static void save(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	OK(f);
	EQ(fwrite(data, 1, len, f), len);
	EQ(fclose(f), 0);
}

static void *slurp(const char *path, size_t *len)
{
	FILE *f = fopen(path, "r");
	char *buf = calloc(1, 1 << 20);

	OK(f);
	*len = fread(buf, 1, 1 << 20, f);
	fclose(f);
	return buf;
}

/* The first difference between two trees fails, by its path. */
static void same_tree(const void *a, int na, const void *b, int nb)
{
	char path[256];
	int pa, pb, len_a, len_b;

	EQ(fdt_get_path(a, na, path, sizeof(path)), 0);
	STR_EQ(fdt_get_name(a, na, NULL), fdt_get_name(b, nb, NULL));
	pa = fdt_first_property_offset(a, na);
	pb = fdt_first_property_offset(b, nb);
	while (pa >= 0 && pb >= 0) {
		const char *name_a, *name_b;
		const void *va = fdt_getprop_by_offset(a, pa, &name_a, &len_a);
		const void *vb = fdt_getprop_by_offset(b, pb, &name_b, &len_b);

		if (strcmp(name_a, name_b))
			FAIL("%s has %s, not %s", path, name_a, name_b);
		if (len_a != len_b || memcmp(va, vb, len_a))
			FAIL("%s: %s differs", path, name_a);
		pa = fdt_next_property_offset(a, pa);
		pb = fdt_next_property_offset(b, pb);
	}
	if (pa >= 0 || pb >= 0)
		FAIL("%s: one has more properties", path);
	na = fdt_first_subnode(a, na);
	nb = fdt_first_subnode(b, nb);
	while (na >= 0 && nb >= 0) {
		same_tree(a, na, b, nb);
		na = fdt_next_subnode(a, na);
		nb = fdt_next_subnode(b, nb);
	}
	if (na >= 0 || nb >= 0)
		FAIL("%s: one has more nodes", path);
}

/* dtc accepts the tree without a word, and it is the golden one. */
static void golden(const struct machine *m, const char *name)
{
	char dts[64], tmp[32], tmp2[32];
	void *fdt, *want;
	size_t size, len;

	scratch(tmp);
	scratch(tmp2);
	snprintf(dts, sizeof(dts), "tests/unit/golden/%s.dts", name);
	EQ(fdt_build(m, &fdt, &size), 0);
	EQ(size, fdt_totalsize(fdt));
	EQ(fdt_check_full(fdt, size), 0);
	save(tmp, fdt, size);
	dtc("-I dtb -O dts", tmp, getenv("NESTOR_GOLDEN") ? dts : tmp2);
	/* Quietly: a decompiled tree has numbers where it had references. */
	dtc("-q -I dts -O dtb", dts, tmp2);
	want = slurp(tmp2, &len);
	same_tree(fdt, 0, want, 0);
	free(want);
	free(fdt);
}

static void add_pci(struct machine *m, enum msi_kind msi)
{
	m->has_pci = true;
	m->msi = msi;
	m->ecam = (struct range){ MAP_ECAM_BASE, MAP_ECAM_SIZE };
	m->pci_high = (struct range){ 0x100000000, 0x80000000 };
}

TEST(one_cpu_and_gicv3_is_the_golden_tree)
{
	struct machine m = plain();

	golden(&m, "plain");
}

TEST(eight_cpus_and_gicv2_with_a_gicv2m_are_the_golden_tree)
{
	struct machine m = plain();

	m.cpus = 8;
	m.gic = GIC_V2;
	m.pmu = true;
	add_pci(&m, MSI_V2M);
	m.pci_high.base = 0x4080000000;
	golden(&m, "gicv2_8");
}

TEST(el2_with_vhe_is_the_golden_tree)
{
	struct machine m = plain();

	m.cpus = 2;
	m.pmu = true;
	m.el2 = true;
	m.vhe = true;
	add_pci(&m, MSI_ITS);
	golden(&m, "el2_vhe");
}

TEST(el2_without_vhe_is_the_golden_tree)
{
	struct machine m = plain();

	m.el2 = true;
	m.pmu = true;
	add_pci(&m, MSI_ITS);
	golden(&m, "el2_nvhe");
}

TEST(pci_with_an_its_is_in_the_golden_tree)
{
	struct machine m = plain();

	m.pmu = true;
	add_pci(&m, MSI_ITS);
	golden(&m, "pci_its");
}

TEST(high_configuration_space_is_in_the_golden_tree)
{
	struct machine m = plain();

	m.pmu = true;
	add_pci(&m, MSI_ITS);
	m.ecam = (struct range){ MAP_HIGH_ECAM_BASE, MAP_HIGH_ECAM_SIZE };
	golden(&m, "ecam_high");
}

TEST(initrd_parameters_and_devices_are_in_the_golden_tree)
{
	struct machine m = plain();

	m.ram_size = 6 * GIB + (3 << 20);
	m.has_virtio_mmio = true;
	m.initrd = (struct range){ 0x42000000, 0x300001 };
	m.params = "console=hvc0 root=/dev/vda ro init=\"/bin/sh -c\"";
	memcpy(m.rng_seed, "\1\2\3\377", 4);
	golden(&m, "loaded");
}

TEST(a_watchdog_is_in_the_golden_tree)
{
	struct machine m = plain();

	m.has_watchdog = true;
	golden(&m, "watchdog");
}

static void add_modules(struct machine *m)
{
	m->module[MODULE_KERNEL].at = (struct range){ 0x40200000, 0x1234567 };
	m->module[MODULE_KERNEL].args = "console=hvc0";
	m->module[MODULE_RAMDISK].at = (struct range){ 0x41440000, 0x10 };
}

TEST(modules_are_in_the_golden_tree_and_the_parameters_the_hypervisors)
{
	struct machine m = plain();

	m.el2 = true;
	m.params = "dom0_mem=512M";
	add_modules(&m);
	golden(&m, "modules");
}

static const struct domain_config four[DOMAINS_MAX] = {
	{ .name = "a", .memory = 64ull << 20, .cpus = 2 },
	{ .name = "name-of-one-and-thirty-letters-", .cpus = 1 },
	{ .name = "c", .cpus = 1 },
	{ .name = "d", .cpus = 1 },
};

/* Each with all that it can have. */
static void add_domains(struct machine *m)
{
	unsigned i;

	m->domains = four;
	m->ndomains = DOMAINS_MAX;
	for (i = MODULE_KINDS; i < MODULES_MAX; i++) {
		m->module[i].at = (struct range){ 0x42000000 + i * 0x10000, 9 };
		m->module[i].args = i % MODULE_KINDS ? NULL : "console=ttyAMA0";
	}
}

TEST(guests_beside_the_first_are_in_the_golden_tree)
{
	struct machine m = plain();

	m.el2 = true;
	m.params = "console=dtuart";
	add_domains(&m);
	golden(&m, "domains");
}

/* --- a large one --- */

/* Cell @i of a property. */
static uint32_t cell(const void *fdt, const char *path, const char *name, int i)
{
	int len;
	const fdt32_t *v =
		fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	OK(v);
	LT(i * 4, len);
	return fdt32_ld(v + i);
}

#define CLUSTER "/cpus/cpu-map/socket0/cluster0"

TEST(two_hundred_cpus_have_two_redistributor_regions)
{
	struct machine m = plain();
	size_t size;
	void *fdt;
	int n = 0, node;

	m.cpus = 200;
	m.has_virtio_mmio = true;
	m.gicr2 = (struct range){ MAP_HIGH_GICR_BASE, 77 * MAP_GICR_STRIDE };
	EQ(fdt_build(&m, &fdt, &size), 0);
	EQ(cell(fdt, "/intc@8000000", "#redistributor-regions", 0), 2);
	EQ(cell(fdt, "/intc@8000000", "reg", 8), 0x40);
	EQ(cell(fdt, "/intc@8000000", "reg", 9), 0);
	EQ(cell(fdt, "/intc@8000000", "reg", 11), 77 * 0x20000);
	EQ(cell(fdt, "/cpus/cpu@c07", "reg", 0), 0xc07);
	fdt_for_each_subnode(node, fdt, fdt_path_offset(fdt, "/cpus")) n++;
	EQ(n, 201); /* and the map of them */
	node = fdt_node_offset_by_phandle(
		fdt, cell(fdt, CLUSTER "/core199", "cpu", 0));
	EQ(node, fdt_path_offset(fdt, "/cpus/cpu@c07"));
	EQ(cell(fdt, "/virtio_mmio@a003e00", "interrupts", 1), 47);
	free(fdt);
}

/* DEN 0022, 5.1: the functions of 32 bits, which are all that it can call. */
TEST(a_guest_of_32_bits_is_told_the_numbers_of_32_bit_functions)
{
	struct machine m = plain();
	size_t size;
	void *fdt;

	m.aarch32 = true;
	EQ(fdt_build(&m, &fdt, &size), 0);
	EQ(cell(fdt, "/psci", "cpu_suspend", 0), 0x84000001);
	EQ(cell(fdt, "/psci", "cpu_off", 0), 0x84000002);
	EQ(cell(fdt, "/psci", "cpu_on", 0), 0x84000003);
	EQ(cell(fdt, "/psci", "migrate", 0), 0x84000005);
	free(fdt);
}

TEST(the_largest_machine_fits_into_its_buffer)
{
	static char params[65536];
	struct machine m = plain();
	size_t size;
	void *fdt;

	memset(params, 'p', sizeof(params) - 1);
	m.cpus = 512;
	m.has_virtio_mmio = true;
	m.pmu = m.el2 = m.vhe = m.has_exits = true;
	m.has_watchdog = true;
	add_pci(&m, MSI_ITS);
	m.params = params;
	m.gicr2 = (struct range){ MAP_HIGH_GICR_BASE, 389 * MAP_GICR_STRIDE };
	m.initrd.size = 1;
	add_modules(&m);
	add_domains(&m);
	m.module[MODULE_KERNEL].args = params;
	m.module[MODULE_RAMDISK].args = params;
	EQ(fdt_build(&m, &fdt, &size), 0);
	EQ(fdt_check_full(fdt, size), 0);
	free(fdt);
}
