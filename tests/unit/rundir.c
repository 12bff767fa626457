/* SPDX-License-Identifier: MIT */
/* Where VMs are registered, and what may happen to that place. */
#include "host/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "core/log.h"
#include "tests/unit/test.h"

static const char *path;
static struct rundir *base;
static struct err e;

static void setup(void)
{
	path = test_path("run");
	EQ(mkdir(path, 0700), 0);
	EQ(rundir_open(path, true, &base, &e), 0);
}

static void teardown(void)
{
	rundir_close(base);
	/* Nothing is left in it. */
	EQ(rmdir(path), 0);
}

static struct vmdir *make(const char *name)
{
	struct vmdir *d = NULL;

	e.text[0] = '\0';
	EQ(vmdir_new(base, name, "cpus = 1\n", &d, &e), 0);
	return d;
}

static struct vmref find(const char *name)
{
	struct vmref ref = { .dir = -1 };

	EQ(rundir_find(base, name, &ref, &e), 0);
	return ref;
}

static int count(void *n, struct vmref *ref)
{
	(void)ref;
	++*(int *)n;
	return 0;
}

static int vms(void)
{
	int n = 0;

	EQ(rundir_each(base, count, &n), 0);
	return n;
}

TEST(a_vm_is_found_by_name_and_id_and_lives_as_long_as_its_lock)
{
	struct vmdir *d;
	struct vmref a, b;
	json_t *vm;
	char *text;
	int fd;

	setup();
	d = make("web");
	STR_EQ(vmdir_name(d), "web");
	EQ(strlen(vmdir_id(d)), VM_ID_LEN);
	a = find("web");
	b = find(vmdir_id(d));
	STR_EQ(b.name, "web");
	OK(vmref_is_alive(&a));
	text = vmref_text(&a, "config");
	STR_EQ(text, "cpus = 1\n");
	free(text);
	vm = vmref_json(&a, "vm.json");
	EQ(json_integer_value(json_object_get(vm, "pid")), getpid());
	json_decref(vm);
	OK(!vmref_json(&a, "end.json"));
	fd = vmref_connect(&a);
	OK(fd >= 0);
	close(fd);
	EQ(vmdir_ended(d, "{\"cause\": \"panic\"}"), 0);
	vmdir_close(d, true);
	OK(!vmref_is_alive(&a));
	EQ(vmref_connect(&a), -ECONNREFUSED);
	EQ(vmref_await(&a), 0);
	vm = vmref_json(&b, "end.json");
	STR_EQ(json_string_value(json_object_get(vm, "cause")), "panic");
	json_decref(vm);
	EQ(vms(), 1);
	EQ(vmref_remove(base, &a, &e), 0);
	OK(vmref_is_gone(&b));
	EQ(vms(), 0);
	vmref_close(&a);
	vmref_close(&b);
	teardown();
}

TEST(one_without_a_name_is_called_by_its_id)
{
	struct vmdir *a, *b;

	setup();
	a = make(NULL);
	b = make(NULL);
	STR_EQ(vmdir_name(a), vmdir_id(a));
	OK(strcmp(vmdir_name(a), vmdir_name(b)));
	EQ(vms(), 2);
	vmdir_close(a, false);
	vmdir_close(b, false);
	teardown();
}

TEST(a_name_is_taken_once_and_free_again_when_its_vm_is_dead)
{
	struct vmdir *d, *other;
	struct vmref ref;

	setup();
	d = make("x");
	EQ(vmdir_new(base, "x", "", &other, &e), -EEXIST);
	HAS(e.text, "--name x: a VM of this name runs already (pid ");
	ref = find("x");
	EQ(vmref_remove(base, &ref, &e), -EBUSY);
	STR_EQ(e.text, "x still runs: end it by 'nestor stop x' first");
	vmdir_close(d, true);
	d = make("x");
	OK(vmref_is_gone(&ref));
	vmref_close(&ref);
	vmdir_close(d, false);
	teardown();
}

