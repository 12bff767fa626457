/* SPDX-License-Identifier: MIT */
/*
 * A VM in the background.
 *
 * The child is all of it: the caller only waits for its word, so that what can
 * go wrong is said by the child, on the standard error that they share until
 * the guest runs. After that the child holds nothing of the caller's, for whom
 * a pipe would never end otherwise.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/exit.h"
#include "run/run_impl.h"
#include "core/log.h"
#include "core/remedy.h"
#include "host/rundir.h"

/* Of the VM's `log`, in bytes, as of its console.log. */
#define LOG_BOUND (1u << 20)

/* Is @fd one that the configuration hands over? */
static bool is_given(const struct config *cfg, int fd)
{
	char port[16];
	unsigned i;

	for (i = 0; i < cfg->nnets; i++)
		if (cfg->nets[i].fd == fd)
			return true;
	snprintf(port, sizeof(port), "fd:%d", fd);
	for (i = 0; i < cfg->nports; i++)
		if (!strcmp(cfg->ports[i].backend, port))
			return true;
	return false;
}

/* Everything but the standard streams, @keep and what is given. */
static void close_inherited(const struct config *cfg, int keep)
{
	long max = sysconf(_SC_OPEN_MAX);
	int fd, from = STDERR_FILENO + 1;

	if (max < 0 || max > 65536)
		max = 65536;
	for (fd = from; fd < max; fd++) {
		if (fd != keep && !is_given(cfg, fd))
			continue;
		if (fd > from)
			close_range(from, fd - 1, 0);
		from = fd + 1;
	}
	close_range(from, ~0u, 0);
}

static void to_null(int fd, int how)
{
	int null = open("/dev/null", how | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, fd);
		close(null);
	}
}

/* The child's exit status, which has said why. */
static int reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return STATUS_FAILED;
	if (WIFSIGNALED(status))
		return STATUS_SIGNAL + WTERMSIG(status);
	/* Gone before the guest ran, and not for a fault of its own. */
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : STATUS_FAILED;
}

/* What the child says, onto standard output. 0 if it said nothing. */
static ssize_t pass_on(int from)
{
	char buf[PIPE_BUF];
	ssize_t n, all = 0;

	while ((n = read(from, buf, sizeof(buf))) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n > 0)
			all += fwrite(buf, 1, n, stdout);
	}
	return all;
}

/* By errno. */
static int refused(void)
{
	return remedy_limit(-log_failure("--detach", -errno)) ? STATUS_USAGE
							      : STATUS_FAILED;
}

int run_detach(const struct config *cfg, int *status)
{
	int report[2];
	pid_t child;

	if (pipe2(report, O_CLOEXEC) < 0) {
		*status = refused();
		return -1;
	}
	child = fork();
	if (child < 0) {
		*status = refused();
		close(report[0]);
		close(report[1]);
		return -1;
	}
	if (child) {
		close(report[1]);
		*status = pass_on(report[0]) ? STATUS_OFF : reap(child);
		close(report[0]);
		return -1;
	}
	setsid();
	signal(SIGPIPE, SIG_IGN);
	close_inherited(cfg, report[1]);
	to_null(STDIN_FILENO, O_RDONLY);
	to_null(STDOUT_FILENO, O_WRONLY);
	return report[1];
}

void run_detached(struct run *r)
{
	const char *name = vmdir_name(r->dir), *id = vmdir_id(r->dir);
	int log;

	if (r->report < 0)
		return;
	log = openat(vmdir_fd(r->dir), "log",
		     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log >= 0) {
		dup2(log, STDERR_FILENO);
		log_bound = LOG_BOUND;
		close(log);
	} else {
		to_null(STDERR_FILENO, O_WRONLY);
	}
	/* A caller that was interrupted wants no VM. */
	if ((r->cfg->json ? dprintf(r->report,
				    "{\"name\": \"%s\", \"id\": \"%s\", "
				    "\"pid\": %d}\n",
				    name, id, (int)getpid())
			  : dprintf(r->report, "%s\n", name)) < 0) {
		r->abandoned = true;
		run_finish(r, CAUSE_STOPPED, "nobody waits for it any more");
	}
	close(r->report);
	r->report = -1;
}
