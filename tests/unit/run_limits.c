/* SPDX-License-Identifier: MIT */
/*
 * nestor run under each limit that is too low for it, against the scripted KVM:
 * wherever that is met, one says so and how to raise it, and nothing is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cmd/cmd.h"
#include "tests/unit/board_rig.h"

/* A user who has no process yet, nor any file. */
#define NOBODY 54321

static char said[4096];

/* A start with most that takes descriptors; what a VM has open, it has then. */
static const char *const most[] = { "run",	  "--runtime-dir",
				    "vms",	  "--name",
				    "x",	  "-c",
				    "3",	  "-d",
				    "disk",	  "--vsock",
				    "sock",	  "--port",
				    "a=unix:a",	  "--port",
				    "b=file:b",	  "--port",
				    "c=pty",	  "--balloon",
				    "--watchdog", "--stats",
				    "stats",	  "--log",
				    "log",	  "-m",
				    "512M",	  "--timeout",
				    "60",	  "--fw-cfg",
				    "opt/x=disk", "--console",
				    "none" };
static const char *const by_kernel[] = { "-k",	 "kernel",   "--initrd",
					 "disk", "--module", "kernel=disk" };
static const char *const by_firmware[] = { "--firmware", "disk", "--vars",
					   "vars" };

static const char *const *boot;
static unsigned nboot;

#define BOOT_BY(args) (boot = (args), nboot = sizeof(args) / sizeof(*(args)))

static int start(void)
{
	const unsigned n = sizeof(most) / sizeof(*most);
	char *argv[64];
	unsigned i;

	for (i = 0; i < n; i++)
		argv[i] = (char *)most[i];
	for (; i < n + nboot; i++)
		argv[i] = (char *)boot[i - n];
	fake_kvm_reset();
	return command_run.run(n + nboot, argv);
}