TEST(of_many_that_want_a_name_at_once_one_gets_it)
{
	int start[2], i, won = 0, status;
	struct vmdir *d;
	char c;

	setup();
	EQ(pipe(start), 0);
	for (i = 0; i < 8; i++) {
		if (fork())
			continue;
		close(start[1]);
		rundir_close(base);
		EQ(rundir_open(path, true, &base, &e), 0);
		/* All are let go by the same close(). */
		EQ(read(start[0], &c, 1), 0);
		if (vmdir_new(base, "x", "", &d, &e) < 0)
			_exit(strstr(e.text, "runs already") ? 1 : 9);
		/* Holding it until the others have tried. */
		raise(SIGSTOP);
		_exit(0);
	}
	close(start[0]);
	close(start[1]);
	for (i = 0; i < 8; i++) {
		pid_t pid = waitpid(-1, &status, WUNTRACED);

		if (!WIFSTOPPED(status)) {
			EQ(WEXITSTATUS(status), 1);
			continue;
		}
		won = won ? -1 : pid;
	}
	OK(won > 0);
	kill(won, SIGKILL);
	waitpid(won, &status, 0);
	/* And one that was killed leaves its name. */
	vmdir_close(make("x"), false);
	teardown();
}

TEST(what_a_starter_left_that_was_killed_is_swept_up)
{
	const char *left = test_path("run/.new-deadbeef");
	struct vmdir *d;

	setup();
	EQ(mkdir(left, 0700), 0);
	EQ(vms(), 0);
	d = make("x");
	EQ(access(left, F_OK), -1);
	vmdir_close(d, false);
	teardown();
}

TEST(names_that_lead_elsewhere_are_none)
{
	static const char *const bad[] = { "",	 ".",  "..",  "a/b", "/etc",
					   "-a", ".x", "a b", "a\n" };
	char longest[VM_NAME_MAX + 2];
	struct vmref ref;
	struct vmdir *d;
	unsigned i;

	setup();
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		OK(!vm_name_is_valid(bad[i]));
		EQ(vmdir_new(base, bad[i], "", &d, &e), -EINVAL);
		EQ(rundir_find(base, bad[i], &ref, &e), -ENOENT);
	}
	memset(longest, 'a', sizeof(longest));
	longest[VM_NAME_MAX + 1] = '\0';
	EQ(vmdir_new(base, longest, "", &d, &e), -EINVAL);
	longest[VM_NAME_MAX] = '\0';
	vmdir_close(make(longest), false);
	teardown();
}

TEST(A1_a_base_that_is_anothers_or_open_to_others_or_a_link_is_refused)
{
	const char *link = test_path("link");
	struct rundir *other;

	setup();
	EQ(chmod(path, 0750), 0);
	EQ(rundir_open(path, true, &other, &e), -EPERM);
	HAS(e.text, "is open to others (mode 750); close it by 'chmod 700");
	EQ(chmod(path, 0700), 0);
	/* Only root can give it away. */
	if (geteuid() == 0) {
		EQ(chown(path, 65534, -1), 0);
		EQ(rundir_open(path, true, &other, &e), -EPERM);
		HAS(e.text,
		    "belongs to user 65534; give a directory of your own");
		EQ(chown(path, 0, -1), 0);
	}
	EQ(symlink(path, link), 0);
	EQ(rundir_open(link, true, &other, &e), -ENOTDIR);
	HAS(e.text, "a symbolic link is not followed");
	unlink(link);
	EQ(rundir_open(link, false, &other, &e), -ENOENT);
	teardown();
}

TEST(A1_the_socket_and_all_files_are_closed_to_others)
{
	static const char *const files[] = { "",	  "/lock",
					     "/vm.json",  "/config",
					     "/end.json", "/control.sock" };
	struct vmdir *d;
	char file[400];
	struct stat st;
	unsigned i;

	umask(0);
	setup();
	d = make("x");
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(file, sizeof(file), "%s/x%s", path, files[i]);
		EQ(stat(file, &st), 0);
		EQ(st.st_mode & 0777, i ? 0600 : 0700);
	}
	vmdir_close(d, false);
	teardown();
}

TEST(a_directory_that_was_removed_under_its_vm_harms_nobody)
{
	struct vmdir *d, *next;
	char cmd[400];

	setup();
	d = make("x");
	snprintf(cmd, sizeof(cmd), "rm -r %s/x", path);
	EQ(system(cmd), 0);
	EQ(vms(), 0);
	/* Its name is free, and its end is not the other's. */
	next = make("x");
	EQ(vmdir_ended(d, "{}"), 0);
	vmdir_close(d, false);
	EQ(vms(), 1);
	vmdir_close(next, false);
	teardown();
}

