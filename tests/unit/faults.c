/* SPDX-License-Identifier: MIT */
#include "arm64/faults.h"

#include "tests/unit/test.h"

static bool has(const char *release, unsigned parts, const char *name)
{
	const struct fault *f;
	unsigned i;

	for (i = 0; (f = fault_of(i, release, parts)); i++) {
		EQ(f->parts & ~parts, 0);
		if (strstr(f->name, name))
			return true;
	}
	return false;
}

static bool escapes(const char *release)
{
	return has(release, FAULT_ITS, "CVE-2026-46316");
}

/* Published: 6.10 up to 7.0, mended in 6.12.93, 6.18.35, 7.0.12 and 7.1. */
TEST(the_way_out_by_the_its_is_known_by_the_kernels_that_have_it)
{
	static const char *const open[] = { "6.10.0",
					    "6.10.0-rc1",
					    "6.11.99",
					    "6.12",
					    "6.12.92",
					    "6.12.92-rt14",
					    "6.12.57+deb13-arm64",
					    "6.12.48+deb13-arm64",
					    "6.12.92+deb13-rt-arm64",
					    "6.12.9+deb13-arm64-16k",
					    "6.12-rc6-arm64",
					    "6.12+",
					    "6.18.3-rc1",
					    "6.18.34-1~bpo13",
					    "7.0.11-1~bpo13+1",
					    "7.1~rc3-arm64",
					    "7.1~rc7+deb14-cloud-arm64",
					    "6.12.0-55.9.1.el10_0.aarch64",
					    "6.13.12",
					    "6.14.0-27-generic",
					    "6.17.0-1004-aws",
					    "6.18.34-0-lts",
					    "6.18.34+rpt-rpi-2712",
					    "6.19.14-200.fc43.aarch64",
					    "6.19.300",
					    "7.0",
					    "7.0.0-rc7",
					    "7.0.11-arch1-1",
					    "7.1-rc1",
					    "7.1.0-rc7-next-20260601",
					    "7.1.0-0.rc3.260511g1.fc45" };
	static const char *const shut[] = { "5.10.0-34-arm64",
					    "6.1.0-38-arm64",
					    "6.6.51+rpt-rpi-v8",
					    "6.8.0-60-generic",
					    "6.9.12",
					    "6.12.93",
					    "6.12.93+deb13-arm64",
					    "6.12.117+deb13-arm64",
					    "6.12.117+deb13-rt-arm64",
					    "6.12.93-1~bpo12+1",
					    "7.0.12-1~bpo13+1",
					    "7.2~rc1-arm64",
					    "7.1-arcrc2",
					    "7.1.0-rc",
					    "6.1.0-40-arm64",
					    "4.19.0-27-arm64",
					    "6.12.100",
					    "6.12.93-66.121.amzn2023.aarch64",
					    "6.12.93-android16-5-g1234",
					    "6.18.35",
					    "6.18.35-dirty",
					    "6.18.1000",
					    "7.0.12",
					    "7.0.12-arch1-1",
					    "7.0.14+deb14-cloud-arm64",
					    "7.1.0",
					    "7.1",
					    "7.2.0-rc1",
					    "7.3.4+deb13-arm64-16k",
					    "10.0.0" };
	unsigned i;

	for (i = 0; i < sizeof(open) / sizeof(*open); i++)
		OK(escapes(open[i]));
	for (i = 0; i < sizeof(shut) / sizeof(*shut); i++)
		OK(!escapes(shut[i]));
}

TEST(what_a_guest_does_not_have_does_not_concern_it)
{
	OK(!has("6.18.3", 0, ""));
	OK(!has("6.18.3", FAULT_SVE, ""));
	OK(!has("6.18.3", FAULT_EL2 | FAULT_SVE, "46316"));
	OK(has("6.18.3", FAULT_EL2 | FAULT_SVE, "SVE"));
	OK(!has("6.18.3", FAULT_EL2, "SVE"));
	OK(has("6.18.3", FAULT_EL2, "VNCR_EL2"));
}

TEST(faults_of_nesting_end_where_they_were_mended)
{
	const unsigned all = FAULT_EL2 | FAULT_SVE;

	OK(has("6.16.0", all, "SVE") && has("6.18.44", all, "SVE"));
	OK(has("6.19-rc1", all, "SVE") && !has("6.19.0", all, "SVE"));
	OK(has("6.18.9", all, "nested GIC") && !has("6.19.1", all, "GIC"));
	OK(!has("6.18.9", all, "53200") && has("6.19.0-rc1", all, "53200"));
	OK(has("7.0.12", all, "53200") && !has("7.0.13", all, "53200"));
	OK(has("7.1.0-rc2", all, "53200") && !has("7.1.0", all, "53200"));
	OK(has("7.0.99", all, "shadow") && !has("7.1.0", all, "shadow"));
	OK(has("7.1.9", all, "VNCR") && has("7.2.0-rc3", all, "VNCR"));
	OK(!has("7.2.0", all, ""));
}

TEST(nothing_is_known_of_what_is_no_version)
{
	OK(!has("", ~0u, ""));
	OK(!has("nonsense", ~0u, ""));
	OK(!has("6", ~0u, ""));
	OK(!has("rc1", ~0u, ""));
	OK(!has("-6.12", ~0u, ""));
	OK(!has("+6.12.1", ~0u, ""));
	OK(!has(" 6.12.1", ~0u, ""));
	OK(!has("6.-12.1", ~0u, ""));
	OK(!has("v6.12.1", ~0u, ""));
	OK(!has("6..12", ~0u, ""));
	OK(!fault_vendor("nonsense"));
}

TEST(a_vendors_number_is_told_from_that_of_a_stable_release)
{
	OK(fault_vendor("6.12.0-55.9.1.el10_0.aarch64"));
	OK(fault_vendor("6.14.0-27-generic"));
	OK(fault_vendor("6.12.0-160000.5-default"));
	OK(!fault_vendor("6.12.57+deb13-arm64"));
	OK(!fault_vendor("7.0.12-1~bpo13+1"));
	OK(!fault_vendor("7.1~rc3-arm64"));
	OK(fault_vendor("6.1.0-40-arm64"));
	OK(!fault_vendor("6.12.46-66.121.amzn2023.aarch64"));
	OK(!fault_vendor("7.0.0"));
	OK(!fault_vendor("7.0.0-rc7"));
	OK(!fault_vendor("7.0.0-0.rc7.1.fc44"));
}

TEST(the_names_of_what_concerns_a_guest_make_one_line)
{
	char buf[200], small[8];

	OK(fault_names(buf, sizeof(buf), "7.0.11", FAULT_ITS | FAULT_EL2));
	STR_EQ(buf, "CVE-2026-46316, CVE-2026-53200, VNCR_EL2's mapping, "
		    "a race in shadow stage 2");
	OK(!fault_names(buf, sizeof(buf), "7.3.4", ~0u));
	STR_EQ(buf, "");
	OK(fault_names(small, sizeof(small), "7.0.11", FAULT_ITS));
	STR_EQ(small, "CVE-202");
	OK(fault_names(buf, sizeof(buf), "6.16.0", ~0u));
	HAS(buf, "SVE beside an EL2");
}
