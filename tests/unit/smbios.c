/* SPDX-License-Identifier: MIT */
#include "machine/smbios.h"

#include "tests/unit/test.h"

static struct smbios s;

/* What a machine of @cpus and @mib says of itself, with nothing of the user's. */
static void build(unsigned cpus, uint64_t mib)
{
	const struct machine m = { .cpus = cpus, .ram_size = mib << 20 };
	const struct smbios_config c = { 0 };

	smbios_build(&m, &c, &s);
}

/* The structure of @type, or NULL. Walks as the specification says (6.1.2). */
static const uint8_t *find(unsigned type)
{
	size_t at = 0;

	while (at + 4 <= s.size) {
		const uint8_t *t = s.tables + at;
		size_t end = at + t[1];

		OK(t[1] >= 4 && end + 2 <= s.size);
		if (t[0] == type)
			return t;
		while (s.tables[end] || s.tables[end + 1])
			OK(++end + 2 <= s.size);
		at = end + 2;
	}
	EQ(at, s.size);
	return NULL;
}

/* Text number @n of @t; "" for 0. */
static const char *text(const uint8_t *t, unsigned n)
{
	const char *p = (const char *)t + t[1];

	if (!n)
		return "";
	while (--n)
		p += strlen(p) + 1;
	return p;
}

static uint64_t field(const uint8_t *t, unsigned off, unsigned bytes)
{
	uint64_t v = 0;

	OK(off + bytes <= t[1]);
	memcpy(&v, t + off, bytes);
	return v;
}

TEST(the_anchor_is_a_64_bit_entry_point_whose_bytes_sum_to_zero)
{
	uint8_t sum = 0;
	unsigned i;

	build(1, 512);
	MEM_EQ(s.anchor, "_SM3_", 5);
	EQ(s.anchor[6], 24);
	EQ(s.anchor[7], 3);
	EQ(*(uint32_t *)(s.anchor + 12), s.size);
	for (i = 0; i < sizeof(s.anchor); i++)
		sum += s.anchor[i];
	EQ(sum, 0);
}

TEST(each_structure_that_a_guest_expects_is_there_once_in_its_length)
{
	/* DSP0134 3.0, the table of each type. */
	static const uint8_t length[][2] = {
		{ 1, 0x1b },  { 2, 0x0f },  { 3, 0x16 },
		{ 4, 0x30 },  { 16, 0x17 }, { 17, 0x28 },
		{ 19, 0x1f }, { 32, 0x0b }, { 127, 0x04 },
	};
	unsigned i;

	build(2, 1024);
	for (i = 0; i < sizeof(length) / 2; i++) {
		const uint8_t *t = find(length[i][0]);

		OK(t);
		EQ(t[1], length[i][1]);
	}
	EQ(find(0), NULL);
	EQ(find(127) + 6 - s.tables, s.size);
}

TEST(the_users_texts_stand_in_the_system_and_what_it_is_part_of)
{
	const struct machine m = { .cpus = 1, .ram_size = 1 << 30 };
	const struct smbios_config c = {
		.text = { "ACME", "Anvil", "v1.2", "SN-7", "SKU 9", "Tools" },
		.uuid = { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2,
			  3, 4, 5, 6, 7, 8 },
	};
	const uint8_t *t;

	smbios_build(&m, &c, &s);
	t = find(1);
	STR_EQ(text(t, t[4]), "ACME");
	STR_EQ(text(t, t[5]), "Anvil");
	STR_EQ(text(t, t[6]), "v1.2");
	STR_EQ(text(t, t[7]), "SN-7");
	MEM_EQ(t + 8, "\x78\x56\x34\x12\xbc\x9a\xf0\xde\1\2\3\4\5\6\7\10", 16);
	STR_EQ(text(t, t[0x19]), "SKU 9");
	STR_EQ(text(t, t[0x1a]), "Tools");
	STR_EQ(text(find(2), find(2)[4]), "ACME");
	STR_EQ(text(find(3), find(3)[4]), "ACME");
}

TEST(what_the_user_does_not_say_is_nestors_or_not_there)
{
	const uint8_t *t;

	build(1, 512);
	t = find(1);
	STR_EQ(text(t, t[4]), "nestor");
	STR_EQ(text(t, t[5]), "KVM Virtual Machine");
	EQ(t[7], 0);
	EQ(field(t, 8, 8) | field(t, 16, 8), 0);
}

TEST(the_processors_are_cores_of_one_and_more_than_254_are_counted_too)
{
	build(4, 512);
	EQ(field(find(4), 0x23, 1), 4);
	EQ(field(find(4), 0x28, 2), 0x101);
	EQ(field(find(4), 0x2a, 2), 4);
	build(512, 512);
	EQ(field(find(4), 0x23, 1), 0xff);
	EQ(field(find(4), 0x2a, 2), 512);
}

TEST(memory_has_its_size_in_the_fields_that_hold_it)
{
	build(1, 512);
	EQ(field(find(16), 0x0f, 8), 512ull << 20);
	EQ(field(find(17), 0x0c, 2), 512);
	EQ(field(find(17), 0x1c, 4), 0);
	EQ(field(find(19), 4, 4), 0x40000000 >> 10);
	EQ(field(find(19), 8, 4), (0x60000000 >> 10) - 1);
	build(1, 8 << 20);
	EQ(field(find(17), 0x0c, 2), 0x7fff);
	EQ(field(find(17), 0x1c, 4), 8 << 20);
	EQ(field(find(19), 4, 4), 0xffffffff);
	EQ(field(find(19), 0x0f, 8), 0x40000000);
	EQ(field(find(19), 0x17, 8), (8ull << 40) + 0x3fffffff);
}

TEST(the_longest_texts_fit)
{
	char longest[SMBIOS_TEXT_MAX + 1];
	const struct machine m = { .cpus = 512, .ram_size = 1ull << 50 };
	struct smbios_config c = { 0 };
	unsigned i;

	memset(longest, 'x', sizeof(longest));
	longest[SMBIOS_TEXT_MAX] = '\0';
	for (i = 0; i < SMBIOS_TEXTS; i++)
		c.text[i] = longest;
	smbios_build(&m, &c, &s);
	OK(find(127));
}