TEST(a_registration_that_fails_midway_leaves_nothing)
{
	struct rlimit old, small = { 10, RLIM_INFINITY };
	struct vmdir *d;
	int r;

	setup();
	/* The lock can be made, the rest not. */
	signal(SIGXFSZ, SIG_IGN);
	EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = vmdir_new(base, "x", "", &d, &e);
	EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
	EQ(r, -EFBIG);
	HAS(e.text, "cannot register the VM there: ");
	HAS(e.text, "ulimit -f");
	EQ(vms(), 0);
	teardown();
}

/* --- what is in the way ---------------------------------------------------- */

static void make_dir(const char *name)
{
	char dir[400];

	snprintf(dir, sizeof(dir), "%s/%s", path, name);
	EQ(mkdir(dir, 0700), 0);
}

static void remove_dir(const char *name)
{
	struct vmref ref = find(name);

	unlinkat(ref.dir, "lock", 0);
	unlinkat(ref.dir, "vm.json", 0);
	vmref_close(&ref);
	OK(!chdir(path) && !rmdir(name));
}

TEST(a_fifo_by_the_name_of_a_file_holds_nobody_up)
{
	struct vmref ref;

	setup();
	make_dir("a");
	ref = find("a");
	EQ(mkfifoat(ref.dir, "lock", 0600), 0);
	EQ(mkfifoat(ref.dir, "vm.json", 0600), 0);
	alarm(20);
	EQ(vmref_is_alive(&ref), 0);
	EQ(vmref_await(&ref), 0);
	OK(!vmref_json(&ref, "vm.json"));
	alarm(0);
	vmref_close(&ref);
	remove_dir("a");
	teardown();
}

static int look(void *n, struct vmref *ref)
{
	++*(int *)n;
	return vmref_is_alive(ref);
}

TEST(vms_are_not_left_out_or_dead_for_want_of_descriptors)
{
	struct rlimit all, few;
	int n = 0, fd;

	setup();
	make_dir("a");
	make_dir("b");
	EQ(rundir_each(base, look, &n), 0);
	EQ(n, 2);
	EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	fd = dup(0);
	few = all;
	close(fd);
	/* For the directory, and then for none of a VM, and for its lock not. */
	for (; few.rlim_cur = ++fd, fd < (int)all.rlim_cur;) {
		EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		n = rundir_each(base, look, &n);
		if (!n)
			break;
		EQ(n, -EMFILE);
	}
	EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	remove_dir("a");
	remove_dir("b");
	teardown();
}

TEST(a_vm_for_which_there_are_too_few_descriptors_leaves_nothing)
{
	struct vmdir *d = NULL;
	struct rlimit all, few;
	int fd, n, failed = 0;

	setup();
	EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	fd = dup(0);
	close(fd);
	for (few.rlim_cur = fd; !d; few.rlim_cur++) {
		EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		n = vmdir_new(base, "x", "", &d, &e);
		EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
		if (n) {
			EQ(n, -EMFILE);
			HAS(e.text, "ulimit -n");
			/* Not even what no name is given. */
			rundir_close(base);
			EQ(rmdir(path), 0);
			EQ(mkdir(path, 0700), 0);
			EQ(rundir_open(path, true, &base, &e), 0);
			failed++;
		}
	}
	LT(2, failed);
	/* Nor what one that could be made leaves when there are none again. */
	fd = dup(0);
	few.rlim_cur = fd;
	close(fd);
	EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	vmdir_close(d, false);
	EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	teardown();
}

static void interrupt(int sig)
{
	(void)sig;
}

TEST(who_waits_for_the_directory_can_be_interrupted_and_leaves_nothing)
{
	const struct itimerval soon = { .it_value.tv_usec = 20000,
					.it_interval.tv_usec = 20000 };
	struct sigaction sa = { .sa_handler = interrupt };
	struct vmdir *d;
	int other;

	setup();
	other = open(path, O_RDONLY | O_DIRECTORY);
	EQ(flock(other, LOCK_EX), 0);
	EQ(sigaction(SIGALRM, &sa, NULL), 0);
	EQ(setitimer(ITIMER_REAL, &soon, NULL), 0);
	EQ(vmdir_new(base, "a", "cpus = 1\n", &d, &e), -EINTR);
	HAS(e.text, "cannot register the VM there");
	EQ(setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL), 0);
	EQ(vms(), 0);
	close(other);
	teardown();
}
