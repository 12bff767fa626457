/* SPDX-License-Identifier: MIT */
/* A VM's statistics: what the board collects, and how they are shown. */
#include "run/stats.h"

#include <errno.h>

#include "machine/board_impl.h"
#include "core/kvm.h"
#include "tests/unit/board_rig.h"
#include "tests/unit/stats_rig.h"
#include "tests/unit/test.h"

static struct stats_file file;

/* Of a board with @cpus vCPUs, each of which has left 21 times. */
static json_t *stats_of(unsigned cpus, enum nested_kind nested, bool counts)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	json_t *stats;

	c.cpus = cpus;
	c.nested = nested;
	fake_kvm_reset();
	fake_kvm_cap(KVM_CAP_ARM_EL2, 1);
	fake_kvm_reg(0x3c9);
	file = stats_file();
	stats_file_add(&file, "wait_hist", KVM_STATS_TYPE_LOG_HIST, 0, 2);
	stats_file_add(&file, "exits", 0, 2, 1);
	file.data[1] = 5;
	file.data[2] = 21;
	fake_kvm_stats(counts ? &file : NULL, sizeof(file));
	EQ(board_rig_make(&c, &b, &e), 0);
	EQ(board_stats(b, true, &stats, &e), 0);
	board_rig_unmake(b);
	OK(stats);
	return stats;
}

/* The table, and the object with it, to be freed. */
static char *table(json_t *stats)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	stats_print(stats, f);
	fclose(f);
	json_decref(stats);
	return text;
}

TEST(each_vcpu_and_the_vm_have_their_counts_by_name)
{
	json_t *s = stats_of(2, NESTED_OFF, true), *v, *hist;

	EQ(json_array_size(json_object_get(s, "vcpus")), 2);
	v = json_object_get(json_array_get(json_object_get(s, "vcpus"), 1),
			    "stats");
	EQ(json_integer_value(json_object_get(v, "exits")), 21);
	hist = json_object_get(v, "wait_hist");
	EQ(json_array_size(hist), 2);
	EQ(json_integer_value(json_array_get(hist, 1)), 5);
	EQ(json_integer_value(
		   json_object_get(json_object_get(s, "vm"), "exits")),
	   21);
	json_decref(s);
}

TEST(a_kernel_that_counts_nothing_leaves_counts_empty)
{
	json_t *s = stats_of(1, NESTED_OFF, false);
	json_t *v = json_array_get(json_object_get(s, "vcpus"), 0);

	EQ(json_object_size(json_object_get(v, "stats")), 0);
	EQ(json_object_size(json_object_get(s, "vm")), 0);
	free(table(s));
}

TEST(a_guest_without_an_el2_shows_none)
{
	json_t *s = stats_of(1, NESTED_OFF, true);

	OK(!json_object_get(json_array_get(json_object_get(s, "vcpus"), 0),
			    "el2"));
	json_decref(s);
}

TEST(a_guest_with_an_el2_shows_its_registers_in_words)
{
	char *text = table(stats_of(1, NESTED_VHE, true));

	HAS(text, "\nEL2 of vCPU 0, which is at EL2\n");
	HAS(text, "\nPSTATE                  0x3c9  EL2h\n");
	HAS(text, "\nHCR_EL2                 0x3c9  VM|FMO|VF|VI|VSE|FB\n");
	HAS(text, "\nELR_EL2                 0x3c9\n");
	free(text);
}

