/* SPDX-License-Identifier: MIT */
#include "config/parts.h"

#include <errno.h>
#include <stdint.h>

#include "config/keys.h"
#include "config/values.h"
#include "core/log.h"
#include "tests/unit/test.h"

static struct config c;
static struct err why;

static int add(const char *name, const char *value)
{
	why.text[0] = '\0';
	return key_set(key_find(name, strlen(name)), &c, value, NULL, &why);
}

static void fresh(void)
{
	config_free(&c);
	EQ(config_init(&c, &why), 0);
}

static void refused(const char *name, const char *value, const char *reason)
{
	fresh();
	LT(add(name, value), 0);
	STR_EQ(why.text, reason);
	config_free(&c);
}

static const char *dump(const char *name)
{
	static char text[1024];
	const struct key *k = key_find(name, strlen(name));
	FILE *f = fmemopen(text, sizeof(text), "w");

	key_dump(k, &c, f);
	fclose(f);
	return text;
}

TEST(rows_stand_in_their_places_and_fit_what_the_code_counts_on)
{
	const struct part *row;
	const struct key *k;
	unsigned n;

	for (k = keys; k < keys + nkeys; k++) {
		if (!k->parts)
			continue;
		n = 0;
		LT(k->parts->size, 128 + 1);
		for (row = k->parts->rows; row->name; row++) {
			LT(n++, 16);
			LT(row->type->size, VALUE_SIZE_MAX + 1);
			LT(row->at + row->type->size, k->parts->size + 1);
			OK(row->place != PART_LABEL || n == 1);
			OK(row->place != PART_LABEL || k->parts->noun);
			/* Nothing unnamed behind what has a name. */
			OK(row[1].name == NULL || row->place != PART_NAMED ||
			   row[1].place == PART_NAMED);
			OK(row->type != &value_number || row->max);
			OK(row->type != &value_slot || row->max);
			OK(row->type != &value_word || row->words);
		}
	}
}

TEST(a_part_that_is_given_twice_is_refused)
{
	refused("disk", "a,ro,ro", "'ro' is given twice; leave one out");
	refused("disk", "a,serial=1,ro,serial=2",
		"'serial' is given twice; leave one out");
	refused("network", "tap,mac=52:54:00:12:34:56,mac=52:54:00:12:34:57",
		"'mac' is given twice; leave one out");
	refused("vsock", "/x,cid=3,cid=3",
		"'cid' is given twice; leave one out");
	refused("smbios", "sku=1,sku=1", "'sku' is given twice; leave one out");
}

TEST(a_part_that_is_nearly_right_is_named)
{
	refused("disk", "a,seriel=1",
		"unknown flag 'seriel=1': did you mean 'serial'?");
	refused("disk", "a,trnsport=pci",
		"unknown flag 'trnsport=pci': did you mean 'transport'?");
	refused("smbios", "famly=x",
		"unknown field 'famly=x': did you mean 'family'?");
	refused("share", "a=/b,r",
		"unknown flag 'r'; use ro, transport=KIND or slot=N");
	refused("disk", "a,",
		"unknown flag ''; use ro, serial=TEXT, "
		"transport=KIND or slot=N");
}

TEST(a_flag_takes_no_value_and_a_value_is_not_left_out)
{
	refused("disk", "a,ro=on", "'ro=on': ro takes no value");
	refused("disk", "a,serial", "serial needs a value: serial=TEXT");
	refused("network", "fd",
		"unknown network 'fd'; use tap, tap=NAME, "
		"fd=N or none");
}

TEST(what_is_refused_changes_nothing)
{
	fresh();
	EQ(add("vsock", "/a,cid=7"), 0);
	EQ(add("smbios", "sku=1"), 0);
	EQ(add("module", "kernel=k"), 0);
	EQ(add("disk", "d,serial=s"), 0);
	LT(add("vsock", "/b,cid=8,x"), 0);
	LT(add("smbios", "sku=2,family="), 0);
	LT(add("module", "ramdisk=r,a,b"), 0);
	LT(add("disk", "e,serial=t,serial=u"), 0);
	STR_EQ(dump("vsock"), "vsock = /a,cid=7\n");
	STR_EQ(dump("smbios"), "smbios = sku=1\n");
	EQ(c.ndisks, 1);
	OK(!c.modules[MODULE_RAMDISK].path);
	config_free(&c);
}

TEST(one_that_is_given_again_replaces_the_former_and_its_parts)
{
	fresh();
	EQ(add("vsock", "/a,cid=7"), 0);
	EQ(add("vsock", "/b"), 0);
	STR_EQ(dump("vsock"), "vsock = /b\n");
	config_free(&c);
}

TEST(a_blank_that_a_dump_would_lose_is_refused)
{
	refused("vsock", "/a ,cid=3", "'/a ' ends with a blank");
	refused("smbios", "sku=a ,family=b", "'a ' ends with a blank");
	refused("disk", "a\t,transport=pci", "'a\t' ends with a blank");
}

TEST(a_slot_is_one_of_32_and_is_written_as_it_was_given)
{
	fresh();
	EQ(add("disk", "/a,slot=0"), 0);
	EQ(add("disk", "/b,slot=31,ro"), 0);
	EQ(add("disk", "/c"), 0);
	EQ(c.disks[0].place.slot, 1);
	EQ(c.disks[2].place.slot, 0);
	STR_EQ(dump("disk"), "disk = /a,slot=0\n"
			     "disk = /b,ro,slot=31\n"
			     "disk = /c\n");
	refused("disk", "a,slot=32", "slot=32: not in the range 0 to 31");
	refused("disk", "a,slot=-1", "slot=-1: not a whole number");
	config_free(&c);
}

TEST(every_kind_of_network_is_written_as_it_was_given)
{
	fresh();
	EQ(add("network", "tap"), 0);
	EQ(add("network", "tap=a,,b,transport=mmio"), 0);
	EQ(add("network", "fd=9,mac=52:54:00:12:34:56"), 0);
	STR_EQ(dump("network"), "network = tap\n"
				"network = tap=a,,b,transport=mmio\n"
				"network = fd=9,mac=52:54:00:12:34:56\n");
	config_free(&c);
}
