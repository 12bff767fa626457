/* SPDX-License-Identifier: MIT */
/*
 * CPU templates. What is accepted, written down again under the names that the
 * fields have, must be accepted with the same result.
 */
#include "arm64/cpu.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool cond)
{
	if (!cond)
		abort();
}

static char *write_down(const struct cpu_template *t)
{
	char name[IDFIELD_NAME], *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	unsigned i;

	for (i = 0; i < t->n; i++)
		fprintf(f, "%s = %" PRIu64 "\n",
			idfield_name(&t->line[i].field, name),
			t->line[i].value);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct cpu_template *t, *again;
	struct err e = { "" };
	unsigned i;

	if (cpu_template_parse("x", text, &t, &e)) {
		expect(e.text[0] && !strpbrk(e.text, "\r\n\033"));
		free(text);
		return 0;
	}
	free(text);
	text = write_down(t);
	expect(!cpu_template_parse("x", text, &again, &e));
	expect(again->n == t->n);
	for (i = 0; i < t->n; i++) {
		expect(again->line[i].value == t->line[i].value);
		expect(again->line[i].field.reg == t->line[i].field.reg &&
		       again->line[i].field.lsb == t->line[i].field.lsb &&
		       again->line[i].field.width == t->line[i].field.width);
	}
	free(text);
	cpu_template_free(t);
	cpu_template_free(again);
	return 0;
}
