/* SPDX-License-Identifier: MIT */
#include "nested/probe.h"

#include <stdio.h>
#include <string.h>

#include "core/kvm.h"

/* The first Linux whose KVM/arm64 has nested virtualization. */
#define FIRST_MAJOR 6
#define FIRST_MINOR 16

#define MODE_KEY "kvm-arm.mode="

const char *cmdline_value(const char *cmdline, const char *key, size_t *len)
{
	const char *value = NULL, *p = cmdline;

	for (;;) {
		p += strspn(p, " \t\n");
		if (!*p)
			return value;
		if (!strncmp(p, key, strlen(key))) {
			value = p + strlen(key);
			*len = strcspn(value, " \t\n");
		}
		p += strcspn(p, " \t\n");
	}
}

static bool too_old(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < FIRST_MAJOR ||
	       (major == FIRST_MAJOR && minor < FIRST_MINOR);
}

static void explain(char *why, size_t size, const char *release,
		    const char *cmdline)
{
	const char *mode;
	size_t len;

	mode = cmdline_value(cmdline, MODE_KEY, &len);
	if (too_old(release))
		snprintf(why, size,
			 "nested virtualization came with Linux %d.%d and this "
			 "is %.40s: boot a newer kernel with " MODE_KEY
			 "nested",
			 FIRST_MAJOR, FIRST_MINOR, release);
	else if (!mode)
		snprintf(why, size,
			 "KVM is not in nested mode: boot the host "
			 "with " MODE_KEY
			 "nested, on a CPU with FEAT_NV2 (Armv8.4)");
	else if (len != strlen("nested") || strncmp(mode, "nested", len))
		snprintf(why, size,
			 "the host is booted with " MODE_KEY "%.*s: boot it "
			 "with " MODE_KEY "nested",
			 len < 40 ? (int)len : 40, mode);
	else
		snprintf(why, size,
			 "KVM was asked for nested mode but cannot: it takes a "
			 "CPU with VHE and FEAT_NV2 (Armv8.4), and a host that "
			 "was itself started at EL2");
}

void nested_probe(struct nested_probe *p, int kvm_fd, const char *release,
		  const char *cmdline)
{
	*p = (struct nested_probe){ 0 };
	p->el2 = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL2) > 0;
	if (!p->el2) {
		explain(p->why, sizeof(p->why), release, cmdline);
		memcpy(p->why_e2h0, p->why, sizeof(p->why));
		return;
	}
	p->e2h0 = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL2_E2H0) >
		  0;
	if (!p->e2h0)
		snprintf(p->why_e2h0, sizeof(p->why_e2h0),
			 "the CPU lacks HCR_EL2.NV1, which an EL2 without E2H "
			 "needs: use a guest hypervisor with VHE");
}
