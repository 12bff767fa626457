/* SPDX-License-Identifier: MIT */
/*
 * nestor demo: nested virtualization, step by step, on live registers.
 *
 * Each chapter is a guest hypervisor of its own, run by this same program as
 * `nestor run --nested --exit-counter`; what it prints is collected until it
 * ends, and shown between words of explanation. So a newcomer's first command
 * needs no kernel, and nothing on the screen is typed in by hand.
 */
#include "cmd/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/opts.h"
#include "core/kvm.h"
#include "core/log.h"
#include "host/info.h"
#include "host/tty.h"
#include "nested/probe.h"

extern char **environ;

#define KERNEL_FD 3 /* in the child */
/* For a chapter: the last takes 45 on an emulated CPU with pages of 16 KiB. */
#define SECONDS "300"

enum { STEP = 1, JSON = 2 };

/* A file that exists for as long as it is open. */
static int image_fd(const struct demo_chapter *c)
{
	size_t size = c->end - c->image;
	int fd = memfd_create(c->payload, MFD_CLOEXEC);

	if (fd >= 0 && write(fd, c->image, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return fd;
}

/* `nestor run` of it, with the UART going to @out. Its pid or -errno. */
static pid_t start(int image, int out)
{
	char *argv[] = { "nestor",
			 "run",
			 "--kernel",
			 "/proc/self/fd/3",
			 "--nested=vhe",
			 "--exit-counter",
			 "--console=serial",
			 "--no-rng",
			 "--no-reboot",
			 "--memory=64M",
			 "--cpus=2",
			 "--timeout=" SECONDS,
			 NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int r = posix_spawn_file_actions_init(&fa);

	if (r)
		return -r;
	r = posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", 0, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&fa, out, 1);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&fa, image, KERNEL_FD);
	if (!r)
		r = posix_spawn(&pid, "/proc/self/exe", &fa, NULL, argv,
				environ);
	posix_spawn_file_actions_destroy(&fa);
	return r ? -r : pid;
}

static void read_report(int fd, struct demo_report *report)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fdopen(fd, "re");

	while (f && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		demo_report_line(report, line);
	}
	free(line);
	if (f)
		fclose(f);
	else
		close(fd);
}

/* How the payload's VM ended is part of its report. */
static void end(pid_t pid, struct demo_report *report)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno == EINTR)
			continue;
		if (!report->failure[0])
			snprintf(report->failure, sizeof(report->failure),
				 "how nestor run ended is not known: %s",
				 strerror(errno));
		return;
	}
	if (status == 0 || report->failure[0])
		return;
	if (WIFSIGNALED(status))
		snprintf(report->failure, sizeof(report->failure),
			 "nestor run was ended by signal %d", WTERMSIG(status));
	else
		snprintf(report->failure, sizeof(report->failure),
			 "nestor run ended with status %d",
			 WEXITSTATUS(status));
}

/* 0, or -errno if it could not even be started, logged. */
static int run_chapter(const struct demo_chapter *c, struct demo_report *report)
{
	int image = image_fd(c), fd[2] = { -1, -1 };
	pid_t pid;

	if (image < 0 || pipe2(fd, O_CLOEXEC) < 0) {
		log_warn("preparing %s", c->payload);
		close(image);
		return -EIO;
	}
	pid = start(image, fd[1]);
	close(image);
	close(fd[1]);
	if (pid < 0) {
		log_warnx("starting nestor run: %s", strerror(-pid));
		close(fd[0]);
		return pid;
	}
	read_report(fd[0], report);
	end(pid, report);
	return 0;
}

/* False if the user has had enough. On a terminal any key goes on. */
static bool wait_for_key(void)
{
	bool raw = isatty(0) && tty_raw(0) == 0;
	char c = 'q';
	ssize_t n;

	if (raw)
		fputs("   -- any key goes on, q ends --", stderr);
	n = read(0, &c, 1);
	tty_restore();
	if (raw)
		fputs("\r                                \r", stderr);
	return n > 0 && c != 'q' && c != 3 /* Ctrl-C */;
}

