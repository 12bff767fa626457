/* SPDX-License-Identifier: MIT */
#include "machine/aml.h"

#include "tests/unit/test.h"

static struct aml a;

/* What was put last is these bytes, and nothing else. */
static void is(const char *bytes, size_t len)
{
	EQ(aml_failed(&a), false);
	EQ(a.size, len);
	MEM_EQ(a.data, bytes, len);
	a.size = 0;
}

#define IS(literal) is(literal, sizeof(literal) - 1)

static void done(void)
{
	free(a.data);
	a = (struct aml){ 0 };
}

TEST(an_integer_has_the_shortest_form)
{
	aml_int(&a, 0);
	IS("\x00");
	aml_int(&a, 1);
	IS("\x01");
	aml_int(&a, 2);
	IS("\x0a\x02");
	aml_int(&a, 0xff);
	IS("\x0a\xff");
	aml_int(&a, 0x100);
	IS("\x0b\x00\x01");
	aml_int(&a, 0x10000);
	IS("\x0c\x00\x00\x01\x00");
	aml_int(&a, 0x100000000);
	IS("\x0e\x00\x00\x00\x00\x01\x00\x00\x00");
	done();
}

TEST(a_name_is_filled_up_and_a_path_has_its_prefixes)
{
	aml_path(&a, "_SB");
	IS("_SB_");
	aml_path(&a, "PCI0");
	IS("PCI0");
	aml_path(&a, "\\_SB");
	IS("\\_SB_");
	aml_path(&a, "\\_SB.GPO0");
	IS("\\\x2e_SB_GPO0");
	done();
}

TEST(an_identifier_is_an_eisa_one_or_a_string_by_its_length)
{
	/* The specification's own example (ACPI 6.5, 19.6.37). */
	aml_id(&a, "PNP0C09");
	IS("\x0c\x41\xd0\x0c\x09");
	aml_id(&a, "ACPI0007");
	IS("\x0d"
	   "ACPI0007\0");
	done();
}

/* The length of a scope with so much behind its name, as it is encoded. */
static void length_is(size_t contents, const char *bytes, size_t len)
{
	size_t i;

	aml_scope(&a, "ABCD");
	for (i = 0; i < contents; i++)
		aml_put(&a, 0xcc, 1);
	aml_end(&a);
	EQ(a.size, 1 + len + 4 + contents);
	MEM_EQ(a.data + 1, bytes, len);
	MEM_EQ(a.data + 1 + len, "ABCD", 4);
	EQ(a.data[a.size - 1], 0xcc);
	a.size = 0;
}

TEST(a_length_counts_itself_and_takes_as_few_bytes_as_it_can)
{
	length_is(0x3f - 5, "\x3f", 1);
	length_is(0x3f - 4, "\x41\x04", 2);
	length_is(0xfff - 6, "\x4f\xff", 2);
	length_is(0xfff - 5, "\x81\x00\x01", 3);
	length_is(0xfffff - 7, "\x8f\xff\xff", 3);
	length_is(0xfffff - 6, "\xc1\x00\x00\x01", 4);
	done();
}

TEST(what_is_within_another_ends_before_it)
{
	aml_device(&a, "DEV0");
	aml_name(&a, "PACK");
	aml_package(&a, 2);
	aml_int(&a, 1);
	aml_buffer(&a, "xyz", 3);
	aml_end(&a);
	aml_end(&a);
	IS("\x5b\x82\x15"
	   "DEV0"
	   "\x08"
	   "PACK"
	   "\x12\x0a\x02\x01"
	   "\x11\x06\x0a\x03"
	   "xyz");
	done();
}

TEST(resources_end_with_a_tag_and_have_the_size_of_all)
{
	aml_resources(&a, "_CRS");
	aml_res_memory(&a, 0x09000000, 0x1000);
	aml_res_interrupt(&a, 33, true);
	aml_resources_end(&a);
	IS("\x08"
	   "_CRS"
	   "\x11\x1a\x0a\x17"
	   "\x86\x09\x00\x01\x00\x00\x00\x09\x00\x10\x00\x00"
	   "\x89\x06\x00\x03\x01\x21\x00\x00\x00"
	   "\x79\x00");
	done();
}

TEST(too_deep_is_a_failure_that_is_remembered)
{
	unsigned i;

	for (i = 0; i < AML_DEPTH; i++)
		aml_if(&a);
	EQ(aml_failed(&a), false);
	aml_if(&a);
	aml_int(&a, 5);
	aml_end(&a);
	EQ(aml_failed(&a), true);
	done();
}