TEST(the_table_has_a_sum_and_four_columns_at_a_time)
{
	char *text = table(stats_of(5, NESTED_OFF, true)), *line;

	HAS(text, "vCPU                              all          0          1"
		  "          2\n");
	HAS(text, "exits                             105         21         21"
		  "         21\n");
	HAS(text, "vCPU                                3          4\n");
	HAS(text, "exits                              21         21\n");
	OK(!strstr(text, "wait_hist"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		LT(strlen(line), 80);
	free(text);
}

TEST(the_sum_of_one_is_not_shown)
{
	char *text = table(stats_of(1, NESTED_OFF, true));

	HAS(text, "vCPU                                0\nexits");
	free(text);
}

TEST(what_cannot_be_opened_is_told_and_no_zeros_are_shown)
{
	struct config c = board_rig_config();
	struct board *b;
	struct err e;
	json_t *stats;

	c.cpus = 4;
	fake_kvm_reset();
	file = stats_file();
	stats_file_add(&file, "exits", 0, 0, 1);
	fake_kvm_stats(&file, sizeof(file));
	EQ(board_rig_make(&c, &b, &e), 0);
	fake_kvm_fail(KVM_GET_STATS_FD, 3, EMFILE);
	EQ(board_stats(b, false, &stats, &e), -EMFILE);
	HAS(e.text, "statistics of 4 vCPUs take as many open files again");
	fake_kvm_fail(KVM_GET_STATS_FD, 0, 0);
	EQ(board_stats(b, false, &stats, &e), 0);
	json_decref(stats);
	board_rig_unmake(b);
}

/* --- devices --- */

/* A board with all that a bus can have, over PCI or MMIO. */
static struct board *full_board(enum transport_kind transport)
{
	struct config c = board_rig_config();
	char firmware[] = "/tmp/nestor-unit.XXXXXX";
	struct board *b;
	struct err e;
	int fd;

	fd = mkstemp(firmware);
	OK(fd >= 0 && write(fd, "1234", 4) == 4);
	close(fd);
	c.kernel = NULL;
	c.firmware = firmware;
	c.transport = transport;
	c.rng = c.watchdog = c.pci_testdev = true;
	fake_kvm_reset();
	EQ(board_rig_make(&c, &b, &e), 0);
	unlink(firmware);
	return b;
}

static json_t *named(json_t *list, const char *name)
{
	json_t *o, *found = NULL;
	size_t i;

	json_array_foreach(list, i, o)
	{
		if (strcmp(json_string_value(json_object_get(o, "name")), name))
			continue;
		OK(!found);
		found = o;
	}
	if (!found)
		FAIL("there is no %s", name);
	return found;
}

static json_int_t count_of(struct board *b, const char *name, const char *what)
{
	json_t *list = board_device_stats(b);
	json_t *n = json_object_get(named(list, name), what);
	json_int_t val = json_is_integer(n) ? json_integer_value(n) : -1;

	json_decref(list);
	return val;
}

/* Of a byte, which each device answers. */
static void access_at(struct board *b, gpa_t gpa, bool write, uint64_t val)
{
	OK(bus_access(&b->vm.bus, gpa, 1, write, &val));
}

TEST(every_device_on_the_bus_has_a_name_of_its_own_and_its_accesses)
{
	struct board *b = full_board(TRANSPORT_MMIO);
	struct device *dev;
	unsigned i;

	for (i = 0; i < b->vm.bus.n; i++) {
		dev = b->vm.bus.range[i].dev;
		EQ(count_of(b, dev->name, "accesses"), 0);
		access_at(b, b->vm.bus.range[i].base, false, 0);
		EQ(count_of(b, dev->name, "accesses"), 1);
	}
	OK(i > 10);
	NE(count_of(b, "flash1", "accesses"), -1);
	NE(count_of(b, "pci-ecam", "accesses"), -1);
	/* A virtio device on it has its other counts too. */
	EQ(count_of(b, "rng", "requests"), 0);
	EQ(count_of(b, "pl011", "requests"), -1);
	board_rig_unmake(b);
}

TEST(a_virtio_device_on_pci_has_the_counts_of_its_own_alone)
{
	struct board *b = full_board(TRANSPORT_PCI);

	EQ(count_of(b, "rng", "accesses"), -1);
	EQ(count_of(b, "rng", "requests"), 0);
	board_rig_unmake(b);
}

TEST(a_device_has_the_interrupts_of_its_line_and_the_pci_host_of_all_four)
{
	struct board *b = full_board(TRANSPORT_MMIO);
	struct irq rtc = board_level_irq(b, arch_map.rtc.line);
	unsigned i;

	for (i = 0; i < 3; i++) {
		irq_set(&rtc, true);
		irq_set(&rtc, false);
	}
	for (i = 0; i < 4; i++) {
		struct irq pin = board_level_irq(b, arch_map.ecam.line + i);

		irq_set(&pin, true);
	}
	EQ(count_of(b, "pl031", "interrupts"), 3);
	EQ(count_of(b, "pci-ecam", "interrupts"), 4);
	EQ(count_of(b, "pci-low", "interrupts"), 0);
	/* What the model itself raises is the same. */
	access_at(b, arch_map.uart.base + 0x38, true, 1 << 5);
	access_at(b, arch_map.uart.base, true, 'x');
	EQ(count_of(b, "pl011", "interrupts"), 1);
	EQ(count_of(b, "pl011", "accesses"), 2);
	board_rig_unmake(b);
}

TEST(the_table_has_a_dash_where_a_device_has_no_such_count)
{
	json_t *s = json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:i}]}", "devices",
			      "name", "pl011", "interrupts", 7, "accesses",
			      12345, "name", "disk0", "requests", 9);
	char *text = table(s);

	HAS(text, "device      requests         bytes  errors notifications  "
		  "interrupts  accesses\n");
	HAS(text, "pl011              -             -       -             -  "
		  "         7     12345\n");
	HAS(text, "disk0              9             -       -             -  "
		  "         -         -\n");
	free(text);
}
