/* SPDX-License-Identifier: MIT */
/* A payload's report: its lines parsed, and printed for people or as JSON. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/demo.h"
#include "cmd/text.h"
#include "nested/decode.h"

#define WIDTH  78
#define INDENT 3

static bool after(const char *line, const char *word, const char **rest)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) || line[len] != ' ')
		return false;
	*rest = line + len + 1;
	return true;
}

static void add_step(struct demo_report *r, const char *id)
{
	struct demo_step *s = &r->step[r->nsteps];

	if (r->nsteps == DEMO_STEPS_MAX)
		return;
	r->nsteps++;
	snprintf(s->id, sizeof(s->id), "%s", id);
}

static void add_reg(struct demo_step *s, const char *text)
{
	const unsigned max = sizeof(s->reg) / sizeof(*s->reg);
	size_t len = strcspn(text, " ");

	if (s->nregs == max || !text[len] || len >= sizeof(s->reg->name))
		return;
	memcpy(s->reg[s->nregs].name, text, len);
	s->reg[s->nregs++].value = strtoull(text + len, NULL, 16);
}

static void add_exits(struct demo_step *s, const char *text)
{
	char *rest;

	s->exits += strtoull(text, &rest, 10);
	s->without += strtoull(rest, NULL, 10);
	s->counted = true;
}

static void add_check(struct demo_step *s, const char *text)
{
	if (s->nchecks < sizeof(s->check) / sizeof(*s->check))
		snprintf(s->check[s->nchecks++], sizeof(*s->check), "%s", text);
}

void demo_report_line(struct demo_report *r, const char *line)
{
	struct demo_step *s = r->nsteps ? &r->step[r->nsteps - 1] : NULL;
	const char *rest;

	if (after(line, "STEP", &rest))
		add_step(r, rest);
	else if (after(line, "FAIL", &rest))
		snprintf(r->failure, sizeof(r->failure), "%s", rest);
	else if (!s)
		return;
	else if (after(line, "REG", &rest))
		add_reg(s, rest);
	else if (after(line, "EXITS", &rest))
		add_exits(s, rest);
	else if (after(line, "PASS", &rest))
		add_check(s, rest);
}

static void put_paragraph(FILE *f, unsigned indent, const char *text)
{
	fprintf(f, "%*s", (int)indent, "");
	put_wrapped(f, indent, text);
}

void demo_show_chapter(const struct demo_chapter *c, unsigned number, FILE *f)
{
	char title[WIDTH + 1];

	snprintf(title, sizeof(title), "%u. %s", number, c->title);
	fprintf(f, "%-*s%s\n", WIDTH - (int)strlen(c->payload), title,
		c->payload);
	put_paragraph(f, INDENT, c->text);
	fputc('\n', f);
}

/* A step without words and registers is a row of a table. */
static bool is_row(const struct demo_step *s)
{
	return s->counted && !s->nregs && !demo_words_of(s->id);
}

static void show_checks(const struct demo_step *s, unsigned indent, FILE *f)
{
	unsigned i;

	for (i = 0; i < s->nchecks; i++)
		fprintf(f, "%*sok: %s\n", indent, "", s->check[i]);
	if (s->nchecks)
		fputc('\n', f);
}

void demo_show_step(const struct demo_step *s, FILE *f)
{
	const struct demo_words *w = demo_words_of(s->id);
	char meaning[160];
	unsigned i;

	if (is_row(s)) {
		fprintf(f, "%*s%-40s %6llu exits; without: %llu\n", INDENT + 2,
			"", s->id, (unsigned long long)s->exits,
			(unsigned long long)s->without);
		show_checks(s, INDENT + 2, f);
		return;
	}
	fprintf(f, "%*s* %s\n", INDENT, "", w ? w->title : s->id);
	if (w)
		put_paragraph(f, INDENT + 2, w->text);
	for (i = 0; i < s->nregs; i++) {
		el2_reg_decode(s->reg[i].name, s->reg[i].value, meaning,
			       sizeof(meaning));
		fprintf(f, "%*s%-12s 0x%016llx%s%.*s\n", INDENT + 4, "",
			s->reg[i].name, (unsigned long long)s->reg[i].value,
			meaning[0] ? "  " : "",
			WIDTH - INDENT - 4 - 12 - 1 - 18 - 2, meaning);
	}
	if (s->counted)
		fprintf(f,
			"%*sexits to the host: %llu; without FEAT_NV2: %llu\n",
			INDENT + 4, "", (unsigned long long)s->exits,
			(unsigned long long)s->without);
	show_checks(s, INDENT + 4, f);
}

static json_t *step_json(const struct demo_step *s)
{
	const struct demo_words *w = demo_words_of(s->id);
	json_t *o = json_object(), *regs = json_array(), *checks = json_array();
	unsigned i;
	int rc = 0;

	for (i = 0; i < s->nregs; i++) {
		char hex[24], meaning[400];

		snprintf(hex, sizeof(hex), "%#llx",
			 (unsigned long long)s->reg[i].value);
		el2_reg_decode(s->reg[i].name, s->reg[i].value, meaning,
			       sizeof(meaning));
		rc |= json_array_append_new(regs,
					    json_pack("{s:s, s:s, s:s}", "name",
						      s->reg[i].name, "value",
						      hex, "meaning", meaning));
	}
	for (i = 0; i < s->nchecks; i++)
		rc |= json_array_append_new(checks, json_string(s->check[i]));
	rc |= json_object_set_new(o, "id", json_string(s->id));
	rc |= json_object_set_new(o, "title",
				  json_string(w ? w->title : s->id));
	rc |= json_object_set_new(o, "registers", regs);
	if (s->counted)
		rc |= json_object_set_new(o, "exits",
					  json_pack("{s:I, s:I}", "measured",
						    s->exits, "without_nv2",
						    s->without));
	rc |= json_object_set_new(o, "checks", checks);
	if (!rc)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *chapter_json(const struct demo_chapter *c,
			    const struct demo_report *r)
{
	json_t *o = json_object(), *steps = json_array();
	unsigned i;
	int rc = 0;

	for (i = 0; i < r->nsteps; i++)
		rc |= json_array_append_new(steps, step_json(&r->step[i]));
	rc |= json_object_set_new(o, "payload", json_string(c->payload));
	rc |= json_object_set_new(o, "title", json_string(c->title));
	rc |= json_object_set_new(o, "steps", steps);
	if (r->failure[0])
		rc |= json_object_set_new(o, "failure",
					  json_string(r->failure));
	if (!rc)
		return o;
	json_decref(o);
	return NULL;
}

/* jansson takes NULL for a value and then fails. */
int demo_json(const struct demo_report *report, FILE *f)
{
	json_t *o = json_object(), *chapters = json_array();
	unsigned i;
	int rc = 0;

	for (i = 0; i < demo_nchapters; i++)
		rc |= json_array_append_new(
			chapters, chapter_json(&demo_chapters[i], &report[i]));
	rc |= json_object_set_new(o, "chapters", chapters);
	return text_put_json(f, o, rc);
}
