/* SPDX-License-Identifier: MIT */
/*
 * The board against a scripted KVM: what it asks for, in which order, and what
 * it does when it is refused.
 */
#include "machine/board.h"

#include <errno.h>
#include <libfdt.h>

#include "arm64/gic.h"
#include "core/kvm.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/stats_rig.h"
#include "tests/unit/test.h"

TEST(kvm_is_told_of_the_parts_in_the_order_that_it_needs)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = 2;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	LT(board_rig_at("CREATE_VM"),
	   board_rig_at("SET_USER_MEMORY_REGION 0x40000000"));
	LT(board_rig_at("SET_USER_MEMORY_REGION 0x40000000"),
	   board_rig_at("CREATE_VCPU 0 "));
	LT(board_rig_at("CREATE_VCPU 0x1"), board_rig_at("CREATE_DEVICE"));
	LT(board_rig_at("CREATE_DEVICE"), board_rig_at("ARM_VCPU_INIT"));
	LT(board_rig_at("ARM_VCPU_INIT"), board_rig_at("ARM_VCPU_FINALIZE"));
	/* Group 4 attribute 0: the GIC's CTRL_INIT, before the PMU's. */
	LT(board_rig_at("ARM_VCPU_FINALIZE"),
	   board_rig_at("SET_DEVICE_ATTR 0x4 0"));
	LT(board_rig_at("SET_DEVICE_ATTR 0x4 0"),
	   board_rig_at("SET_DEVICE_ATTR 0 0x1"));
	/* The entry point comes last. */
	LT(board_rig_at("SET_DEVICE_ATTR 0 0x1"), board_rig_at("SET_ONE_REG"));
	EQ(fake_kvm_count(KVM_ARM_VCPU_INIT), 2);
	board_rig_unmake(b);
}

TEST(only_the_boot_cpu_starts_powered_on)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i, n = 0;

	c.cpus = 3;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_ARM_VCPU_INIT)
			EQ(fake_calls[i].a >> KVM_ARM_VCPU_POWER_OFF & 1,
			   n++ > 0);
	EQ(n, 3);
	board_rig_unmake(b);
}

TEST(features_that_the_host_lacks_are_not_asked_for)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i;

	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_SVE, 0);
	fake_kvm_cap(KVM_CAP_ARM_PMU_V3, 0);
	fake_kvm_cap(KVM_CAP_ARM_PTRAUTH_GENERIC, 0);
	EQ(board_rig_make(&c, &b, &e), 0);
	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_ARM_VCPU_INIT)
			EQ(fake_calls[i].a, 1 << KVM_ARM_VCPU_PSCI_0_2);
	EQ(fake_kvm_count(KVM_ARM_VCPU_FINALIZE), 0);
	board_rig_unmake(b);
}

TEST(a_32_bit_guest_gets_32_bit_vcpus_and_what_goes_with_them)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i;

	c.aarch32 = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL1_32BIT, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_ARM_VCPU_INIT)
			EQ(fake_calls[i].a,
			   1 << KVM_ARM_VCPU_PSCI_0_2 |
				   1 << KVM_ARM_VCPU_PMU_V3 |
				   1 << KVM_ARM_VCPU_EL1_32BIT);
	EQ(fake_kvm_count(KVM_ARM_VCPU_FINALIZE), 0);
	board_rig_unmake(b);
}

/* arm/booting.rst, "Calling the kernel image". */
TEST(a_32_bit_kernel_finds_r0_0_r1_all_ones_and_the_tree_in_r2)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.aarch32 = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL1_32BIT, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	/* Core registers are numbered in words: x1, x2, pc, x0. */
	board_rig_at("SET_ONE_REG 0x6030000000100002 0xffffffff\n");
	board_rig_at("SET_ONE_REG 0x6030000000100004 0x4");
	board_rig_at("SET_ONE_REG 0x6030000000100040 0x40080000\n");
	board_rig_at("SET_ONE_REG 0x6030000000100000 0\n");
	board_rig_unmake(b);
}

TEST(a_host_without_32_bit_kernels_is_told_before_there_is_a_vm)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.aarch32 = true;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), -ENOTSUP);
	HAS(e.text, "--aarch32: this host's processors run kernels in AArch64 "
		    "only; give a 64-bit kernel");
	EQ(fake_kvm_count(KVM_CREATE_VM), 0);
	board_rig_unmake(b);
}

TEST(more_than_123_cpus_get_a_second_redistributor_region)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = 124;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	/* Group 0, attribute 5: KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION. */
	EQ(strstr(strstr(fake_kvm_log(), "SET_DEVICE_ATTR 0 0x5") + 1,
		  "SET_DEVICE_ATTR 0 0x5") != NULL,
	   true);
	board_rig_unmake(b);
}

