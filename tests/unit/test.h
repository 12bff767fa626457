/* SPDX-License-Identifier: MIT */
/*
 * The unit tests' frame. A test is TEST(the_sentence_it_proves) { ... }; it
 * runs in a process of its own and ends at its first failed expectation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test {
	const char *file, *name;
	void (*fn)(void);
	struct test *next;
};

void test_register(struct test *);
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define TEST(id)                                                          \
	static void test_##id(void);                                      \
	static struct test reg_##id = { __FILE__, #id, test_##id, NULL }; \
	__attribute__((constructor)) static void add_##id(void)           \
	{                                                                 \
		test_register(&reg_##id);                                 \
	}                                                                 \
	static void test_##id(void)

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define OK(cond)                                    \
	do {                                        \
		if (!(cond))                        \
			FAIL("%s is false", #cond); \
	} while (0)

#define CMP_(a, op, b)                                                        \
	do {                                                                  \
		long long a_ = (long long)(a), b_ = (long long)(b);           \
		if (!(a_ op b_))                                              \
			FAIL("%s %s %s: %lld (%#llx), %lld (%#llx)", #a, #op, \
			     #b, a_, a_, b_, b_);                             \
	} while (0)
#define EQ(a, b) CMP_(a, ==, b)
#define NE(a, b) CMP_(a, !=, b)
#define LT(a, b) CMP_(a, <, b)

#define STR_EQ(a, b)                                                  \
	do {                                                          \
		const char *a_ = (a), *b_ = (b);                      \
		if (strcmp(a_, b_))                                   \
			FAIL("%s is \"%s\", not \"%s\"", #a, a_, b_); \
	} while (0)

/* @needle stands in @hay. */
#define HAS(hay, needle)                                         \
	do {                                                     \
		const char *h_ = (hay), *n_ = (needle);          \
		if (!strstr(h_, n_))                             \
			FAIL("\"%s\" is not in \"%s\"", n_, h_); \
	} while (0)

#define MEM_EQ(a, b, n)                                   \
	do {                                              \
		if (memcmp((a), (b), (n)))                \
			FAIL("%s and %s differ", #a, #b); \
	} while (0)

/*
 * @size zeroed bytes, for as long as the test lasts. What is large is better
 * here than in a static array, which every test's leak check searches.
 */
void *test_room(size_t size);

/*
 * A directory of the test's own, made by the first call, and the path of @name in
 * it. The runner removes it, whatever is in it and however the test ends.
 */
const char *test_dir(void);
char *test_path(const char *name);

/*
 * Waiting for what another thread, another process or the kernel will do: the
 * condition is looked at until it holds, or a test fails that names it. How
 * long that takes says nothing.
 */
#define PATIENCE 60 /* seconds */
void patience_start(void);
bool patience_left(void);

#define UNTIL_(cond, pass_time)                                            \
	do {                                                               \
		patience_start();                                          \
		while (!(cond)) {                                          \
			if (!patience_left())                              \
				FAIL("%s is still false after %d seconds", \
				     #cond, PATIENCE);                     \
			pass_time;                                         \
		}                                                          \
	} while (0)
#define AWAIT(cond) UNTIL_(cond, usleep(100))

/* How often this thread's loop was woken, and had nothing to do before. */
extern _Thread_local unsigned loop_wakes, loop_sleeps;
