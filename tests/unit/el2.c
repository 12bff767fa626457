/* SPDX-License-Identifier: MIT */
/* A guest with an EL2: what is chosen, refused, and asked of KVM. */
#include "nested/el2.h"

#include <errno.h>

#include "core/kvm.h"
#include "core/log.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

#define NV_FRAC (0xfull << 20)

static struct err e;

static void a_nested_host(void)
{
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	fake_kvm_cap(KVM_CAP_ARM_EL2_E2H0, 1);
}

/* What @kind and @params come to; -errno if they are refused. */
static int chosen(enum nested_kind kind, char *params)
{
	struct config c = { .nested = kind, .params = params };
	enum nested_kind got;
	int r = nested_choose(&c, -1, &got, &e);

	return r ? r : (int)got;
}

TEST(auto_is_vhe_unless_the_kernel_is_told_to_do_without)
{
	a_nested_host();
	EQ(chosen(NESTED_AUTO, NULL), NESTED_VHE);
	EQ(chosen(NESTED_AUTO, "quiet kvm-arm.mode=nested"), NESTED_VHE);
	EQ(chosen(NESTED_AUTO, "kvm-arm.mode=nvhe quiet"), NESTED_NVHE);
	EQ(chosen(NESTED_AUTO, "kvm-arm.mode=protected"), NESTED_NVHE);
	EQ(chosen(NESTED_AUTO, "kvm-arm.mode=protectedx"), NESTED_VHE);
	EQ(chosen(NESTED_AUTO, "kvm-arm.mode=nvhe kvm-arm.mode=nested"),
	   NESTED_VHE);
	EQ(chosen(NESTED_VHE, "kvm-arm.mode=nvhe"), NESTED_VHE);
	EQ(chosen(NESTED_NVHE, NULL), NESTED_NVHE);
}

TEST(auto_is_nvhe_for_a_hypervisor_that_is_handed_a_kernel)
{
	struct config c = { .nested = NESTED_AUTO };
	enum nested_kind got;

	a_nested_host();
	c.modules[MODULE_RAMDISK].path = "r";
	EQ(nested_choose(&c, -1, &got, &e), 0);
	EQ(got, NESTED_VHE);
	c.modules[MODULE_KERNEL].path = "Image";
	EQ(nested_choose(&c, -1, &got, &e), 0);
	EQ(got, NESTED_NVHE);
	c.modules[MODULE_KERNEL].path = NULL;
	c.ndomains = 1;
	EQ(nested_choose(&c, -1, &got, &e), 0);
	EQ(got, NESTED_NVHE);
}

TEST(off_asks_kvm_nothing)
{
	fake_kvm_reset();
	EQ(chosen(NESTED_OFF, NULL), NESTED_OFF);
	EQ(fake_ncalls, 0);
}

TEST(a_host_without_el2_is_refused_with_the_reason)
{
	fake_kvm_reset();
	EQ(chosen(NESTED_AUTO, NULL), -ENOTSUP);
	HAS(e.text, "--nested: ");
	HAS(e.text, "kvm-arm.mode=nested");
}

/* KVM takes E2H0 without HAS_EL2 silently; nestor must not. */
TEST(nvhe_needs_both_capabilities)
{
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2_E2H0, 1);
	EQ(chosen(NESTED_NVHE, NULL), -ENOTSUP);
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	EQ(chosen(NESTED_NVHE, NULL), -ENOTSUP);
	HAS(e.text, "--nested=nvhe: the CPU lacks HCR_EL2.NV1");
	EQ(chosen(NESTED_VHE, NULL), NESTED_VHE);
}