/* How much this process has already of what @resource limits. */
static rlim_t in_use(int resource)
{
	static const struct {
		int resource;
		const char *field;
	} row[] = { { RLIMIT_AS, "VmSize:" }, { RLIMIT_DATA, "VmData:" } };
	char buf[4096], *at;
	unsigned i = 0;
	ssize_t n;
	int fd;

	while (i < 2 && row[i].resource != resource)
		i++;
	if (i == 2)
		return 0;
	fd = open("/proc/self/status", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	at = strstr(buf, row[i].field);
	return at ? strtoull(at + strlen(row[i].field), NULL, 10) << 10 : 0;
}

static bool no_stacks;

/* No mmap() of a thread's stack succeeds any more. */
static int deny_stacks(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_STACK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { 6, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

/* In a process of its own: @n of @resource, besides what it has. */
static int start_limited(int resource, rlim_t n)
{
	const rlim_t max = in_use(resource) + n;
	const struct rlimit l = { max, max };

	/* Root may have as many as it likes. */
	if (resource == RLIMIT_NPROC && setresuid(NOBODY, NOBODY, NOBODY))
		return 98;
	if (setrlimit(resource, &l) || (no_stacks && deny_stacks()))
		return 99;
	return start();
}

/* Its status, with what it says. */
static int start_with(int resource, rlim_t n)
{
	int status, fds[2];
	pid_t child;
	ssize_t len;

	EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (!child) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(start_limited(resource, n));
	}
	EQ(waitpid(child, &status, 0), child);
	len = read(fds[0], said, sizeof(said) - 1);
	said[len < 0 ? 0 : len] = '\0';
	close(fds[0]);
	close(fds[1]);
	if (!WIFEXITED(status))
		return -WTERMSIG(status);
	return WEXITSTATUS(status);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void set_up(void)
{
	int fd;

	board_rig_config();
	OK(!chdir(test_dir()));
	EQ(mkdir("vms", 0700), 0);
	fd = open("disk", O_RDWR | O_CREAT, 0600);
	EQ(ftruncate(fd, 1 << 20), 0);
	close(fd);
	BOOT_BY(by_kernel);
}

static void leaves_nothing(void)
{
	struct stat st;

	OK(!is_there("a"));
	OK(!is_there("sock"));
	EQ(stat("vms", &st), 0);
	EQ(rmdir("vms"), 0);
	EQ(mkdir("vms", 0700), 0);
	EQ(chown("vms", st.st_uid, st.st_gid), 0);
}

/*
 * From nothing on, @step by @step, until it is enough: each time the status and
 * the remedy, and how often that was.
 */
static int sweep(int resource, rlim_t first, rlim_t step, const char *cure)
{
	int status, refused = 0;
	rlim_t n;

	for (n = first;; n += step) {
		status = start_with(resource, n);
		if (status != STATUS_KVM &&
		    (status != STATUS_USAGE || !strstr(said, cure)))
			fprintf(stderr, "with %ju: %s", (uintmax_t)n, said);
		leaves_nothing();
		if (status == STATUS_KVM)
			return refused;
		EQ(status, STATUS_USAGE);
		HAS(said, cure);
		refused++;
	}
}

TEST(wherever_open_files_run_out_the_limit_is_named_and_nothing_is_left)
{
	int fd;

	set_up();
	fd = dup(0);
	close(fd);
	LT(20, sweep(RLIMIT_NOFILE, fd, 1, "ulimit -"));
	BOOT_BY(by_firmware);
	LT(20, sweep(RLIMIT_NOFILE, fd, 1, "ulimit -"));
}

/*
 * Without the sanitizer, which needs memory itself, each limit could be tried:
 * so there is too little for the guest's RAM, and then none for stacks.
 */
TEST(where_memory_runs_out_the_limit_is_named_and_nothing_is_left)
{
	static const struct {
		int resource;
		const char *cure;
	} row[] = { { RLIMIT_AS, "ulimit -v" }, { RLIMIT_DATA, "ulimit -d" } };
	unsigned i;

	set_up();
	EQ(start_with(RLIMIT_AS, 384 << 20), STATUS_USAGE);
	HAS(said, "--memory 512M: there is no room for that; raise the limit "
		  "on address space (ulimit -v), or ask for less");
	leaves_nothing();
	no_stacks = true;
	for (i = 0; i < 2; i++) {
		EQ(start_with(row[i].resource, (rlim_t)1 << 40), STATUS_USAGE);
		HAS(said, "Cannot allocate memory; ");
		HAS(said, row[i].cure);
		leaves_nothing();
	}
}

/* 1 is the process itself; each vCPU is a thread, and so are some devices. */
TEST(wherever_processes_run_out_the_limit_is_named_and_nothing_is_left)
{
	set_up();
	if (geteuid())
		return;
	EQ(chown(".", NOBODY, NOBODY), 0);
	EQ(chown("vms", NOBODY, NOBODY), 0);
	EQ(chown("disk", NOBODY, NOBODY), 0);
	EQ(chown("kernel", NOBODY, NOBODY), 0);
	LT(2, sweep(RLIMIT_NPROC, 1, 1, "ulimit -u"));
}

/* What has no part in a start, as little of it as there can be. */
TEST(limits_on_what_a_start_does_not_take_do_not_matter)
{
	static const int resource[] = { RLIMIT_MEMLOCK,	   RLIMIT_CORE,
					RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE,
					RLIMIT_RTPRIO,	   RLIMIT_NICE,
					RLIMIT_STACK };
	unsigned i;

	set_up();
	for (i = 0; i < sizeof(resource) / sizeof(*resource); i++) {
		EQ(start_with(resource[i],
			      resource[i] == RLIMIT_STACK ? 1 << 16 : 0),
		   STATUS_KVM);
		leaves_nothing();
	}
}

TEST(wherever_a_file_would_grow_too_long_the_limit_is_named)
{
	static const rlim_t limits[] = { 0, 1, 64, 100, 1000, 4096, 1 << 20 };
	unsigned i;
	int status;

	set_up();
	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		status = start_with(RLIMIT_FSIZE, limits[i]);
		leaves_nothing();
		if (status == STATUS_KVM)
			continue;
		EQ(status, STATUS_USAGE);
		HAS(said, "ulimit -f");
	}
}
