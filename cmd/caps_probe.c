/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation: most answers come from KVM_CHECK_EXTENSION on /dev/kvm;
 * interrupt controllers need an (empty) VM, and SVE's vector lengths a vCPU.
 * Why something is missing KVM does not tell, so it is worked out from the
 * kernel's command line and from what else is missing.
 */
#include "cmd/caps.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "arm64/faults.h"
#include "core/arch.h"
#include "core/cmdline.h"
#include "core/kvm.h"
#include "host/info.h"
#include "nested/granule.h"
#include "nested/probe.h"

#define KVM_API		 12 /* the only one since 2007 */
#define IPA_BITS_DEFAULT 40 /* where KVM_CAP_ARM_VM_IPA_SIZE is unknown */

/* Answered by KVM_CHECK_EXTENSION alone. */
static const struct {
	enum host_cap cap;
	unsigned extension;
	const char *off; /* the boot parameter that takes it away, if any */
	const char *why;
} extensions[] = {
	{ HOST_PMU, KVM_CAP_ARM_PMU_V3, NULL,
	  "the host drives no PMUv3: its firmware must describe one, and its "
	  "kernel have CONFIG_ARM_PMUV3" },
	{ HOST_SVE, KVM_CAP_ARM_SVE, "arm64.nosve",
	  "the CPU has no SVE (an option of Armv8.2)" },
	{ HOST_PAUTH, KVM_CAP_ARM_PTRAUTH_ADDRESS, "arm64.nopauth",
	  "the CPU has no pointer authentication (Armv8.3), or the host's "
	  "kernel lacks CONFIG_ARM64_PTR_AUTH" },
	{ HOST_MTE, KVM_CAP_ARM_MTE, "arm64.nomte",
	  "the CPU and its memory have no tags (an option of Armv8.5), or "
	  "the firmware leaves them off" },
	{ HOST_AARCH32, KVM_CAP_ARM_EL1_32BIT, NULL,
	  "the CPU runs EL1 in AArch64 only: use a 64-bit kernel" },
	{ HOST_PVTIME, KVM_CAP_STEAL_TIME, NULL,
	  "the host does not account waiting time: use Linux 5.10 or newer "
	  "with CONFIG_SCHED_INFO" },
	{ HOST_SUSPEND, KVM_CAP_ARM_SYSTEM_SUSPEND, NULL,
	  "needs Linux 5.19 or newer" },
	{ HOST_READONLY_MEM, KVM_CAP_READONLY_MEM, NULL,
	  "the host's KVM is too old: use a supported kernel" },
	{ HOST_IRQFD, KVM_CAP_IRQFD, NULL,
	  "the host's KVM is too old or lacks CONFIG_HAVE_KVM_IRQCHIP" },
	{ HOST_IOEVENTFD, KVM_CAP_IOEVENTFD, NULL,
	  "the host's KVM is too old: use a supported kernel" },
	{ HOST_DIRTY_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, NULL,
	  "needs Linux 6.2 or newer" },
};

static void miss(struct caps *c, enum host_cap cap, const char *why)
{
	snprintf(c->cap[cap].why, sizeof(c->cap[cap].why), "%s", why);
}

static bool mode_is(const struct host_info *h, const char *mode)
{
	size_t len;
	const char *v = cmdline_value(h->cmdline, "kvm-arm.mode", &len);

	return v && len == strlen(mode) && !strncmp(v, mode, len);
}

static void explain_no_kvm(struct caps *c, int err)
{
	const char *why = NULL;

	if (err == -EACCES)
		why = "permission denied: join the group that owns it, by "
		      "'sudo usermod -aG kvm $USER', and log in again";
	else if (err == -EPERM)
		why = "not permitted: if this is a container, pass it the "
		      "device /dev/kvm";
	else if (strcmp(c->host->machine, "aarch64"))
		why = "this is no ARM64 machine";
	else if (err == -ENOENT && mode_is(c->host, "none"))
		why = "it does not exist: the host is booted with "
		      "kvm-arm.mode=none; remove that";
	else if (err == -ENOENT || err == -ENXIO || err == -ENODEV)
		why = "it does not exist: the kernel needs CONFIG_KVM and must "
		      "be started at EL2 (a virtual machine needs nested "
		      "virtualization); 'dmesg | grep kvm' tells which";
	snprintf(c->why_no_kvm, sizeof(c->why_no_kvm), "%s",
		 why ? why : strerror(-err));
}

