/* SPDX-License-Identifier: MIT */
#include "config/suggest.h"

#include "tests/unit/test.h"

static const char *nearest(const char *word, const char *const *names)
{
	struct suggestion s = { .word = word };

	while (*names)
		suggest(&s, *names++);
	return s.name;
}

static const char *near(const char *word, const char *name)
{
	const char *const names[] = { name, NULL };

	return nearest(word, names);
}

TEST(two_letters_inserted_removed_or_changed_are_near_and_three_are_not)
{
	STR_EQ(near("memory", "memory"), "memory");
	STR_EQ(near("mmory", "memory"), "memory");
	STR_EQ(near("mmoy", "memory"), "memory");
	STR_EQ(near("memmorry", "memory"), "memory");
	STR_EQ(near("nenory", "memory"), "memory");
	OK(!near("mmo", "memory"));
	OK(!near("memmmorry", "memory"));
	OK(!near("nenoty", "memory"));
}

TEST(the_beginning_of_a_word_is_near)
{
	static const char *const names[] = { "mte", "memory", NULL };

	STR_EQ(nearest("mem", names), "memory");
	STR_EQ(nearest("memor", names), "memory");
	STR_EQ(nearest("mt", names), "mte");
}

TEST(of_several_names_the_nearest_is_meant_and_of_equals_the_first)
{
	static const char *const names[] = { "disc", "disk", "dish", NULL };

	STR_EQ(nearest("disk", names), "disk");
	STR_EQ(nearest("disx", names), "disc");
}

TEST(a_word_of_which_every_letter_would_change_stands_for_nothing)
{
	OK(!near("ab", "xy"));
	OK(!near("a", "ab"));
	OK(!near("", "a"));
	STR_EQ(near("ab", "ax"), "ax");
}

TEST(words_and_names_longer_than_any_option_are_skipped)
{
	static const char *const names[] = {
		"a-name-that-is-longer-than-the-row", "short", NULL
	};

	OK(!near("a-name-that-is-longer-than-the-row",
		 "a-name-that-is-longer-than-the-row"));
	STR_EQ(nearest("shorty", names), "short");
}
