/* SPDX-License-Identifier: MIT */
#include "cmd/caps.h"

#include <errno.h>

#include "core/kvm.h"
#include "host/info.h"
#include "nested/granule.h"
#include "nested/probe.h"
#include "tests/unit/fake_kvm.h"
#include "tests/unit/test.h"

static struct host_info host;
static struct caps c;

/* ID registers as KVM shows them: which is read does not matter here. */
#define VHE	    (1ull << 8)
#define FGT	    (1ull << 56)
#define LPA2	    (1ull << 28)
#define GRANULE_16K (1ull << 20)

/* A host of this kernel and command line, whose KVM starts from the fake's. */
static void host_is(const char *release, const char *cmdline)
{
	strcpy(host.release, release);
	strcpy(host.machine, "aarch64");
	strcpy(host.cmdline, cmdline);
	fake_kvm_reset();
}

/* After a probe: @cap is missing, for this reason. */
static void missing(enum host_cap cap, const char *reason)
{
	OK(!c.cap[cap].have);
	HAS(c.cap[cap].why, reason);
}

TEST(the_probe_reports_what_kvm_answers)
{
	host_is("7.2.1", "quiet");
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, 48);
	caps_probe(&c, &host);
	OK(c.kvm);
	EQ(c.api, 12);
	EQ(c.ipa_bits, 48);
	EQ(c.max_vcpus, 512);
	OK(c.cap[HOST_GICV3].have && c.cap[HOST_SVE].have);
	OK(c.cap[HOST_PMU].have && c.cap[HOST_PAUTH].have);
	HAS(fake_kvm_log(), "CREATE_VM 0x20");
	OK(!strstr(fake_kvm_log(), "CREATE_VM 0x30"));
}

TEST(the_probe_creates_no_device_for_good)
{
	unsigned i;

	host_is("7.2.1", "");
	caps_probe(&c, &host);
	EQ(fake_kvm_count(KVM_CREATE_DEVICE), 3);
	for (i = 0; i < fake_ncalls; i++) {
		if (fake_calls[i].request == KVM_CREATE_DEVICE)
			EQ(fake_calls[i].b, KVM_CREATE_DEVICE_TEST);
	}
}

TEST(an_old_kvm_has_40_bits_of_guest_addresses)
{
	host_is("4.19.0", "");
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, 0);
	caps_probe(&c, &host);
	EQ(c.ipa_bits, 40);
	HAS(fake_kvm_log(), "CREATE_VM 0 ");
}

TEST(every_feature_that_is_missing_has_a_reason)
{
	unsigned cap;
	int i;

	host_is("7.2.1", "");
	for (cap = 0; cap < 512; cap++)
		fake_kvm_cap(cap, 0);
	fake_kvm_fail(KVM_CREATE_DEVICE, 1, ENODEV);
	caps_probe(&c, &host);
	OK(c.kvm);
	for (i = 0; i < HOST_CAPS; i++) {
		OK(!c.cap[i].have);
		NE(c.cap[i].why[0], 0);
	}
	missing(HOST_GICV3, "no interrupt controller");
}

TEST(no_gicv3_is_no_trouble_with_a_gicv2)
{
	host_is("7.2.1", "");
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_V3);
	caps_probe(&c, &host);
	OK(c.cap[HOST_GICV2].have);
	missing(HOST_GICV3, "is a GICv2");
}

TEST(a_feature_that_a_boot_parameter_hides_says_so)
{
	host_is("7.2.1", "arm64.nosve arm64.nopauth");
	fake_kvm_cap(KVM_CAP_ARM_SVE, 0);
	fake_kvm_cap(KVM_CAP_ARM_PTRAUTH_ADDRESS, 0);
	caps_probe(&c, &host);
	missing(HOST_SVE, "booted with arm64.nosve");
	missing(HOST_PAUTH, "booted with arm64.nopauth");
	missing(HOST_MTE, "no tags");
}

TEST(half_of_pointer_authentication_is_none)
{
	host_is("7.2.1", "");
	fake_kvm_cap(KVM_CAP_ARM_PTRAUTH_GENERIC, 0);
	caps_probe(&c, &host);
	missing(HOST_PAUTH, "not data");
}

TEST(a_missing_el2_names_what_the_host_was_booted_with)
{
	host_is("7.2.1", "quiet");
	fake_kvm_reg(VHE);
	caps_probe(&c, &host);
	missing(HOST_EL2, "boot the host with kvm-arm.mode=nested");
	missing(HOST_EL2_E2H0, "boot the host with kvm-arm.mode=nested");

	host_is("7.2.1", "kvm-arm.mode=protected");
	caps_probe(&c, &host);
	missing(HOST_EL2, "booted with kvm-arm.mode=protected: boot it with");

	host_is("7.2.1", "kvm-arm.mode=nested");
	fake_kvm_reg(VHE);
	caps_probe(&c, &host);
	missing(HOST_EL2, "asked for nested mode but cannot");

	host_is("6.12.9-arm64", "kvm-arm.mode=nested");
	fake_kvm_reg(VHE);
	caps_probe(&c, &host);
	missing(HOST_EL2, "came with Linux 6.16 and this is 6.12.9-arm64");
}

