/* SPDX-License-Identifier: MIT */
/*
 * The board against a scripted KVM: what it asks for, in which order, and what
 * it does when it is refused.
 */
#include "machine/board.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm64/gic.h"
#include "arm64/map.h"
#include "core/kvm.h"
#include "machine/board_impl.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fake_kvm.h"
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

/* Documentation/virt/kvm/api.rst, 7.29: before there are vCPUs. */
TEST(memory_tags_are_asked_for_before_kvm_sees_memory_or_a_vcpu)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	char asked[32];

	snprintf(asked, sizeof(asked), "ENABLE_CAP %#x", KVM_CAP_ARM_MTE);
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_MTE, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	OK(!strstr(fake_kvm_log(), asked));
	board_rig_unmake(b);

	c.mte = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_MTE, 1);
	EQ(board_rig_make(&c, &b, &e), 0);
	LT(board_rig_at(asked),
	   board_rig_at("SET_USER_MEMORY_REGION 0x40000000"));
	LT(board_rig_at(asked), board_rig_at("CREATE_VCPU 0 "));
	board_rig_unmake(b);
}

TEST(a_host_without_memory_tags_is_told_before_there_is_a_vm)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.mte = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_MTE, 0);
	EQ(board_rig_make(&c, &b, &e), -ENOTSUP);
	HAS(e.text,
	    "--mte: this host has no memory tags to give; leave it out");
	EQ(fake_kvm_count(KVM_CREATE_VM), 0);
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

/* KVM_DEV_TYPE_ARM_VGIC_ITS */
TEST(a_guest_that_is_to_have_no_its_has_none_over_either_transport)
{
	const enum transport_kind how[] = { TRANSPORT_AUTO, TRANSPORT_PCI,
					    TRANSPORT_MMIO };
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	unsigned i;

	c.rng = true;
	for (i = 0; i < 3; i++) {
		c.transport = how[i];
		c.its = false;
		fake_kvm_reset();
		EQ(board_rig_make(&c, &b, &e), 0);
		OK(!strstr(fake_kvm_log(), "CREATE_DEVICE 0x8 0"));
		board_rig_unmake(b);
		c.its = true;
		fake_kvm_reset();
		EQ(board_rig_make(&c, &b, &e), 0);
		EQ(!strstr(fake_kvm_log(), "CREATE_DEVICE 0x8 0"),
		   how[i] == TRANSPORT_MMIO);
		board_rig_unmake(b);
	}
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

TEST(high_configuration_space_is_where_qemus_is_or_behind_ram)
{
	struct config c = board_rig_config();
	uint64_t val = 0;
	struct board *b;
	struct err e;

	c.ecam = ECAM_HIGH;
	c.pci_testdev = true;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, 48);
	EQ(board_rig_make(&c, &b, &e), 0);
	EQ(b->m.ecam.base, 0x4010000000);
	/* The host bridge; bus 0 is there, in either case the only one. */
	EQ(bus_access(&b->vm.bus, 0x4010000000, 4, false, &val), true);
	EQ(val, 0x00081b36);
	EQ(bus_access(&b->vm.bus, 0x401ff00000, 4, false, &val), true);
	EQ(val, 0xffffffff);
	board_rig_unmake(b);

	c.memory = 300ull << 30;
	EQ(board_rig_make(&c, &b, &e), 0);
	OK(b->m.ecam.base >= MAP_RAM_BASE + c.memory);
	EQ(b->m.ecam.base % b->m.ecam.size, 0);
	EQ(b->m.ecam.size, 256ull << 20);
	board_rig_unmake(b);
}

TEST(high_configuration_space_takes_a_host_with_as_many_bits)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;

	c.ecam = ECAM_HIGH;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, 38);
	EQ(board_rig_make(&c, &b, &e), -EINVAL);
	HAS(e.text, "--ecam high: it is at 0x4010000000");
	HAS(e.text, "38 bits");
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
