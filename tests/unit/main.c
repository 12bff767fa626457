/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests: `unit [PATTERN]`, those whose FILE:NAME contains
 * PATTERN. Ends with `N passed, N failed, 0 skipped`; status 1 if any failed.
 */
#include "tests/unit/test.h"

#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test *tests, **tail = &tests;

void test_register(struct test *t)
{
	*tail = t;
	tail = &t->next;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A minute is for what hangs; no test comes near it. */
static bool run(const struct test *t)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(60);
		t->fn();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("unit");
		return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	char name[512];
	struct test *t;

	for (t = tests; t; t = t->next) {
		snprintf(name, sizeof(name), "%s:%s", t->file, t->name);
		if (argc > 1 && !strstr(name, argv[1]))
			continue;
		if (run(t)) {
			passed++;
		} else {
			failed++;
			printf("FAILED %s\n", name);
		}
	}
	printf("unit: %u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
