/* SPDX-License-Identifier: MIT */
/* A table of faults of KVM on arm64, and the versions of Linux that have them. */
#include "arm64/faults.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The lowest bit tells a release from its candidates, which come before it. */
#define LINUX(a, b, c)	((a) << 21 | (b) << 11 | (c) << 1 | 1)
#define SERIES(version) ((version) >> 11)
#define LAST_PATCH	1023
#define FIXED_SERIES	4

/*
 * From one version on, candidates included, up to those that mend it: the last
 * is mainline's, those before it stable ones, each of its own series.
 */
static const struct {
	unsigned from;
	unsigned fixed[FIXED_SERIES];
	struct fault fault;
} faults[] = {
	{ LINUX(6, 10, 0),
	  { LINUX(6, 12, 93), LINUX(6, 18, 35), LINUX(7, 0, 12),
	    LINUX(7, 1, 0) },
	  { FAULT_ITS, "CVE-2026-46316",
	    "CVE-2026-46316 (ITScape): by KVM's GICv3 ITS a guest can take "
	    "over the host; use Linux 6.12.93, 6.18.35, 7.0.12, 7.1 or newer, "
	    "or run guests with --its=off" } },
	{ LINUX(6, 19, 0),
	  { LINUX(7, 0, 13), LINUX(7, 1, 0) },
	  { FAULT_EL2, "CVE-2026-53200",
	    "CVE-2026-53200: where a guest hypervisor forbids its guest to "
	    "execute a page, KVM may allow it; use Linux 7.0.13, 7.1 or "
	    "newer" } },
	{ 0,
	  { LINUX(7, 2, 0) },
	  { FAULT_EL2, "VNCR_EL2's mapping",
	    "VNCR_EL2's mapping: under load KVM may forget it, and the host "
	    "stops with a BUG in kvm_vcpu_put_hw_mmu(); use Linux 7.2 or "
	    "newer" } },
	{ 0,
	  { LINUX(7, 1, 0) },
	  { FAULT_EL2, "a race in shadow stage 2",
	    "a race in KVM's shadow stage 2 was fixed in Linux 7.1; use that "
	    "or newer" } },
	{ 0,
	  { LINUX(6, 19, 0) },
	  { FAULT_EL2, "the nested GIC",
	    "interrupts of the guest's guests: KVM's nested GIC was reworked "
	    "in Linux 6.19; use that or newer" } },
	{ 0,
	  { LINUX(6, 19, 0) },
	  { FAULT_EL2 | FAULT_SVE, "SVE beside an EL2",
	    "SVE beside an EL2: the host warns of \"PC incremented with "
	    "pending exception\"; use Linux 6.19 or newer, or run nested "
	    "guests with --no-sve" } },
};

/* Behind the numbers: "-rc3", Debian's "~rc3", or Fedora's "-0.rc3.2511". */
static bool is_candidate(const char *s)
{
	while ((s = strstr(s, "rc"))) {
		if (strchr("-.~", s[-1]) && isdigit((unsigned char)s[2]))
			return true;
		s += 2;
	}
	return false;
}

/* 0 if it is none. What follows the numbers is at *@rest. */
static unsigned version_of(const char *release, const char **rest)
{
	unsigned a, b, c = 0;
	int n = 0;

	/* Or sscanf() would take blanks and signs. */
	if (strspn(release, "0123456789.") < 3 ||
	    sscanf(release, "%3u.%3u%n", &a, &b, &n) != 2)
		return 0;
	*rest = release + n;
	n = 0;
	if (sscanf(*rest, ".%9u%n", &c, &n) == 1)
		*rest += n;
	if (c > LAST_PATCH)
		c = LAST_PATCH;
	return LINUX(a, b, c) - is_candidate(*rest);
}

static bool has_fault(unsigned i, unsigned version)
{
	const unsigned *fixed = faults[i].fixed, *last = fixed;
	unsigned n;

	for (n = 0; n < FIXED_SERIES && fixed[n]; n++) {
		last = &fixed[n];
		if (SERIES(version) == SERIES(*last) && version >= *last)
			return false;
	}
	return (version | 1) >= faults[i].from && version < *last;
}

const struct fault *fault_of(unsigned i, const char *release, unsigned parts)
{
	const char *rest;
	const unsigned version = version_of(release, &rest);
	unsigned j;

	for (j = 0; version && j < sizeof(faults) / sizeof(*faults); j++)
		if (!(faults[j].fault.parts & ~parts) &&
		    has_fault(j, version) && !i--)
			return &faults[j].fault;
	return NULL;
}

bool fault_vendor(const char *release)
{
	const char *rest;
	const unsigned version = version_of(release, &rest);

	return version &&
	       version == LINUX(version >> 21, version >> 11 & 1023, 0) &&
	       rest[0] == '-' && isdigit((unsigned char)rest[1]);
}

bool fault_names(char *buf, size_t size, const char *release, unsigned parts)
{
	const struct fault *f;
	size_t n = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; n < size && (f = fault_of(i, release, parts)); i++)
		n += snprintf(buf + n, size - n, "%s%s", i ? ", " : "",
			      f->name);
	return n;
}
