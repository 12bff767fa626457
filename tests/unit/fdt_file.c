/* SPDX-License-Identifier: MIT */
/*
 * Trees and overlays that a user gives. Row B1 of the table of hostile inputs;
 * the names of its tests begin with B1.
 */
#include "machine/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"
#include "machine/infile.h"
#include "tests/unit/test.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static struct err err;
static void *fdt;
static size_t size;

static const char *file_of(const void *data, size_t len)
{
	static char path[32];
	int fd = memfd_create("test", 0);

	OK(fd >= 0);
	EQ(write(fd, data, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

/* What dtc makes of @source, with labels. */
static void *compile(const char *source, size_t *len)
{
	void *blob = malloc(FDT_SIZE_MAX);
	char cmd[128];
	FILE *p;

	snprintf(cmd, sizeof(cmd), "dtc -q -@ -O dtb /proc/%d/fd/%d", getpid(),
		 atoi(file_of(source, strlen(source)) +
		      strlen("/proc/self/fd/")));
	p = popen(cmd, "r");
	OK(p);
	*len = fread(blob, 1, FDT_SIZE_MAX, p);
	EQ(pclose(p), 0);
	return blob;
}

static void machine_tree(void)
{
	static const struct machine m = { .cpus = 1,
					  .ram_size = GIB,
					  .gic = GIC_V3 };

	EQ(fdt_build(&m, &fdt, &size), 0);
}

static int overlay_file(void **tree, size_t *len, const char *path,
			struct err *e)
{
	struct infile f;
	int r = infile_open(&f, "--dtb-overlay", path, e);

	if (!r)
		r = fdt_overlay(tree, len, &f, e);
	infile_close(&f);
	return r;
}

static int from_file(const struct machine *m, const char *path, void **tree,
		     size_t *len, struct err *e)
{
	struct infile f;
	int r = infile_open(&f, "--dtb", path, e);

	if (!r)
		r = fdt_from_file(m, &f, tree, len, e);
	infile_close(&f);
	return r;
}

static int overlay(const char *source)
{
	size_t len;
	void *blob = compile(source, &len);
	int ret = overlay_file(&fdt, &size, file_of(blob, len), &err);

	free(blob);
	return ret;
}

static int from_source(const struct machine *m, const char *source)
{
	size_t len;
	void *blob = compile(source, &len);
	int ret = from_file(m, file_of(blob, len), &fdt, &size, &err);

	free(blob);
	return ret;
}

static const void *prop(const char *path, const char *name, int want)
{
	int len;
	const void *v =
		fdt_getprop(fdt, fdt_path_offset(fdt, path), name, &len);

	OK(v);
	EQ(len, want);
	return v;
}

/* --- the user's tree --- */

static const char user_tree[] =
	"/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;"
	"compatible = \"mine\";"
	"memory@0 { device_type = \"memory\"; reg = <0 0x1000>; };"
	"memory@80000000 { device_type = \"memory\"; reg = <1 2>; };"
	"dev@5000 { reg = <0x5000 0x1000>; };"
	"chosen { bootargs = \"theirs\"; linux,initrd-start = <1>;"
	"linux,initrd-end = <2>; }; };";

TEST(a_users_tree_gets_modules_in_cells_of_two_or_in_its_own)
{
	struct machine m = { .ram_size = GIB, .params = "xen's" };

	m.module[MODULE_KERNEL].at = (struct range){ 0x40200000, 0x1234 };
	m.module[MODULE_KERNEL].args = "dom0's";
	m.module[MODULE_RAMDISK].at = (struct range){ 0x40300000, 0x56 };
	EQ(from_source(&m, user_tree), 0);
	MEM_EQ(prop("/chosen/module@40200000", "compatible", 34),
	       "multiboot,kernel\0multiboot,module", 34);
	MEM_EQ(prop("/chosen/module@40200000", "reg", 16),
	       "\0\0\0\0\x40\x20\0\0\0\0\0\0\0\0\x12\x34", 16);
	STR_EQ(prop("/chosen/module@40200000", "bootargs", 7), "dom0's");
	MEM_EQ(prop("/chosen/module@40300000", "compatible", 35),
	       "multiboot,ramdisk\0multiboot,module", 35);
	STR_EQ(prop("/chosen", "xen,xen-bootargs", 6), "xen's");
	STR_EQ(prop("/chosen", "bootargs", 7), "theirs");
	free(fdt);

	EQ(from_source(&m, "/dts-v1/; / { #address-cells = <2>; "
			   "#size-cells = <2>; chosen { "
			   "#address-cells = <1>; #size-cells = <1>; }; };"),
	   0);
	MEM_EQ(prop("/chosen/module@40200000", "reg", 8),
	       "\x40\x20\0\0\0\0\x12\x34", 8);
	free(fdt);
}

TEST(a_users_tree_gets_guests_that_the_hypervisor_starts_itself)
{
	const struct domain_config d[] = {
		{ .name = "a", .memory = 64 * MIB, .cpus = 2 },
		{ .name = "b", .memory = 128 * MIB, .cpus = 1 },
	};
	struct machine m = {
		.ram_size = GIB, .params = "xen's", .domains = d, .ndomains = 2
	};

	m.module[MODULE_KINDS + MODULE_KERNEL].at =
		(struct range){ 0x40200000, 0x1234 };
	m.module[MODULE_KINDS + MODULE_KERNEL].args = "a's";
	m.module[MODULE_KINDS + MODULE_RAMDISK].at =
		(struct range){ 0x40300000, 0x56 };
	m.module[2 * MODULE_KINDS + MODULE_KERNEL].at =
		(struct range){ 0x40400000, 0x78 };
	m.module[2 * MODULE_KINDS + MODULE_TREE].at =
		(struct range){ 0x40500000, 0x9a };
	EQ(from_source(&m, user_tree), 0);
	STR_EQ(prop("/chosen/a", "compatible", 11), "xen,domain");
	/* booting.txt: KiB, in 64 bits */
	MEM_EQ(prop("/chosen/a", "memory", 8), "\0\0\0\0\0\1\0\0", 8);
	MEM_EQ(prop("/chosen/a", "cpus", 4), "\0\0\0\2", 4);
	prop("/chosen/a", "vpl011", 0);
	STR_EQ(prop("/chosen/a/module@40200000", "bootargs", 4), "a's");
	MEM_EQ(prop("/chosen/a/module@40200000", "reg", 16),
	       "\0\0\0\0\x40\x20\0\0\0\0\0\0\0\0\x12\x34", 16);
	MEM_EQ(prop("/chosen/a/module@40300000", "compatible", 35),
	       "multiboot,ramdisk\0multiboot,module", 35);
	MEM_EQ(prop("/chosen/b", "memory", 8), "\0\0\0\0\0\2\0\0", 8);
	MEM_EQ(prop("/chosen/b/module@40500000", "compatible", 39),
	       "multiboot,device-tree\0multiboot,module", 39);
	STR_EQ(prop("/chosen", "xen,xen-bootargs", 6), "xen's");
	free(fdt);
}

TEST(a_users_tree_gets_our_memory_and_keeps_the_rest)
{
	const struct machine m = { .ram_size = GIB };

	EQ(from_source(&m, user_tree), 0);
	EQ(size, fdt_totalsize(fdt));
	MEM_EQ(prop("/memory@40000000", "reg", 8), "\x40\0\0\0\x40\0\0\0", 8);
	EQ(fdt_path_offset(fdt, "/memory@0"), -FDT_ERR_NOTFOUND);
	EQ(fdt_path_offset(fdt, "/memory@80000000"), -FDT_ERR_NOTFOUND);
	STR_EQ(prop("/", "compatible", 5), "mine");
	STR_EQ(prop("/chosen", "bootargs", 7), "theirs");
	prop("/dev@5000", "reg", 8);
	prop("/chosen", "kaslr-seed", 8);
	prop("/chosen", "rng-seed", 64);
	OK(!fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"),
			"linux,initrd-start", NULL));
}

TEST(a_users_tree_gets_our_parameters_and_initrd)
{
	const struct machine m = { .ram_size = GIB,
				   .params = "ours",
				   .initrd = { 0x41000000, 0x100 } };

	EQ(from_source(&m, user_tree), 0);
	STR_EQ(prop("/chosen", "bootargs", 5), "ours");
	MEM_EQ(prop("/chosen", "linux,initrd-start", 8), "\0\0\0\0\x41\0\0\0",
	       8);
	MEM_EQ(prop("/chosen", "linux,initrd-end", 8), "\0\0\0\0\x41\0\1\0", 8);
}

TEST(a_tree_without_chosen_and_memory_gets_both)
{
	const struct machine m = { .ram_size = 8 * GIB };

	EQ(from_source(&m, "/dts-v1/; / { #address-cells = <2>;"
			   "#size-cells = <2>; };"),
	   0);
	MEM_EQ(prop("/memory@40000000", "reg", 16),
	       "\0\0\0\0\x40\0\0\0\0\0\0\2\0\0\0\0", 16);
	prop("/chosen", "kaslr-seed", 8);
}

TEST(a_tree_whose_cells_cannot_hold_our_memory_is_refused)
{
	const struct machine m = { .ram_size = 8 * GIB };

	EQ(from_source(&m, user_tree), -EINVAL);
	HAS(err.text, "check its root node");
	EQ(from_source(&m, "/dts-v1/; / { #address-cells = <9>; };"), -EINVAL);
}

TEST(B1_what_is_no_tree_is_refused)
{
	const struct machine m = { .ram_size = GIB };
	uint8_t *big = test_room(FDT_SIZE_MAX + 1);
	size_t len;
	uint8_t *blob = compile(user_tree, &len);

	EQ(from_file(&m, "/", &fdt, &size, &err), -EINVAL);
	STR_EQ(err.text, "--dtb /: is a directory; give a regular file");
	EQ(from_file(&m, file_of("", 0), &fdt, &size, &err), -ENODATA);
	EQ(from_file(&m, file_of(user_tree, sizeof(user_tree)), &fdt, &size,
		     &err),
	   -EINVAL);
	HAS(err.text, "is device tree source; compile it");
	EQ(from_file(&m, file_of(big, 4096), &fdt, &size, &err), -EINVAL);
	HAS(err.text, "is no device tree");
	EQ(from_file(&m, file_of(big, FDT_SIZE_MAX + 1), &fdt, &size, &err),
	   -EFBIG);
	HAS(err.text, "no more than 2 MiB");
	EQ(from_file(&m, file_of(blob, len - 1), &fdt, &size, &err), -EINVAL);
	HAS(err.text, "is truncated");
	EQ(from_file(&m, file_of(blob, 7), &fdt, &size, &err), -EINVAL);
	memset(blob + fdt_off_dt_struct(blob) + 16, 0xff, 64);
	EQ(from_file(&m, file_of(blob, len), &fdt, &size, &err), -EINVAL);
	HAS(err.text, "is a damaged device tree");
	free(blob);
}

/* An overlay of @depth nodes in each other. */
static size_t deep_overlay(uint8_t *buf, size_t room, int depth)
{
	int i;

	EQ(fdt_create(buf, room), 0);
	EQ(fdt_finish_reservemap(buf), 0);
	EQ(fdt_begin_node(buf, ""), 0);
	EQ(fdt_begin_node(buf, "fragment@0"), 0);
	EQ(fdt_property_string(buf, "target-path", "/"), 0);
	EQ(fdt_begin_node(buf, "__overlay__"), 0);
	for (i = 2; i < depth; i++)
		EQ(fdt_begin_node(buf, "n"), 0);
	for (i = -1; i < depth; i++)
		EQ(fdt_end_node(buf), 0);
	EQ(fdt_finish(buf), 0);
	return fdt_totalsize(buf);
}

TEST(B1_a_tree_too_deep_for_recursion_is_refused)
{
	const struct machine m = { .ram_size = GIB };
	uint8_t *buf = test_room(FDT_SIZE_MAX);
	size_t len = deep_overlay(buf, FDT_SIZE_MAX, 100000);

	machine_tree();
	EQ(overlay_file(&fdt, &size, file_of(buf, len), &err), -EINVAL);
	HAS(err.text, "more than 64 deep");
	free(fdt);
	EQ(from_file(&m, file_of(buf, len), &fdt, &size, &err), -EINVAL);
	machine_tree();
	len = deep_overlay(buf, FDT_SIZE_MAX, FDT_DEPTH_MAX);
	EQ(overlay_file(&fdt, &size, file_of(buf, len), &err), 0);
	len = deep_overlay(buf, FDT_SIZE_MAX, FDT_DEPTH_MAX + 1);
	EQ(overlay_file(&fdt, &size, file_of(buf, len), &err), -EINVAL);
}

/* --- overlays --- */

TEST(an_overlay_applies_by_label_and_by_path)
{
	const size_t before = (machine_tree(), size);

	EQ(overlay("/dts-v1/; /plugin/; &uart0 { status = \"disabled\"; };"
		   "&{/psci} { extra = <&gic>; };"),
	   0);
	STR_EQ(prop("/pl011@9000000", "status", 9), "disabled");
	MEM_EQ(prop("/psci", "extra", 4), prop("/intc@8000000", "phandle", 4),
	       4);
	OK(size > before);
	EQ(size, fdt_totalsize(fdt));
	EQ(fdt_check_full(fdt, size), 0);
}

TEST(overlays_add_up)
{
	machine_tree();
	EQ(overlay("/dts-v1/; /plugin/; &{/} { mine: mine { }; };"), 0);
	EQ(overlay("/dts-v1/; /plugin/; &mine { x = <1>; };"), 0);
	prop("/mine", "x", 4);
}

TEST(an_overlay_that_fails_leaves_the_tree_alone)
{
	const size_t before = (machine_tree(), size);
	void *copy = malloc(before), *at = fdt;

	memcpy(copy, fdt, before);
	EQ(overlay("/dts-v1/; /plugin/; &{/psci} { a = <1>; };"
		   "&nowhere { b = <1>; };"),
	   -EINVAL);
	HAS(err.text, "--dtb-overlay /proc/self/fd/");
	HAS(err.text, "refers to a label or path that the tree does not have");
	OK(fdt == at && size == before);
	MEM_EQ(fdt, copy, before);
	EQ(overlay("/dts-v1/; /plugin/; &{/nowhere} { b = <1>; };"), -EINVAL);
	HAS(err.text, "refers to a label or path");
	free(copy);
}

TEST(an_overlay_by_label_on_a_tree_without_labels_is_explained)
{
	machine_tree();
	EQ(fdt_del_node(fdt, fdt_path_offset(fdt, "/__symbols__")), 0);
	EQ(overlay("/dts-v1/; /plugin/; &uart0 { b = <1>; };"), -EINVAL);
	HAS(err.text, "the tree has no labels");
}

TEST(B1_what_is_no_overlay_is_refused)
{
	machine_tree();
	EQ(overlay("/dts-v1/; / { compatible = \"a tree\"; };"), -EINVAL);
	HAS(err.text, "is no overlay");
	EQ(overlay_file(&fdt, &size, file_of("junkjunkjunk", 12), &err),
	   -EINVAL);
	HAS(err.text, "--dtb-overlay");
	EQ(overlay_file(&fdt, &size, "/dev/null", &err), -EINVAL);
	HAS(err.text, "is a character device");
}

/* An overlay whose fixup of /fragment@0/__overlay__ x is at @local, @fixup. */
static size_t fixup_overlay(uint8_t *buf, size_t room, uint32_t local,
			    const char *fixup)
{
	EQ(fdt_create(buf, room), 0);
	EQ(fdt_finish_reservemap(buf), 0);
	EQ(fdt_begin_node(buf, ""), 0);
	EQ(fdt_begin_node(buf, "fragment@0"), 0);
	EQ(fdt_property_string(buf, "target-path", "/"), 0);
	EQ(fdt_begin_node(buf, "__overlay__"), 0);
	EQ(fdt_property_u64(buf, "x", 0), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_begin_node(buf, "__fixups__"), 0);
	EQ(fdt_property_string(buf, "gic", fixup), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_begin_node(buf, "__local_fixups__"), 0);
	EQ(fdt_begin_node(buf, "fragment@0"), 0);
	EQ(fdt_begin_node(buf, "__overlay__"), 0);
	EQ(fdt_property_u32(buf, "x", local), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_end_node(buf), 0);
	EQ(fdt_finish(buf), 0);
	return fdt_totalsize(buf);
}

TEST(B1_an_overlay_whose_fixups_point_outside_is_refused)
{
	static const struct {
		uint32_t local;
		const char *fixup;
	} row[] = {
		{ 5, "/fragment@0/__overlay__:x:4" },
		{ UINT32_MAX - 2, "/fragment@0/__overlay__:x:4" },
		{ 0, "/fragment@0/__overlay__:x:4294967293" },
		{ 0, "/fragment@0/__overlay__:x:-3" },
		{ 0, "/fragment@0" },
	};
	uint8_t buf[1024];
	size_t len;
	unsigned i;

	machine_tree();
	len = fixup_overlay(buf, sizeof(buf), 0, "/fragment@0/__overlay__:x:4");
	EQ(overlay_file(&fdt, &size, file_of(buf, len), &err), 0);
	MEM_EQ((uint8_t *)prop("/", "x", 8) + 4, "\0\0\0\1", 4);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		len = fixup_overlay(buf, sizeof(buf), row[i].local,
				    row[i].fixup);
		EQ(overlay_file(&fdt, &size, file_of(buf, len), &err), -EINVAL);
		HAS(err.text, "fixups point nowhere");
	}
}

/* Such one has no names of properties where libfdt looks for them. */
TEST(B1_a_tree_of_a_version_before_16_is_refused)
{
	const struct machine m = { .ram_size = GIB };
	size_t len;
	uint8_t *blob = compile(user_tree, &len);
	unsigned v;

	for (v = 0; v < 16; v++) {
		fdt_set_version(blob, v);
		fdt_set_last_comp_version(blob, v);
		EQ(from_file(&m, file_of(blob, len), &fdt, &size, &err),
		   -EINVAL);
		HAS(err.text, "is a device tree of version ");
		machine_tree();
		EQ(overlay_file(&fdt, &size, file_of(blob, len), &err),
		   -EINVAL);
		HAS(err.text, "is a device tree of version ");
		free(fdt);
	}
	fdt_set_version(blob, 17);
	fdt_set_last_comp_version(blob, 16);
	EQ(from_file(&m, file_of(blob, len), &fdt, &size, &err), 0);
	free(fdt);
	free(blob);
}
