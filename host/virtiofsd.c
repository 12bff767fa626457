/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends virtiofsd. It must be given nothing but the directory, its end
 * of the socket, and a pipe for what it has to say: it serves a guest, which may
 * have taken it over.
 */
#include "host/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/leavings.h"

/* What its end may take, in ms: the disk that it waits for may be slow. */
#define PATIENCE 10000

struct virtiofsd {
	const char *path;
	char *dir;
	bool readonly;
	struct stat is; /* the directory: another is not served in its place */
	pid_t pid;	/* 0: it has been ended */
	int fd;		/* connected; -1: handed out */
	int says;	/* what it writes to its standard error */
	struct log_limit said;
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
	struct leaving made = { 0 }, made_in = { 0 };
	int err = 0;

	*listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*connected = *listening < 0
			     ? -1
			     : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*connected < 0 || !mkdtemp(dir))
		return -errno;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/fs", dir);
	leaving_note(&made_in, AT_FDCWD, dir);
	if (bind(*listening, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    leaving_note(&made, AT_FDCWD, a.sun_path) ||
	    listen(*listening, 1) < 0 ||
	    connect(*connected, (struct sockaddr *)&a, sizeof(a)) < 0)
		err = errno;
	leaving_remove(&made);
	leaving_remove(&made_in);
	return -err;
}

/*
 * How it confines itself: to the directory, by namespaces; but it cannot pivot
 * to the root directory, outside of which there is nothing.
 */
static const char *sandbox_for(const char *dir)
{
	char real[PATH_MAX];

	if (!realpath(dir, real) || strcmp(real, "/"))
		return "namespace";
	return geteuid() ? "none" : "chroot";
}

/*
 * In the child: signals as for any program, and an end with nestor's. There may
 * have been other threads, so that nothing here takes memory.
 */
static void become(const struct virtiofsd *f, const char *sandbox, int fd,
		   int says, pid_t parent)
{
	/* For newuidmap(1), when it confines itself without being root. */
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
					   "LANG=C.UTF-8", NULL };
	const char *argv[] = { f->path,
			       "--fd=3",
			       "--shared-dir",
			       f->dir,
			       "--sandbox",
			       sandbox,
			       "--no-announce-submounts",
			       "--log-level",
			       "error",
			       f->readonly ? "--readonly" : NULL,
			       NULL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* What the terminal sends to nestor is not for it. */
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Both are above the standard streams, and may be in each other's place. */
	fd = fcntl(fd, F_DUPFD, 4);
	dup2(says, 2);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 1);
	dup2(fd, 3);
	close_range(4, ~0u, 0);
	execve(f->path, (char **)argv, (char **)env);
	_exit(127);
}

static int refuse(const struct virtiofsd *f, int code, struct err *e)
{
	const char *cure = remedy_path(-code, f->dir);

	return err_set(e, code, "%s%s%s", strerror(-code), *cure ? "; " : "",
		       cure);
}

/* Is the directory there, and the one that it was? */
static int check_dir(struct virtiofsd *f, struct err *e)
{
	struct stat st;

	if (access(f->dir, R_OK | X_OK) < 0 || stat(f->dir, &st) < 0)
		return refuse(f, -errno, e);
	if (f->is.st_ino &&
	    (st.st_ino != f->is.st_ino || st.st_dev != f->is.st_dev))
		return err_set(e, -ESTALE, "another directory is in its place");
	f->is = st;
	return 0;
}

static void close_all(struct virtiofsd *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->says >= 0) {
		virtiofsd_say(f);
		close(f->says);
	}
	f->fd = f->says = -1;
}

static int start(struct virtiofsd *f, struct err *e)
{
	const char *sandbox = sandbox_for(f->dir);
	const pid_t self = getpid();
	int listening = -1, says[2] = { -1, -1 }, r = check_dir(f, e);

	if (r < 0)
		return r;
	r = make_sockets(&listening, &f->fd);
	if (!r && pipe2(says, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (!r) {
		f->says = says[0];
		f->pid = fork();
		if (!f->pid)
			become(f, sandbox, listening, says[1], self);
		r = f->pid < 0 ? -errno : 0;
	}
	if (listening >= 0)
		close(listening);
	if (says[1] >= 0)
		close(says[1]);
	if (!r) {
		log_debug("virtiofsd for %s is process %d", f->dir,
			  (int)f->pid);
		return 0;
	}
	f->pid = 0;
	close_all(f);
	return refuse(f, r, e);
}

struct virtiofsd *virtiofsd_new(const char *path, const char *dir,
				bool readonly, struct err *e)
{
	struct virtiofsd *f = calloc(1, sizeof(*f));
	char *copy = strdup(dir);

	if (!f || !copy || !path) {
		err_set(e, -ENOENT, "%s",
			f && copy ? "it takes virtiofsd, which is not here; "
				    "install the package virtiofsd"
				  : "out of memory");
		free(copy);
		free(f);
		return NULL;
	}
	*f = (struct virtiofsd){ .path = path,
				 .dir = copy,
				 .readonly = readonly,
				 .fd = -1,
				 .says = -1 };
	if (!start(f, e))
		return f;
	virtiofsd_free(f);
	return NULL;
}

int virtiofsd_restart(struct virtiofsd *f, struct err *e)
{
	int r = virtiofsd_end(f);

	if (r < 0)
		return err_set(e, r, "the one before has not ended");
	close_all(f);
	return start(f, e);
}

int virtiofsd_connect(struct virtiofsd *f)
{
	int fd = f->fd;

	f->fd = -1;
	errno = EBUSY;
	return fd;
}

int virtiofsd_says_fd(const struct virtiofsd *f)
{
	return f->says;
}

/* One line; what a terminal might obey does not pass. */
static void pass_on(struct virtiofsd *f, char *line)
{
	char *p;

	for (p = line; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (*line)
		log_guest(&f->said, "virtiofsd: %s", line);
}

bool virtiofsd_say(struct virtiofsd *f)
{
	char buf[4096], *line, *rest = buf;
	ssize_t n = read(f->says, buf, sizeof(buf) - 1);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	buf[n] = '\0';
	while ((line = strsep(&rest, "\n")))
		pass_on(f, line);
	return true;
}

int virtiofsd_end(struct virtiofsd *f)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };
	int n = 1;

	if (!f->pid)
		return 0;
	p.fd = syscall(SYS_pidfd_open, f->pid, 0);
	kill(f->pid, SIGKILL);
	if (p.fd >= 0) {
		n = poll(&p, 1, PATIENCE);
		close(p.fd);
	}
	if (n == 0)
		return -ETIMEDOUT;
	while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
		;
	f->pid = 0;
	return 0;
}

void virtiofsd_free(struct virtiofsd *f)
{
	if (!f)
		return;
	virtiofsd_end(f);
	close_all(f);
	free(f->dir);
	free(f);
}
