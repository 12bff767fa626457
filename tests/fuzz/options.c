/* SPDX-License-Identifier: MIT */
/*
 * Command lines and configuration files. The first byte chooses: a file, or
 * the words of a command line, each ended by a newline.
 *
 * Whatever is accepted must dump to a file that reads back the same.
 */
#include "config/options.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "core/log.h"

#define WORDS 64

static char *dump(const struct config *c, size_t *size)
{
	char *text;
	FILE *f = open_memstream(&text, size);

	config_dump(c, f);
	fclose(f);
	return text;
}

static void check_dump(const struct config *c)
{
	char *first, *second;
	struct config again;
	size_t n1, n2;
	struct err e;

	first = dump(c, &n1);
	if (config_init(&again, &e) ||
	    config_parse_text("/x/vm.conf", first, n1, &again, &e)) {
		fprintf(stderr, "%s\n%s", e.text, first);
		abort();
	}
	second = dump(&again, &n2);
	if (n1 != n2 || memcmp(first, second, n1)) {
		fprintf(stderr, "%s\n%s", first, second);
		abort();
	}
	free(first);
	free(second);
	config_free(&again);
}

static void fuzz_file(const char *text, size_t len)
{
	struct config c;
	struct err e;

	if (config_init(&c, &e))
		return;
	if (!config_parse_text("d/vm.conf", text, len, &c, &e))
		check_dump(&c);
	config_free(&c);
}

static void fuzz_words(char *text)
{
	char *argv[WORDS + 1] = { "run" }, *word;
	struct config c;
	struct err e;
	int argc = 1, rc;

	while (argc < WORDS && (word = strsep(&text, "\n")))
		argv[argc++] = word;
	rc = config_parse(argc, argv, &c, &e);
	if (rc < 0)
		return;
	if (rc != CONFIG_HELP)
		check_dump(&c);
	config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	/* Not --config: it would read files of this machine. */
	if (data[0] & 1)
		fuzz_file((const char *)data + 1, size - 1);
	else if (text && !strstr(text, "--config"))
		fuzz_words(text);
	free(text);
	return 0;
}
