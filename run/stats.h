/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a running VM, for people and for programs.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

struct board;
struct output;

/*
 * stats_write() - what board_stats() knows, into @to, or if that is
 * NULL to standard error
 *
 * As JSON if the name ends in .json, else as a table. A file is replaced in one
 * step, so that a reader never sees half of it. 0 or -errno, logged. Main thread.
 */
int stats_write(struct board *, struct output *to);

/*
 * stats_print() - board_stats()' object as a table
 *
 * A row for each count, columns for all vCPUs together and for each; histograms
 * are left out. Then the EL2 of each vCPU, if they have one.
 */
void stats_print(const json_t *stats, FILE *);
