/* SPDX-License-Identifier: MIT */
/*
 * Runs the unit tests: `unit [-j N] [PATTERN]`, those whose FILE:NAME contains
 * PATTERN, N at a time, which is one for each CPU if not given. Ends with `N
 * passed, N failed, 0 skipped`; status 1 if any failed. What a test says on
 * standard error is shown if it fails.
 *
 * All files of a run lie in one directory. A process of its own removes that
 * when the last of the run's has ended, however it did.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sanitizer/lsan_interface.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
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

/* Linked, so that the leak check knows of them. */
static struct room {
	struct room *next;
	char bytes[];
} * rooms;

void *test_room(size_t size)
{
	struct room *r = calloc(1, sizeof(*r) + size);

	if (!r)
		FAIL("no memory");
	r->next = rooms;
	rooms = r;
	return r->bytes;
}

static void die(void)
{
	perror("unit");
	exit(1);
}

/* --- files --- */

static char run_dir[256];
static unsigned started; /* tests: this one's number */

const char *test_dir(void)
{
	static char *dir;

	if (dir)
		return dir;
	dir = test_room(sizeof(run_dir) + 16);
	sprintf(dir, "%s/%u", run_dir, started);
	if (mkdir(dir, 0700) < 0)
		FAIL("%s: %s", dir, strerror(errno));
	return dir;
}

char *test_path(const char *name)
{
	const char *dir = test_dir();
	char *path = test_room(strlen(dir) + strlen(name) + 2);

	sprintf(path, "%s/%s", dir, name);
	return path;
}

/* A signal to the whole group must not keep it from its work. */
static void clean_up_behind(int living)
{
	char c;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (read(living, &c, 1) < 0 && errno == EINTR)
		;
	execlp("rm", "rm", "-rf", run_dir, NULL);
	die();
}

/* Who has @run_living open, as all tests have, is not done with its files. */
static int run_living;
static pid_t cleaner;

static void run_dir_make(void)
{
	const char *in = getenv("TMPDIR");
	int fd[2];

	snprintf(run_dir, sizeof(run_dir), "%s/nestor-unit.XXXXXX",
		 in && *in ? in : "/tmp");
	if (!mkdtemp(run_dir) || pipe2(fd, O_CLOEXEC) < 0)
		die();
	cleaner = fork();
	if (cleaner < 0)
		die();
	if (!cleaner) {
		close(fd[1]);
		clean_up_behind(fd[0]);
	}
	/* Out of the way of tests, which know the lowest descriptors. */
	run_living = fcntl(fd[1], F_DUPFD_CLOEXEC, 100);
	if (run_living < 0)
		die();
	close(fd[0]);
	close(fd[1]);
}

static void run_dir_remove(void)
{
	close(run_living);
	waitpid(cleaner, NULL, 0);
}

/* --- running them --- */

/* A test that runs. */
struct job {
	const struct test *test;
	pid_t pid; /* 0: a free place */
	int said;  /* what it says on standard error */
};

#define JOBS_MAX 64
static struct job jobs[JOBS_MAX];
static unsigned jobs_max, running, passed, failed;

/* Two minutes are for what hangs; no test comes near them. */
static void run_child(const struct job *job)
{
	unsigned i;

	/* As a shell does to background jobs, and nohup. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	dup2(job->said, STDERR_FILENO);
	/* A test finds the same descriptors whatever runs beside it. */
	close(job->said);
	for (i = 0; i < jobs_max; i++)
		if (jobs[i].pid)
			close(jobs[i].said);
	/* By then it hangs, on a busy machine too. */
	alarm(600);
	job->test->fn();
#ifdef __SANITIZE_ADDRESS__
	/* exit() would look for leaks, too, and first forget each variable. */
	__lsan_do_leak_check();
	_exit(0);
#endif
	exit(0);
}

