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