/* The one VM there is was made to ask for the reason. */
TEST(a_refusal_comes_before_anything_of_the_machine_is_created)
{
	struct config c = board_rig_config();
	struct board *b;

	c.nested = NESTED_VHE;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), -ENOTSUP);
	HAS(e.text, "--nested: the CPU has no VHE (Armv8.1)");
	EQ(fake_kvm_count(KVM_CREATE_VM), 1);
	EQ(fake_kvm_count(KVM_SET_USER_MEMORY_REGION), 0);
	EQ(fake_kvm_count(KVM_CREATE_DEVICE), 0);
	board_rig_unmake(b);
}

static void features_are(enum nested_kind kind, uint64_t bits)
{
	struct config c = board_rig_config();
	struct board *b;
	unsigned i, n = 0;

	c.nested = kind;
	c.cpus = 2;
	a_nested_host();
	EQ(board_rig_make(&c, &b, &e), 0);
	for (i = 0; i < fake_ncalls; i++) {
		if (fake_calls[i].request != KVM_ARM_VCPU_INIT)
			continue;
		EQ(fake_calls[i].a >> KVM_ARM_VCPU_HAS_EL2, bits);
		n++;
	}
	EQ(n, 2);
	board_rig_unmake(b);
}

TEST(every_vcpu_gets_the_same_el2)
{
	features_are(NESTED_OFF, 0);
	features_are(NESTED_VHE, 1);
	features_are(NESTED_NVHE, 3);
}

TEST(the_maintenance_interrupt_is_set_between_the_gics_creation_and_init)
{
	struct config c = board_rig_config();
	struct board *b;

	c.nested = NESTED_VHE;
	a_nested_host();
	EQ(board_rig_make(&c, &b, &e), 0);
	LT(board_rig_at("CREATE_DEVICE"),
	   board_rig_at("SET_DEVICE_ATTR 0x9 0"));
	LT(board_rig_at("SET_DEVICE_ATTR 0x9 0"),
	   board_rig_at("SET_DEVICE_ATTR 0x4 0"));
	board_rig_unmake(b);
}

TEST(a_plain_guest_has_no_maintenance_interrupt)
{
	struct config c = board_rig_config();
	struct board *b;

	a_nested_host();
	EQ(board_rig_make(&c, &b, &e), 0);
	OK(!strstr(fake_kvm_log(), "SET_DEVICE_ATTR 0x9 0"));
	board_rig_unmake(b);
}

TEST(a_guest_with_an_el2_gets_no_gicv2)
{
	struct config c = board_rig_config();
	struct board *b;

	c.nested = NESTED_VHE;
	a_nested_host();
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
	EQ(board_rig_make(&c, &b, &e), -ENODEV);
	HAS(e.text, "--nested: a guest with an EL2 needs a GICv3");
	board_rig_unmake(b);
}

TEST(depth_1_clears_nv_frac_and_nothing_else_once)
{
	struct config c = board_rig_config();
	struct board *b;
	unsigned i, n = 0;

	c.nested = NESTED_VHE;
	c.nested_depth = 1;
	c.cpus = 2;
	a_nested_host();
	fake_kvm_reg(0x123456789abcdef0);
	EQ(board_rig_make(&c, &b, &e), 0);
	for (i = 0; i < fake_ncalls; i++) {
		if (fake_calls[i].request != KVM_SET_ONE_REG ||
		    fake_calls[i].a != ARM64_SYS_REG(3, 0, 0, 7, 4))
			continue;
		EQ(fake_calls[i].b, 0x123456789abcdef0 & ~NV_FRAC);
		n++;
	}
	EQ(n, 1);
	board_rig_unmake(b);
}

TEST(a_fault_of_KVM_RUN_is_laid_to_pages_of_4K_only_where_there_are_none)
{
	const uint64_t none_of_4k = 1ull << 40, with_16k = 1ull << 20;
	char text[256];

	nested_explain_fault(with_16k | none_of_4k, text, sizeof(text));
	HAS(text, "uses pages of 4 KiB for stage 2");
	HAS(text, "has 16 and 64 KiB for it");
	nested_explain_fault(with_16k, text, sizeof(text));
	HAS(text, "makes no sense: VTCR_EL2");
}