static int extension(int fd, unsigned cap)
{
	int rc = kvm_ioctl(fd, KVM_CHECK_EXTENSION, cap);

	return rc < 0 ? 0 : rc;
}

static void probe_extensions(struct caps *c, int kvm_fd)
{
	const size_t n = sizeof(extensions) / sizeof(*extensions);
	const char *off;
	size_t i, len;

	for (i = 0; i < n; i++) {
		enum host_cap cap = extensions[i].cap;

		c->cap[cap].have = extension(kvm_fd, extensions[i].extension);
		if (c->cap[cap].have)
			continue;
		off = extensions[i].off;
		if (off && cmdline_value(c->host->cmdline, off, &len))
			snprintf(c->cap[cap].why, sizeof(c->cap[cap].why),
				 "the host is booted with %s: remove that",
				 off);
		else
			miss(c, cap, extensions[i].why);
	}
	/* Guests are offered it whole or not at all. */
	if (c->cap[HOST_PAUTH].have &&
	    !extension(kvm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
		c->cap[HOST_PAUTH].have = false;
		miss(c, HOST_PAUTH,
		     "the CPU authenticates addresses but not data");
	}
}

static void explain_nested(struct caps *c, const struct nested_cpu *cpu)
{
	const char *unknown = "KVM gives no vCPU to ask";

	if (!c->cap[HOST_RECURSION].have)
		miss(c, HOST_RECURSION,
		     !c->cap[HOST_EL2].have
			     ? "guests have no EL2 here, so their guests have "
			       "none either: see EL2 (VHE)"
		     : cpu->known
			     ? "a guest's EL2 cannot nest in turn: the CPU "
			       "must have FEAT_FGT (Armv8.6) for that, or the "
			       "guest's kernel (Linux 7.3) be told to take "
			       "ID_AA64MMFR4_EL1.NV_frac for set"
			     : unknown);
	if (!c->cap[HOST_LPA2].have)
		miss(c, HOST_LPA2,
		     cpu->known
			     ? "the CPU, or the host's kernel, has no 52-bit "
			       "addresses with pages of 4 KiB; nested "
			       "guests are torn down the faster for it"
			     : unknown);
}

static void probe_nested(struct caps *c, int kvm_fd)
{
	const struct host_info *h = c->host;
	struct nested_probe p;
	struct nested_cpu cpu;
	const char *mode;
	size_t len;

	mode = cmdline_value(h->cmdline, "kvm-arm.mode", &len);
	if (mode)
		snprintf(c->kvm_mode, sizeof(c->kvm_mode), "%.*s",
			 len < 30 ? (int)len : 30, mode);
	nested_probe(&p, kvm_fd, h->release, h->cmdline);
	nested_look(&cpu, kvm_fd);
	c->cap[HOST_EL2].have = p.el2;
	c->cap[HOST_EL2_E2H0].have = p.e2h0;
	c->cap[HOST_RECURSION].have = p.el2 && cpu.fgt;
	c->cap[HOST_LPA2].have = cpu.lpa2;
	c->granules = cpu.granules;
	if (p.el2)
		c->granules_el2 = granules_of_el2(cpu.granules, c->page);
	miss(c, HOST_EL2, p.why);
	miss(c, HOST_EL2_E2H0, p.why_e2h0);
	explain_nested(c, &cpu);
}

static bool has_device(int vm_fd, unsigned type)
{
	struct kvm_create_device dev = {
		.type = type,
		.flags = KVM_CREATE_DEVICE_TEST,
	};

	return kvm_ioctlp(vm_fd, KVM_CREATE_DEVICE, &dev) >= 0;
}

static void probe_gic(struct caps *c, int vm_fd)
{
	bool v2 = has_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2);
	bool v3 = has_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3);
	const char *neither = "KVM has no interrupt controller for guests: the "
			      "firmware must describe the GIC's "
			      "virtualization registers";

	c->cap[HOST_GICV2].have = v2;
	c->cap[HOST_GICV3].have = v3;
	c->cap[HOST_ITS].have = has_device(vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	if (!v2)
		miss(c, HOST_GICV2,
		     v3 ? "the host's GIC has no GICv2 mode; guests get a "
			  "GICv3"
			: neither);
	if (!v3)
		miss(c, HOST_GICV3,
		     v2 ? "the host's GIC is a GICv2, and so is the guests'"
			: neither);
	if (!c->cap[HOST_ITS].have)
		miss(c, HOST_ITS, "it is part of a GICv3");
}