TEST(el2_with_vhe_does_not_imply_one_without)
{
	host_is("6.16.0", "kvm-arm.mode=nested");
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	caps_probe(&c, &host);
	OK(c.cap[HOST_EL2].have);
	missing(HOST_EL2_E2H0, "HCR_EL2.NV1");
	fake_kvm_cap(KVM_CAP_ARM_EL2_E2H0, 1);
	caps_probe(&c, &host);
	OK(c.cap[HOST_EL2_E2H0].have);
}

TEST(a_dev_kvm_that_cannot_be_opened_has_a_remedy)
{
	host_is("7.2.1", "");
	fake_kvm_no_kvm(EACCES);
	caps_probe(&c, &host);
	OK(!c.kvm);
	HAS(c.why_no_kvm, "usermod -aG kvm");
	fake_kvm_no_kvm(EPERM);
	caps_probe(&c, &host);
	HAS(c.why_no_kvm, "container");
	fake_kvm_no_kvm(ENOENT);
	caps_probe(&c, &host);
	HAS(c.why_no_kvm, "CONFIG_KVM");
	strcpy(host.cmdline, "kvm-arm.mode=none");
	caps_probe(&c, &host);
	HAS(c.why_no_kvm, "booted with kvm-arm.mode=none; remove that");
	strcpy(host.machine, "x86_64");
	caps_probe(&c, &host);
	HAS(c.why_no_kvm, "no ARM64 machine");
}

TEST(a_kvm_that_makes_no_vm_is_none)
{
	host_is("7.2.1", "");
	fake_kvm_fail(KVM_CREATE_VM, 1, ENOMEM);
	caps_probe(&c, &host);
	OK(!c.kvm);
	HAS(c.why_no_kvm, "makes no virtual machine: Cannot allocate");
}

TEST(sve_without_a_vcpu_to_ask_is_still_sve)
{
	host_is("7.2.1", "");
	fake_kvm_fail(KVM_CREATE_VCPU, 1, EINVAL);
	caps_probe(&c, &host);
	OK(c.cap[HOST_SVE].have);
	EQ(c.sve_bits, 0);
}

TEST(a_cpu_without_vhe_is_told_that_no_boot_parameter_helps)
{
	host_is("7.2.1", "quiet");
	caps_probe(&c, &host);
	missing(HOST_EL2, "has no VHE (Armv8.1), so kvm-arm.mode=nested would");
	missing(HOST_EL2_E2H0, "has no VHE");
	host_is("7.2.1", "kvm-arm.mode=nested");
	caps_probe(&c, &host);
	missing(HOST_EL2, "has no VHE");
}

/* These make Linux leave VHE alone, so that vCPUs do not show it. */
TEST(a_mode_that_hides_vhe_is_the_reason_and_not_the_cpu)
{
	host_is("7.2.1", "kvm-arm.mode=nvhe");
	caps_probe(&c, &host);
	missing(HOST_EL2, "booted with kvm-arm.mode=nvhe: boot it with");
	STR_EQ(c.kvm_mode, "nvhe");
}

TEST(a_cpu_that_cannot_be_asked_is_not_blamed)
{
	host_is("7.2.1", "");
	fake_kvm_fail(KVM_ARM_VCPU_INIT, 1, EINVAL);
	caps_probe(&c, &host);
	missing(HOST_EL2, "boot the host with kvm-arm.mode=nested");
	missing(HOST_LPA2, "no vCPU to ask");
	missing(HOST_RECURSION, "see EL2 (VHE)");
	STR_EQ(c.kvm_mode, "");
}

static void nested_host(const char *release, uint64_t id, int ipa_bits)
{
	host_is(release, "kvm-arm.mode=nested");
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	fake_kvm_cap(KVM_CAP_ARM_VM_IPA_SIZE, ipa_bits);
	fake_kvm_reg(id);
	caps_probe(&c, &host);
	OK(c.cap[HOST_EL2].have);
}

TEST(recursion_takes_an_el2_and_a_cpu_that_shows_it)
{
	nested_host("7.2.1", VHE | FGT, 48);
	OK(c.cap[HOST_RECURSION].have);
	STR_EQ(c.kvm_mode, "nested");
	nested_host("7.2.1", VHE, 48);
	missing(HOST_RECURSION, "FEAT_FGT");
	fake_kvm_fail(KVM_GET_ONE_REG, 1, EIO);
	caps_probe(&c, &host);
	missing(HOST_RECURSION, "no vCPU to ask");
}

