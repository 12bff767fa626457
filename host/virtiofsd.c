/* SPDX-License-Identifier: MIT */
#include "host/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"

struct virtiofsd {
	pid_t pid;
	int fd; /* connected; -1: handed out */
};

const char *virtiofsd_path(void)
{
	static const char *const places[] = {
		"/usr/libexec/virtiofsd",	"/usr/lib/virtiofsd",
		"/usr/lib/qemu/virtiofsd",	"/usr/local/libexec/virtiofsd",
		"/usr/lib/virtiofsd/virtiofsd",
	};
	unsigned i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!access(places[i], X_OK))
			return places[i];
	return NULL;
}

/*
 * A listening socket and one that is connected to it. virtiofsd takes only the
 * former; the name between them is in a directory that nobody else may enter.
 */
static int make_sockets(int *listening, int *connected)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/nestor.XXXXXX";
	int err = 0;

	*listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*connected = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!mkdtemp(dir))
		return -errno;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/fs", dir);
	if (bind(*listening, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(*listening, 1) < 0 ||
	    connect(*connected, (struct sockaddr *)&a, sizeof(a)) < 0)
		err = errno;
	unlink(a.sun_path);
	rmdir(dir);
	return -err;
}

/*
 * How it confines itself: to the directory, by namespaces. The root cannot be
 * pivoted to, nor has it anything outside of it.
 */
static const char *sandbox_for(const char *dir)
{
	char real[PATH_MAX];

	if (!realpath(dir, real) || strcmp(real, "/"))
		return "namespace";
	return geteuid() ? "none" : "chroot";
}

/* In the child: signals as for any program, and an end with nestor's. */
static void become(const char *path, const char *dir, bool readonly, int fd,
		   pid_t parent)
{
	char fd_arg[32];
	const char *argv[] = { path,
			       fd_arg,
			       "--shared-dir",
			       dir,
			       "--sandbox",
			       sandbox_for(dir),
			       "--no-announce-submounts",
			       "--log-level",
			       "error",
			       readonly ? "--readonly" : NULL,
			       NULL };
	sigset_t none;

	snprintf(fd_arg, sizeof(fd_arg), "--fd=%d", fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* What the terminal sends to nestor is not for it. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	fcntl(fd, F_SETFD, 0);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	execv(path, (char **)argv);
	_exit(127);
}

struct virtiofsd *virtiofsd_new(const char *dir, bool readonly, struct err *e)
{
	const char *path = virtiofsd_path();
	struct virtiofsd *f = calloc(1, sizeof(*f));
	const pid_t self = getpid();
	int listening = -1, r;

	if (!f || !path) {
		err_set(e, -ENOENT, "%s",
			f ? "it takes virtiofsd, which is not here; install "
			    "the package virtiofsd"
			  : "out of memory");
		free(f);
		return NULL;
	}
	f->fd = -1;
	r = access(dir, R_OK | X_OK) < 0 ? -errno
					 : make_sockets(&listening, &f->fd);
	if (!r) {
		f->pid = fork();
		if (!f->pid)
			become(path, dir, readonly, listening, self);
		r = f->pid < 0 ? -errno : 0;
	}
	if (listening >= 0)
		close(listening);
	if (!r) {
		log_debug("virtiofsd for %s is process %d", dir, (int)f->pid);
		return f;
	}
	err_set(e, r, "%s", strerror(-r));
	virtiofsd_free(f);
	return NULL;
}

int virtiofsd_connect(struct virtiofsd *f)
{
	int fd = f->fd;

	f->fd = -1;
	errno = EBUSY;
	return fd;
}

void virtiofsd_free(struct virtiofsd *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	free(f);
}