/* 0 if KVM does not say. */
static unsigned probe_sve_bits(int vm_fd)
{
	uint64_t vls[KVM_ARM64_SVE_VLS_WORDS] = { 0 };
	struct kvm_vcpu_init init = { 0 };
	int i, fd, rc;

	fd = kvm_ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	if (fd < 0)
		return 0;
	rc = kvm_ioctlp(vm_fd, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
	if (rc >= 0)
		rc = kvm_ioctlp(fd, KVM_ARM_VCPU_INIT, &init);
	if (rc >= 0)
		rc = kvm_get_reg(fd, KVM_REG_ARM64_SVE_VLS, vls);
	close(fd);
	for (i = KVM_ARM64_SVE_VLS_WORDS - 1; rc >= 0 && i >= 0; i--) {
		if (vls[i])
			return 128 * (64 * i + 64 - __builtin_clzll(vls[i]));
	}
	return 0;
}

static void probe_vm(struct caps *c, int kvm_fd)
{
	int fd = arch_scratch_vm(kvm_fd);

	if (fd < 0) {
		c->kvm = false;
		snprintf(c->why_no_kvm, sizeof(c->why_no_kvm),
			 "it makes no virtual machine: %s", strerror(-fd));
		return;
	}
	probe_gic(c, fd);
	if (c->cap[HOST_SVE].have)
		c->sve_bits = probe_sve_bits(fd);
	close(fd);
}

/* What is known to be wrong for a guest that has all that it can have here. */
static void add_warnings(struct caps *c)
{
	const struct host_info *h = c->host;
	const unsigned parts = (c->cap[HOST_ITS].have ? FAULT_ITS : 0) |
			       (c->cap[HOST_EL2].have ? FAULT_EL2 : 0) |
			       (c->cap[HOST_SVE].have ? FAULT_SVE : 0);
	unsigned i, n = 0, n_el2 = 0;
	const struct fault *f;
	const char *slow;

	for (i = 0; (f = fault_of(i, h->release, parts)); i++)
		if (f->parts & FAULT_EL2)
			c->warning_el2[n_el2++] = f->text;
		else
			c->warning[n++] = f->text;
	if (i && fault_vendor(h->release))
		c->warning[n++] = "this kernel's number is its vendor's, who "
				  "may have mended what is warned of here: "
				  "ask there";
	for (i = 0; c->cap[HOST_EL2].have &&
		    (slow = nested_warning(i, h, c->ipa_bits, c->page));
	     i++)
		c->warning_el2[n_el2++] = slow;
}

void caps_probe(struct caps *c, const struct host_info *host)
{
	int fd = kvm_open();

	*c = (struct caps){ .host = host, .page = sysconf(_SC_PAGESIZE) };
	if (fd < 0) {
		explain_no_kvm(c, fd);
		return;
	}
	c->api = kvm_ioctl(fd, KVM_GET_API_VERSION, 0);
	c->kvm = c->api == KVM_API;
	if (c->kvm) {
		c->ipa_bits = extension(fd, KVM_CAP_ARM_VM_IPA_SIZE);
		if (!c->ipa_bits)
			c->ipa_bits = IPA_BITS_DEFAULT;
		c->max_vcpus = extension(fd, KVM_CAP_MAX_VCPUS);
		probe_extensions(c, fd);
		probe_nested(c, fd);
		probe_vm(c, fd);
		add_warnings(c);
	} else {
		snprintf(c->why_no_kvm, sizeof(c->why_no_kvm),
			 "it is no KVM that nestor knows: its API version is "
			 "%d, not %d",
			 c->api, KVM_API);
	}
	close(fd);
}