TEST(lpa2_is_told_and_its_slow_teardown_warned_of)
{
	nested_host("7.2.1", VHE | FGT | LPA2, 52);
	OK(c.cap[HOST_LPA2].have);
	HAS(c.warning_el2[0], "more than 48 bits");
	OK(!c.warning_el2[1]);
	HAS(nested_warning(0, &host, 48, 16384), "more than 4 KiB: the end");
	OK(!nested_warning(1, &host, 52, 16384));
	nested_host("7.2.1", VHE | FGT, 48);
	missing(HOST_LPA2, "no 52-bit addresses");
	OK(!c.warning_el2[0]);
}

TEST(huge_pages_that_nobody_gets_make_nesting_slow)
{
	host.thp_never = true;
	nested_host("7.2.1", VHE | LPA2, 52);
	HAS(c.warning_el2[0], "more than 48 bits");
	HAS(c.warning_el2[1], "transparent huge pages are off (never)");
	OK(!c.warning_el2[2]);
	nested_host("7.2.1", VHE, 48);
	HAS(c.warning_el2[0], "--hugepages");
	host_is("7.2.1", "");
	caps_probe(&c, &host);
	OK(!c.warning_el2[0]);
}

static unsigned count(const char *const *warning)
{
	unsigned n;

	for (n = 0; warning[n]; n++)
		;
	return n;
}

TEST(versions_with_known_faults_are_warned_of)
{
	static const struct {
		const char *release;
		unsigned any, el2;
		const char *first;
	} rows[] = {
		{ "6.16.0", 1, 4, "VNCR_EL2" },
		{ "6.18.99-arm64", 0, 4, "VNCR_EL2" },
		{ "6.19.0-rc1", 1, 5, "CVE-2026-53200" },
		{ "7.0.12", 0, 3, "CVE-2026-53200" },
		{ "7.0.13", 0, 2, "VNCR_EL2" },
		{ "7.1.0", 0, 1, "VNCR_EL2" },
		{ "6.17.0-5-generic", 2, 4, "VNCR_EL2" },
		{ "7.3.4+deb13-cloud-arm64", 0, 0, NULL },
		{ "nonsense", 0, 0, NULL },
	};
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nested_host(rows[i].release, VHE, 48);
		EQ(count(c.warning), rows[i].any);
		EQ(count(c.warning_el2), rows[i].el2);
		if (rows[i].first)
			HAS(c.warning_el2[0], rows[i].first);
	}
	nested_host("6.17.0-5-generic", VHE, 48);
	HAS(c.warning[0], "--its=off");
	HAS(c.warning[1], "vendor's");
}

TEST(a_host_without_an_its_is_not_warned_of_it)
{
	host_is("6.18.3", "");
	caps_probe(&c, &host);
	HAS(c.warning[0], "CVE-2026-46316");
	host_is("6.18.3", "");
	fake_kvm_no_device(KVM_DEV_TYPE_ARM_VGIC_ITS);
	caps_probe(&c, &host);
	OK(!c.warning[0]);
}

TEST(a_guest_hypervisor_has_no_stage_2_pages_below_the_hosts)
{
	const unsigned page = sysconf(_SC_PAGESIZE);

	nested_host("7.2.1", VHE | GRANULE_16K, 48);
	EQ(c.page, page);
	EQ(c.granules, 4 | 16 | 64);
	EQ(c.granules_el2, granules_of_el2(4 | 16 | 64, page));
	host_is("7.2.1", "");
	fake_kvm_reg(VHE);
	caps_probe(&c, &host);
	EQ(c.granules, 4 | 64);
	EQ(c.granules_el2, 0);
}

TEST(who_cannot_nest_is_not_warned_of_nesting)
{
	host_is("6.16.0", "");
	caps_probe(&c, &host);
	OK(!c.warning_el2[0]);
}

/* The end of a VM with an EL2 takes KVM seconds, even if it never ran. */
TEST(no_vcpu_is_given_an_el2_only_to_look_at_it)
{
	unsigned i;

	nested_host("7.2.1", VHE | FGT, 48);
	for (i = 0; i < fake_ncalls; i++)
		if (fake_calls[i].request == KVM_ARM_VCPU_INIT)
			EQ(fake_calls[i].a >> KVM_ARM_VCPU_HAS_EL2 & 1, 0);
}

TEST(a_look_leaves_nothing_open)
{
	int fd = dup(0);

	close(fd);
	nested_host("7.2.1", VHE, 52);
	fake_kvm_fail(KVM_GET_ONE_REG, 2, EIO);
	caps_probe(&c, &host);
	fake_kvm_fail(KVM_ARM_VCPU_INIT, 2, EIO);
	caps_probe(&c, &host);
	fake_kvm_fail(KVM_CREATE_VCPU, 1, EIO);
	caps_probe(&c, &host);
	EQ(dup(0), fd);
}
