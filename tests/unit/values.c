/* SPDX-License-Identifier: MIT */
/* The helpers of config/values.h and parts.h; the kinds of value are in keys.c. */
#include "config/parts.h"
#include "config/values.h"

#include <errno.h>
#include <limits.h>

#include "tests/unit/test.h"

TEST(digits_end_where_something_else_begins_and_overflow_is_noticed)
{
	unsigned long long v = 7;
	const char *end = NULL;

	EQ(digits_parse("012x", &v, &end), 0);
	EQ(v, 12);
	STR_EQ(end, "x");
	EQ(digits_parse("18446744073709551615", &v, &end), 0);
	OK(v == ULLONG_MAX && !*end);
	EQ(digits_parse("18446744073709551616", &v, &end), -ERANGE);
	EQ(digits_parse("", &v, &end), -EINVAL);
	EQ(digits_parse("-1", &v, &end), -EINVAL);
	EQ(digits_parse(" 1", &v, &end), -EINVAL);
	/* What fails changes nothing. */
	OK(v == ULLONG_MAX && !*end);
}

TEST(a_relative_path_begins_where_it_was_written_down)
{
	char *s, cwd[PATH_MAX];

	s = path_from("/etc/nestor", "vm.cfg", 0);
	STR_EQ(s, "/etc/nestor/vm.cfg");
	free(s);
	s = path_from("/etc/nestor", "/vm.cfg", 0);
	STR_EQ(s, "/vm.cfg");
	free(s);
	s = path_from(NULL, "vm.cfg", 0);
	STR_EQ(s, "vm.cfg");
	free(s);
	OK(getcwd(cwd, sizeof(cwd)));
	s = path_absolute("x", 0);
	OK(!strncmp(s, cwd, strlen(cwd)));
	STR_EQ(s + strlen(cwd), "/x");
	free(s);
}

/* @field as it is written, among others, and read again. */
static void survives(const char *field)
{
	char *text = NULL, *rest;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("before,", f);
	field_dump(field, f);
	fputs(",after", f);
	fclose(f);
	rest = text;
	STR_EQ(field_next(&rest), "before");
	STR_EQ(field_next(&rest), field);
	STR_EQ(field_next(&rest), "after");
	OK(!field_next(&rest));
	free(text);
}

TEST(a_field_with_commas_is_read_as_it_was_written)
{
	survives("plain");
	survives("a,b");
	survives("a,,b");
	survives("trailing,");
}

TEST(what_cannot_be_added_to_a_list_leaves_it_as_it_was)
{
	struct strlist l = { 0 };

	EQ(strlist_add(&l, NULL), -ENOMEM);
	EQ(l.n, 0);
	EQ(strlist_add(&l, strdup("one")), 0);
	EQ(strlist_add(&l, strdup("two")), 0);
	EQ(strlist_add(&l, NULL), -ENOMEM);
	EQ(l.n, 2);
	STR_EQ(l.s[0], "one");
	STR_EQ(l.s[1], "two");
	while (l.n)
		free(l.s[--l.n]);
	free(l.s);
}
