/* SPDX-License-Identifier: MIT */
#include "cmd/demo.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "tests/unit/test.h"

#define CHAPTERS 32
static struct demo_report *report;

static void said(const char *line)
{
	if (!report)
		report = test_room(CHAPTERS * sizeof(*report));
	demo_report_line(&report[0], line);
}

static char *shown(const struct demo_step *s)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	demo_show_step(s, f);
	fclose(f);
	return text;
}

static void a_step(void)
{
	said("STEP trap.tsc");
	said("REG HCR_EL2 0x80080010");
	said("REG VBAR_EL2 0x40000800");
	said("EXITS 2 8");
	said("PASS it holds");
}

TEST(a_step_has_what_its_payload_reported)
{
	const struct demo_step *s;

	a_step();
	s = &report[0].step[0];
	EQ(report[0].nsteps, 1);
	STR_EQ(s->id, "trap.tsc");
	EQ(s->nregs, 2);
	STR_EQ(s->reg[0].name, "HCR_EL2");
	EQ(s->reg[0].value, 0x80080010);
	EQ(s->exits, 2);
	EQ(s->without, 8);
	STR_EQ(s->check[0], "it holds");
	STR_EQ(report[0].failure, "");
}

TEST(a_failure_is_the_chapters_even_before_a_step)
{
	said("FAIL there is no EL2");
	STR_EQ(report[0].failure, "there is no EL2");
}

/* As a payload that has lost its way may print anything. */
TEST(odd_lines_are_taken_or_left_but_never_overflow)
{
	char line[4096];
	unsigned i;

	said("REG HCR_EL2 1");
	said("EXITS 1 2");
	said("PASS nothing");
	EQ(report[0].nsteps, 0);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	for (i = 0; i < DEMO_STEPS_MAX + 9; i++) {
		memcpy(line, "STEP ", 5);
		said(line);
		memcpy(line, "REG  ", 5);
		said(line);
		memcpy(line, "REG A", 5);
		said(line);
		memcpy(line, "PASS ", 5);
		said(line);
		memcpy(line, "FAIL ", 5);
		said(line);
	}
	said("EXITS");
	said("EXITS x y");
	EQ(report[0].nsteps, DEMO_STEPS_MAX);
	for (i = 0; i < 40; i++) {
		said("REG HCR_EL2 1");
		said("PASS again");
	}
	EQ(report[0].step[DEMO_STEPS_MAX - 1].nregs, 12);
	free(shown(&report[0].step[DEMO_STEPS_MAX - 1]));
}

TEST(a_step_is_shown_with_its_registers_decoded_in_80_columns)
{
	char *text, *line;

	a_step();
	said("REG ESR_EL2 0x62323400");
	text = shown(&report[0].step[0]);
	HAS(text, "HCR_EL2      0x0000000080080010  IMO|TSC|RW\n");
	HAS(text, "VBAR_EL2     0x0000000040000800\n");
	HAS(text, "EC 0x18 MSR or MRS");
	HAS(text, "exits to the host: 2; without FEAT_NV2: 8\n");
	HAS(text, "ok: it holds\n");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		LT(strlen(line), 80);
	free(text);
}

TEST(json_has_every_chapter_and_decodes_registers)
{
	json_t *o, *step;
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	OK(demo_nchapters <= CHAPTERS);
	a_step();
	EQ(demo_json(report, f), 0);
	fclose(f);
	o = json_loads(text, 0, NULL);
	EQ(json_array_size(json_object_get(o, "chapters")), demo_nchapters);
	step = json_array_get(
		json_object_get(
			json_array_get(json_object_get(o, "chapters"), 0),
			"steps"),
		0);
	EQ(json_integer_value(json_object_get(json_object_get(step, "exits"),
					      "without_nv2")),
	   8);
	json_decref(o);
	free(text);
}

TEST(every_chapter_has_a_payload_and_words)
{
	unsigned i;

	for (i = 0; i < demo_nchapters; i++) {
		OK(demo_chapters[i].end - demo_chapters[i].image > 64);
		OK(demo_chapters[i].title[0] && demo_chapters[i].text[0]);
	}
	OK(demo_words_of("trap.tvm"));
	OK(!demo_words_of("trap"));
}
