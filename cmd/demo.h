/* SPDX-License-Identifier: MIT */
/*
 * What `nestor demo` is made of: chapters, each a payload built into the
 * binary; what such a payload reported; and the words around it.
 *
 * A payload speaks in lines (guest/rt/el2.h): STEP, REG, EXITS, PASS, FAIL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct demo_chapter {
	const char *payload; /* its name in guest/ */
	const char *title, *text;
	const uint8_t *image, *end;
};

extern const struct demo_chapter demo_chapters[];
extern const unsigned demo_nchapters;

/* What a step shows, in words; NULL if the payload has grown one without. */
struct demo_words {
	const char *id, *title, *text;
};

const struct demo_words *demo_words_of(const char *id);

/* One step, as its payload reported it. */
struct demo_step {
	char id[32];
	unsigned nregs;
	struct {
		char name[24];
		uint64_t value;
	} reg[12];
	bool counted; /* exits to the host: now, and without FEAT_NV2 */
	uint64_t exits, without;
	unsigned nchecks;
	char check[6][120]; /* what was found to hold */
};

#define DEMO_STEPS_MAX 32

struct demo_report {
	unsigned nsteps;
	struct demo_step step[DEMO_STEPS_MAX];
	char failure[160]; /* empty: none */
};

/* Take one line of a payload's, without its end. What is unknown is ignored. */
void demo_report_line(struct demo_report *, const char *line);

/* For people, wrapped to 78 columns. */
void demo_show_chapter(const struct demo_chapter *, unsigned number, FILE *);
void demo_show_step(const struct demo_step *, FILE *);

/*
 * For programs: one JSON object. @report has one entry for each chapter. 0 or
 * -ENOMEM.
 */
int demo_json(const struct demo_report *report, FILE *);