static void job_start(const struct test *t)
{
	struct job *job = jobs;

	while (job->pid)
		job++;
	started++;
	job->test = t;
	job->said = memfd_create("stderr", MFD_CLOEXEC);
	if (job->said < 0)
		die();
	fflush(stdout);
	job->pid = fork();
	if (job->pid == 0)
		run_child(job);
	if (job->pid < 0)
		die();
	running++;
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

/* Wait for one to end. */
static void job_end(void)
{
	struct job *job = jobs;
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		die();
	while (job->pid != pid)
		job++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		passed++;
	} else {
		failed++;
		show(job->said);
		if (WIFSIGNALED(status))
			fprintf(stderr, "%s: %s\n", job->test->file,
				strsignal(WTERMSIG(status)));
		printf("FAILED %s:%s\n", job->test->file, job->test->name);
	}
	close(job->said);
	job->pid = 0;
	running--;
}

static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

/* Page by page: those of what was relocated are read-only by now. */
static int populate(struct dl_phdr_info *object, size_t size, void *arg)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE);
	unsigned i;

	(void)size, (void)arg;
	for (i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t at = object->dlpi_addr + p->p_vaddr;
		const uintptr_t end = at + p->p_memsz;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_W))
			continue;
		for (at &= -page; at < end; at += page)
			madvise((void *)at, page, MADV_POPULATE_WRITE);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *pattern;
	char name[512];
	struct test *t;
	int opt;

	/* Most of a test is waiting. */
	jobs_max = 3 * cpus();
	while ((opt = getopt(argc, argv, "j:")) != -1) {
		if (opt != 'j' || atoi(optarg) < 1) {
			fprintf(stderr, "usage: unit [-j N] [PATTERN]\n");
			return 2;
		}
		jobs_max = atoi(optarg);
	}
	if (jobs_max > JOBS_MAX)
		jobs_max = JOBS_MAX;
	pattern = optind < argc ? argv[optind] : "";
	/* Each test's leak check reads all variables, its own and those of libraries. */
	dl_iterate_phdr(populate, NULL);
	run_dir_make();
	for (t = tests; t; t = t->next) {
		snprintf(name, sizeof(name), "%s:%s", t->file, t->name);
		if (!strstr(name, pattern))
			continue;
		if (running == jobs_max)
			job_end();
		job_start(t);
	}
	while (running)
		job_end();
	run_dir_remove();
	printf("unit: %u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}

/* The status of another run of this program. */
static int unit(const char *args)
{
	char exe[256] = "", cmd[512];

	OK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	snprintf(cmd, sizeof(cmd), "'%s' %s >/dev/null 2>&1", exe, args);
	return WEXITSTATUS(system(cmd));
}

TEST(a_pattern_that_no_test_has_in_its_name_is_a_failure)
{
	EQ(unit("what_nothing_is_called"), 1);
}

TEST(what_is_no_number_of_tests_at_a_time_is_refused)
{
	EQ(unit("-j 0"), 2);
	EQ(unit("-j many"), 2);
}

/* --- what a run leaves --- */

TEST(a_test_that_ends_as_it_is_told)
{
	const char *how = getenv("NESTOR_UNIT_END");

	if (!how)
		return;
	close(open(test_path("file"), O_CREAT | O_WRONLY, 0));
	mkdir(test_path("dir"), 0);
	if (!strcmp(how, "the run is killed"))
		kill(getppid(), SIGKILL);
	OK(!strcmp(how, "it passes"));
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n == 2;
}

static int left_by(const char *how)
{
	setenv("TMPDIR", test_dir(), 1);
	setenv("NESTOR_UNIT_END", how, 1);
	return unit("a_test_that_ends_as_it_is_told");
}

TEST(a_run_leaves_no_files_however_it_ends)
{
	EQ(left_by("it passes"), 0);
	OK(is_empty(test_dir()));
	EQ(left_by("it fails"), 1);
	OK(is_empty(test_dir()));
	NE(left_by("the run is killed"), 0);
	AWAIT(is_empty(test_dir()));
}