static void show_totals(const struct demo_report *report, unsigned n)
{
	unsigned i, j, steps = 0, checks = 0;
	uint64_t exits = 0, without = 0;

	for (i = 0; i < n; i++) {
		for (j = 0; j < report[i].nsteps; j++) {
			const struct demo_step *s = &report[i].step[j];

			steps++;
			checks += s->nchecks;
			exits += s->exits;
			without += s->without;
		}
	}
	printf("%u steps, %u checks hold; %llu exits to the host measured, "
	       "about %llu\nwithout FEAT_NV2. man nestor-nested explains "
	       "more.\n",
	       steps, checks, (unsigned long long)exits,
	       (unsigned long long)without);
}

/* 1 if the user ended it. */
static int show(unsigned i, const struct demo_report *report, bool step)
{
	unsigned j;

	demo_show_chapter(&demo_chapters[i], i + 1, stdout);
	for (j = 0; j < report->nsteps; j++) {
		demo_show_step(&report->step[j], stdout);
		fflush(stdout);
		if (step && !wait_for_key())
			return 1;
	}
	return 0;
}

static int run_all(unsigned wishes)
{
	struct demo_report *report = calloc(demo_nchapters, sizeof(*report));
	int status = STATUS_OFF, ended = 0;
	unsigned i;

	if (!report) {
		log_warnx("out of memory");
		return STATUS_FAILED;
	}
	for (i = 0; i < demo_nchapters && !ended && !status; i++) {
		if (run_chapter(&demo_chapters[i], &report[i]) < 0) {
			status = STATUS_FAILED;
			break;
		}
		if (!(wishes & JSON))
			ended = show(i, &report[i], wishes & STEP);
		if (report[i].failure[0]) {
			log_warnx("%s: %s", demo_chapters[i].payload,
				  report[i].failure);
			status = STATUS_FAILED;
		}
	}
	if (wishes & JSON) {
		if (demo_json(report, stdout))
			status = STATUS_FAILED;
	} else if (!status && !ended) {
		show_totals(report, demo_nchapters);
	}
	free(report);
	return status;
}

/* Does this host have what the demo shows? Says why not. */
static bool host_can(void)
{
	struct nested_probe p;
	struct host_info host;
	int fd = kvm_open();

	if (fd < 0) {
		log_warnx("/dev/kvm: %s; see 'nestor caps'", strerror(-fd));
		return false;
	}
	host_info_read(&host);
	nested_probe(&p, fd, host.release, host.cmdline);
	close(fd);
	if (!p.el2)
		log_warnx("the demo needs nested virtualization: %s", p.why);
	return p.el2;
}

static int cmd_demo(int argc, char **argv)
{
	unsigned wishes = 0;
	const char *value;
	struct opts o;
	struct err e;
	int r;

	opts_begin(&o, &command_demo, argc, argv);
	while ((r = opts_next(&o, &value, &e)) > 0)
		wishes |= r == 'j' ? JSON : STEP;
	if (r < 0)
		return opts_status(r, &e);
	if (wishes == (STEP | JSON)) {
		err_set(&e, 0,
			"--step with --json: a program needs no waiting; give "
			"one of them");
		return cmd_refuse(&e);
	}
	return host_can() ? run_all(wishes) : STATUS_FAILED;
}

const struct command command_demo = {
	.name = "demo",
	.summary = "show nested virtualization, step by step",
	.opts =
		(const struct opt[]){
			OPT('s', "step", 0, NULL,
			    "wait for a key after each step; q ends"),
			OPT_JSON,
			{ 0 } },
	.run = cmd_demo,
	.about = "Show nested virtualization on live registers, concept by "
		 "concept: small guest hypervisors run, report what they see "
		 "at EL2, and how often they left to the host. Needs no "
		 "kernel. Ends with 0 if all of it holds, else 1.",
};
