/* SPDX-License-Identifier: MIT */
/* From words to options, by a table; it must never know an option by name. */
#include "config/scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "core/log.h"

const struct opt opt_help = {
	.id = OPT_HELP, .name = "help", .letter = 'h', .help = "explain it"
};

static bool matches(const struct opt *row, const char *name, size_t len)
{
	return strlen(row->name) == len && !memcmp(row->name, name, len);
}

static const struct opt *find(const struct scan *s, const char *name,
			      size_t len)
{
	const struct opt *row;

	for (row = s->opts; row && row->name; row++)
		if (matches(row, name, len))
			return row;
	return matches(&opt_help, name, len) ? &opt_help : NULL;
}

static const struct opt *find_letter(const struct scan *s, char letter)
{
	const struct opt *row;

	for (row = s->opts; row && row->name; row++)
		if (row->letter == letter)
			return row;
	return letter == opt_help.letter ? &opt_help : NULL;
}

/* What @word was to be: of options with a --no- form only, if @no. */
static const char *nearest(const struct scan *s, const char *word, bool no)
{
	struct suggestion near = { .word = word };
	const struct opt *row;

	for (row = s->opts; row && row->name; row++)
		if (!no || row->no)
			suggest(&near, row->name);
	return near.name;
}

static int unknown(const struct scan *s, const char *arg, struct err *e)
{
	const char *near = NULL, *no = "";
	char word[64] = "";

	if (arg[1] == '-') {
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg, "=") - 2,
			 arg + 2);
		near = nearest(s, word, false);
	}
	if (!near && !strncmp(word, "no-", 3)) {
		near = nearest(s, word + 3, true);
		no = "no-";
	}
	if (near)
		return err_set(e, -EINVAL,
			       "unknown option %s: did you mean --%s%s?", arg,
			       no, near);
	return err_set(e, -EINVAL, "unknown option %s: see 'nestor help %s'",
		       arg, s->command);
}

/* @row's value: @rest, if that is not NULL, or the next word. */
static int take(struct scan *s, const struct opt *row, const char *rest,
		struct err *e)
{
	s->value = row->arg ? rest : "on";
	if (row->arg && !rest) {
		if (s->arg == s->end)
			return err_set(e, -EINVAL, "%s needs a value: %s %s",
				       s->spelled, s->spelled, row->arg);
		s->value = *s->arg++;
	}
	return row->id;
}

static int scan_long(struct scan *s, const char *arg, struct err *e)
{
	const char *name = arg + 2;
	const size_t len = strcspn(name, "=");
	const char *rest = name[len] ? name + len + 1 : NULL;
	const struct opt *row = find(s, name, len);
	const bool no = !row && len > 3 && !memcmp(name, "no-", 3);

	if (no)
		row = find(s, name + 3, len - 3);
	if (no && row && row->arg)
		return err_set(
			e, -EINVAL,
			"unknown option %s: only flags have a --no- form", arg);
	if (!row || (no && !row->no))
		return unknown(s, arg, e);
	snprintf(s->spelled, sizeof(s->spelled), "--%.*s", (int)len, name);
	if (rest && !row->arg && row->no && !no &&
	    (!strcmp(rest, "on") || !strcmp(rest, "off"))) {
		s->value = rest;
		return row->id;
	}
	if (rest && !row->arg && row->no)
		return err_set(e, -EINVAL,
			       "%s: a flag is on or off; use --%s or --no-%s",
			       arg, row->name, row->name);
	if (rest && !row->arg)
		return err_set(e, -EINVAL, "%s takes no value", s->spelled);
	if (row->bare && !rest) {
		s->bare = row;
		rest = row->bare;
	}
	if (take(s, row, rest, e) < 0)
		return -EINVAL;
	if (no)
		s->value = "off";
	return row->id;
}

static int scan_short(struct scan *s, struct err *e)
{
	const char letter = *s->bundle++;
	const struct opt *row = find_letter(s, letter);
	const char *rest = *s->bundle ? s->bundle : NULL;

	snprintf(s->spelled, sizeof(s->spelled), "-%c", letter);
	if (!row)
		return unknown(s, s->spelled, e);
	s->bundle = row->arg ? NULL : rest;
	return take(s, row, rest, e);
}

int scan_next(struct scan *s, struct err *e)
{
	const char *arg;
	size_t len;

	if (s->bundle)
		return scan_short(s, e);
	if (s->arg < s->end && !s->literal && !strcmp(*s->arg, "--")) {
		s->literal = true;
		s->arg++;
	}
	s->value = NULL;
	if (s->arg == s->end)
		return 0;
	arg = *s->arg++;
	if (s->literal || arg[0] != '-' || !arg[1]) {
		s->value = arg;
		return OPT_OPERAND;
	}
	s->bare = NULL;
	if (arg[1] == '-')
		return scan_long(s, arg, e);
	/* As other programs have them; no value of -k begins like that. */
	len = strcspn(arg + 1, "=");
	if (len > 2 && find(s, arg + 1, len))
		return err_set(e, -EINVAL,
			       "%s: options of more than a letter have two "
			       "dashes; write -%s",
			       arg, arg);
	s->bundle = arg + 1;
	return scan_short(s, e);
}
