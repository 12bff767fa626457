/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests: `unit [PATTERN]`, those whose FILE:NAME contains
 * PATTERN. Ends with `N passed, N failed, 0 skipped`; status 1 if any failed.
 * What a test says on standard error is shown if it fails.
 */
#include "tests/unit/test.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
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

static time_t patience_end;

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

void patience_start(void)
{
	patience_end = now() + PATIENCE;
}

bool patience_left(void)
{
	return now() <= patience_end;
}

/* Two minutes are for what hangs; no test comes near them. */
static void run_child(const struct test *t, int said)
{
	/* A shell starts background jobs with these two ignored. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	dup2(said, STDERR_FILENO);
	close(said);
	alarm(120);
	t->fn();
	exit(0);
}

static void show(int said)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(said, buf, sizeof(buf), at)) > 0) {
		fwrite(buf, 1, n, stderr);
		at += n;
	}
}

static bool run(const struct test *t)
{
	int status = 0, said = memfd_create("stderr", MFD_CLOEXEC);
	bool passed;
	pid_t pid;

	fflush(stdout);
	pid = said < 0 ? -1 : fork();
	if (pid == 0)
		run_child(t, said);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("unit");
		exit(1);
	}
	passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!passed)
		show(said);
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: %s\n", t->file,
			strsignal(WTERMSIG(status)));
	close(said);
	return passed;
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