TEST(a_host_with_gicv2_only_gets_a_gicv2_machine)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	fake_kvm_reset();
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
	EQ(board_rig_make(&c, &b, &e), 0);
	board_rig_at("CREATE_DEVICE 0x5 0"); /* KVM_DEV_TYPE_ARM_VGIC_V2 */
	board_rig_unmake(b);
}

TEST(too_many_cpus_are_refused_with_the_number_that_would_do)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.cpus = 9;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_MAX_VCPUS, 8);
	EQ(board_rig_make(&c, &b, &e), -EINVAL);
	STR_EQ(e.text,
	       "--cpus 9: KVM here offers 8 vCPUs; give --cpus 8 or fewer");
	board_rig_unmake(b);
}

TEST(memory_beyond_the_ipa_space_is_refused)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.memory = 1ull << 36;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, 36);
	/* RAM begins at 1 GiB; behind it are 2 GiB for PCI. */
	EQ(board_rig_make(&c, &b, &e), -EINVAL);
	HAS(e.text, "--memory 65536M");
	HAS(e.text, "--memory 62464M");
	board_rig_unmake(b);
	c = board_rig_config();
	c.memory = 1ull << 36;
	c.transport = TRANSPORT_MMIO;
	EQ(board_rig_make(&c, &b, &e), -EINVAL);
	HAS(e.text, "--memory 64512M");
	board_rig_unmake(b);
}

TEST(a_host_without_kvm_is_no_fault_of_the_configuration)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	fake_kvm_reset();
	fake_kvm_no_kvm(ENOENT);
	EQ(board_rig_make(&c, &b, &e), -ENOENT);
	STR_EQ(e.text, "");
	board_rig_unmake(b);
}

TEST(whatever_kvm_refuses_board_new_cleans_up_and_says_so)
{
	static const unsigned long requests[] = {
		KVM_GET_VCPU_MMAP_SIZE,	  KVM_CREATE_VM,
		KVM_ARM_PREFERRED_TARGET, KVM_SET_USER_MEMORY_REGION,
		KVM_CREATE_VCPU,	  KVM_CREATE_DEVICE,
		KVM_ARM_VCPU_INIT,	  KVM_ARM_VCPU_FINALIZE,
		KVM_SET_DEVICE_ATTR,	  KVM_SET_ONE_REG,
	};
	unsigned i, nth;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		for (nth = 1; nth <= 2; nth++) {
			struct config c;
			struct board *b;
			struct err e;

			c = board_rig_config();
			c.cpus = 2;
			fake_kvm_reset();
			fake_kvm_fail(requests[i], nth, EIO);
			/* A second call may never have been made. */
			if (board_rig_make(&c, &b, &e) == 0)
				EQ(nth, 2);
			board_rig_unmake(b);
		}
	}
}

TEST(capabilities_that_an_older_kernel_lacks_are_done_without)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	fake_kvm_reset();
	fake_kvm_fail(KVM_ENABLE_CAP, 1, EINVAL);
	EQ(board_rig_make(&c, &b, &e), 0);
	board_rig_unmake(b);
}

/*
 * Does property @name of @node tell of something that begins in what @r answers
 * for? Each entry has @step cells, of which @skip come before the address.
 */
static bool tells_of(const void *fdt, int node, const char *name, int skip,
		     int step, const struct bus_range *r)
{
	int len, i;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	for (i = skip; p && (i + 4) * 4 <= len; i += step)
		if (fdt64_ld((const fdt64_t *)(p + i)) - r->base < r->size)
			return true;
	return false;
}

static bool is_in_tree(const void *fdt, const struct bus_range *r)
{
	int node;

	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		if (tells_of(fdt, node, "reg", 0, 4, r) ||
		    tells_of(fdt, node, "ranges", 3, 7, r))
			return true;
	return false;
}

TEST(each_device_on_the_bus_is_in_the_tree)
{
	struct config c = board_rig_config();
	struct stats_file f = stats_file();
	struct board *b;
	struct err e;
	const struct bus_range *r;
	unsigned i;
	size_t size;
	void *fdt;

	stats_file_add(&f, "exits", 0, 0, 1);
	c.watchdog = c.exit_counter = c.rng = true;
	for (i = 0; i < 4; i++) {
		fake_kvm_reset();
		fake_kvm_stats(&f, sizeof(f));
		if (i & 1)
			fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
		c.transport = i & 2 ? TRANSPORT_MMIO : TRANSPORT_PCI;
		EQ(board_rig_make(&c, &b, &e), 0);
		EQ(board_fdt(b, &fdt, &size, &e), 0);
		LT(7, b->vm.bus.n);
		for (r = b->vm.bus.range; r < b->vm.bus.range + b->vm.bus.n;
		     r++)
			if (!is_in_tree(fdt, r))
				FAIL("%s is not in the tree", r->dev->name);
		free(fdt);
		board_rig_unmake(b);
	}
}
