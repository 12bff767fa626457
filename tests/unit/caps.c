/* SPDX-License-Identifier: MIT */
#include "cmd/caps.h"

#include <jansson.h>

#include "host/info.h"
#include "tests/unit/test.h"

static const struct host_info host = {
	.release = "7.2.12-arm64",
	.machine = "aarch64",
};

/* A host that has everything but a guest's EL2. */
static struct caps caps_of_vhe_host(void)
{
	struct caps c = { .host = &host,
			  .kvm = true,
			  .api = 12,
			  .ipa_bits = 48,
			  .max_vcpus = 512,
			  .sve_bits = 256 };
	int i;

	for (i = 0; i < HOST_CAPS; i++)
		c.cap[i].have = i != HOST_EL2;
	strcpy(c.cap[HOST_EL2].why,
	       "KVM is not in nested mode: boot the host with "
	       "kvm-arm.mode=nested, on a CPU with FEAT_NV2 (Armv8.4)");
	return c;
}

static char *text_of(const struct caps *c, bool json)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	if (json)
		EQ(caps_json(c, f), 0);
	else
		caps_print(c, f);
	fclose(f);
	return text;
}

TEST(the_table_fits_80_columns_and_breaks_between_words)
{
	struct caps c = caps_of_vhe_host();
	char *text = text_of(&c, false), *line;

	HAS(text, "\nGICv3             yes\n");
	HAS(text, "\nSVE               yes, vectors of up to 256 bits\n");
	HAS(text, "\nEL2 (VHE)         no: KVM is not in nested mode: boot "
		  "the host with\n                  kvm-arm.mode=nested, on a "
		  "CPU with FEAT_NV2 (Armv8.4)\n");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		LT(strlen(line), 80);
	free(text);
}

TEST(a_word_longer_than_a_line_is_cut)
{
	struct caps c = caps_of_vhe_host();
	char *text;

	memset(c.cap[HOST_EL2].why, 'w', sizeof(c.cap[HOST_EL2].why) - 1);
	text = text_of(&c, false);
	HAS(text, "www\n                  www");
	free(text);
}

TEST(the_json_object_says_the_same_as_the_table)
{
	struct caps c = caps_of_vhe_host();
	char *text = text_of(&c, true);
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *f = json_object_get(o, "features");

	OK(o);
	EQ(json_integer_value(json_object_get(o, "ipa_bits")), 48);
	EQ(json_object_size(f), HOST_CAPS);
	OK(json_is_true(
		json_object_get(json_object_get(f, "gicv3"), "present")));
	OK(!json_object_get(json_object_get(f, "gicv3"), "reason"));
	OK(json_is_false(
		json_object_get(json_object_get(f, "el2"), "present")));
	STR_EQ(json_string_value(
		       json_object_get(json_object_get(f, "el2"), "reason")),
	       c.cap[HOST_EL2].why);
	json_decref(o);
	free(text);
}

TEST(nesting_has_a_part_of_its_own_with_its_warnings)
{
	struct caps c = caps_of_vhe_host();
	char *text;
	json_t *o, *n;

	strcpy(c.kvm_mode, "nvhe");
	c.warning[0] = "mind the step";
	c.warning_el2[0] = "mind the gap";
	text = text_of(&c, false);
	HAS(text,
	    "\n\nNested virtualization\nkvm-arm.mode      nvhe\nEL2 (VHE) ");
	HAS(text, "\nwarning           mind the gap\n");
	HAS(text, "\nwarning           mind the step\n\nNested");
	free(text);
	text = text_of(&c, true);
	o = json_loads(text, 0, NULL);
	n = json_object_get(o, "nested");
	STR_EQ(json_string_value(json_object_get(n, "mode")), "nvhe");
	EQ(json_array_size(json_object_get(n, "warnings")), 1);
	EQ(json_array_size(json_object_get(o, "warnings")), 1);
	json_decref(o);
	free(text);
	c.kvm_mode[0] = 0;
	text = text_of(&c, true);
	HAS(text, "\"mode\": null");
	free(text);
}

TEST(pages_of_the_host_its_guests_and_their_stage_2_are_told)
{
	struct caps c = caps_of_vhe_host();
	char *text;
	json_t *o, *sizes;

	c.page = 16384;
	c.granules = 4 | 16 | 64;
	text = text_of(&c, false);
	HAS(text, "\nhost's pages      16 KiB\n");
	HAS(text, "\nguest pages       4, 16 and 64 KiB\n");
	OK(!strstr(text, "stage 2 pages"));
	free(text);
	c.granules_el2 = 16 | 64;
	text = text_of(&c, false);
	HAS(text, "\nstage 2 pages     16 and 64 KiB\n");
	free(text);
	text = text_of(&c, true);
	o = json_loads(text, 0, NULL);
	EQ(json_integer_value(json_object_get(o, "page_size")), 16384);
	sizes = json_object_get(o, "guest_page_sizes");
	EQ(json_array_size(sizes), 3);
	sizes = json_object_get(json_object_get(o, "nested"),
				"stage2_page_sizes");
	EQ(json_array_size(sizes), 2);
	EQ(json_integer_value(json_array_get(sizes, 0)), 16384);
	EQ(json_integer_value(json_array_get(sizes, 1)), 65536);
	json_decref(o);
	free(text);
}

TEST(without_kvm_there_is_a_reason_and_no_features)
{
	struct caps c = { .host = &host };
	char *text;

	strcpy(c.why_no_kvm, "permission denied");
	text = text_of(&c, false);
	HAS(text, "KVM               no: /dev/kvm: permission denied\n");
	OK(!strstr(text, "GICv3"));
	free(text);
	text = text_of(&c, true);
	HAS(text, "\"reason\": \"permission denied\"");
	OK(!strstr(text, "features"));
	free(text);
}
