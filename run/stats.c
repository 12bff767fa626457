/* SPDX-License-Identifier: MIT */
/* Statistics as tables or JSON, and writing them where --stats says. */
#include "run/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/board.h"
#include "core/log.h"
#include "host/output.h"

#define NAME_WIDTH 26 /* of a count */
#define COLUMN	   11
#define COLUMNS	   4 /* beside the names: 70 characters */

static const json_t *vcpus_of(const json_t *stats)
{
	return json_object_get(stats, "vcpus");
}

/* Column 0 is the sum, column N is vCPU N-1. */
static json_int_t count(const json_t *vcpus, const char *name, size_t column)
{
	json_int_t sum = 0;
	size_t i;

	for (i = 0; i < json_array_size(vcpus); i++) {
		const json_t *v = json_array_get(vcpus, i);

		if (!column || column == i + 1)
			sum += json_integer_value(json_object_get(
				json_object_get(v, "stats"), name));
	}
	return sum;
}

/* Columns @from up to @to, with their heading. */
static void print_band(const json_t *vcpus, size_t from, size_t to, FILE *f)
{
	json_t *first = json_object_get(json_array_get(vcpus, 0), "stats");
	const char *name;
	json_t *val;
	size_t i;

	fprintf(f, "%-*s", NAME_WIDTH, "vCPU");
	for (i = from; i < to; i++)
		if (i)
			fprintf(f, "%*zu", COLUMN, i - 1);
		else
			fprintf(f, "%*s", COLUMN, "all");
	fputc('\n', f);
	json_object_foreach(first, name, val)
	{
		if (!json_is_integer(val))
			continue;
		fprintf(f, "%-*s", NAME_WIDTH, name);
		for (i = from; i < to; i++)
			fprintf(f, "%*" JSON_INTEGER_FORMAT, COLUMN,
				count(vcpus, name, i));
		fputc('\n', f);
	}
}

static void print_el2(const json_t *el2, size_t vcpu, FILE *f)
{
	size_t i;
	json_t *r;

	fprintf(f, "\nEL2 of vCPU %zu, which is at EL%d\n", vcpu,
		(int)json_integer_value(json_object_get(el2, "current_el")));
	json_array_foreach(json_object_get(el2, "registers"), i, r)
	{
		const char *name, *value, *meaning;

		if (!json_unpack(r, "{s:s, s:s, s:s}", "name", &name, "value",
				 &value, "meaning", &meaning))
			fprintf(f, "%-10s %18s%s%s\n", name, value,
				*meaning ? "  " : "", meaning);
	}
}

/* One line each, with a dash where a device has no such count. */
static void print_devices(const json_t *devices, FILE *f)
{
	static const struct {
		const char *count;
		int width;
	} columns[] = { { "requests", 10 },   { "bytes", 14 },
			{ "errors", 8 },      { "notifications", 14 },
			{ "interrupts", 12 }, { "accesses", 10 } };
	const size_t n = sizeof(columns) / sizeof(columns[0]);
	const json_t *d, *val;
	size_t i, k;

	if (!json_array_size(devices))
		return;
	fprintf(f, "\n%-10s", "device");
	for (k = 0; k < n; k++)
		fprintf(f, "%*s", columns[k].width, columns[k].count);
	fputc('\n', f);
	json_array_foreach(devices, i, d)
	{
		fprintf(f, "%-10s",
			json_string_value(json_object_get(d, "name")));
		for (k = 0; k < n; k++) {
			val = json_object_get(d, columns[k].count);
			if (val)
				fprintf(f, "%*" JSON_INTEGER_FORMAT,
					columns[k].width,
					json_integer_value(val));
			else
				fprintf(f, "%*s", columns[k].width, "-");
		}
		fputc('\n', f);
	}
}

void stats_print(const json_t *stats, FILE *f)
{
	const json_t *vcpus = vcpus_of(stats);
	size_t i, n = json_array_size(vcpus) + 1;
	const char *name;
	json_t *val;

	/* The sum over one vCPU says nothing new. */
	for (i = n == 2; i < n; i += COLUMNS) {
		print_band(vcpus, i, i + COLUMNS < n ? i + COLUMNS : n, f);
		fputc('\n', f);
	}
	fprintf(f, "VM\n");
	json_object_foreach(json_object_get(stats, "vm"), name,
			    val) if (json_is_integer(val))
		fprintf(f, "%-*s%*" JSON_INTEGER_FORMAT "\n", NAME_WIDTH, name,
			COLUMN, json_integer_value(val));
	print_devices(json_object_get(stats, "devices"), f);
	json_array_foreach(vcpus, i, val)
	{
		json_t *el2 = json_object_get(val, "el2");

		if (el2)
			print_el2(el2, i, f);
	}
}

static bool ends_in_json(const char *path)
{
	size_t len = path ? strlen(path) : 0;

	return len >= 5 && !strcmp(path + len - 5, ".json");
}

static char *json_text(const json_t *stats)
{
	char *dump = json_dumps(stats, JSON_INDENT(2)), *text = NULL;

	if (dump && asprintf(&text, "%s\n", dump) < 0)
		text = NULL;
	free(dump);
	return text;
}

/* A terminal in raw mode needs the carriage return. */
static void put_line_ends(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputc('\r', to);
		fputc(*text, to);
	}
}

/* The text for @path, the caller's to free(); NULL: no memory. */
static char *render(const json_t *stats, const char *path)
{
	int fd = !path ? STDERR_FILENO : strcmp(path, "-") ? -1 : STDOUT_FILENO;
	char *text = NULL, *raw = NULL;
	size_t size;
	FILE *f;

	if (ends_in_json(path))
		return json_text(stats);
	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	stats_print(stats, f);
	if (fclose(f) || fd < 0 || !isatty(fd))
		return text;
	f = open_memstream(&raw, &size);
	if (f) {
		put_line_ends(f, text);
		fclose(f);
	}
	free(text);
	return raw;
}

int stats_write(struct board *b, struct output *to)
{
	const char *path = to ? output_path(to) : NULL;
	json_t *stats = NULL;
	char *text = NULL;
	struct err e;
	int r = board_stats(b, true, &stats, &e);

	if (!r) {
		text = render(stats, path);
		json_decref(stats);
		if (!text)
			r = err_no_memory(&e);
	}
	if (!r && !to)
		fputs(text, stderr);
	else if (!r)
		r = output_put(to, text, strlen(text), &e);
	if (r < 0)
		log_warnx("--stats: %s", e.text);
	free(text);
	return r;
}
