/* SPDX-License-Identifier: MIT */
/* The program, as a child: its pipes, its place, and where it is found. */
#include <linux/signal.h>
#include <linux/wait.h>

#include "guest/command/init.h"

#include "core/util.h"

static const char *path_of(char **envp)
{
	static const char name[] = "PATH=";

	for (; *envp; envp++)
		if (starts(*envp, name))
			return *envp + sizeof(name) - 1;
	return DEFAULT_PATH;
}

/* execve(), and as shells do, what has no header is a script for sh. */
static int execute(char *file, const struct job *j)
{
	int r = SYS(execve, file, j->argv, j->envp);

	if (r == -ENOEXEC) {
		j->argv[-1] = "sh";
		j->argv[0] = file;
		r = SYS(execve, "/bin/sh", j->argv - 1, j->envp);
	}
	return -r;
}

/* As execvp() does it. Returns errno. */
static int search(const struct job *j)
{
	char *name = j->argv[0];
	const char *dir = path_of(j->envp);
	static char file[4096];
	int error, worst = ENOENT;

	if (find(name, strlen(name), "/"))
		return execute(name, j);
	for (;;) {
		size_t len = 0, n = strlen(name);

		while (dir[len] && dir[len] != ':')
			len++;
		if (len + 1 + n < sizeof(file)) {
			memcpy(file, dir, len);
			file[len] = '/';
			/* No directory between colons is the current one. */
			memcpy(file + (len ? len + 1 : 0), name, n + 1);
			error = execute(file, j);
			if (error != ENOENT && error != ENOTDIR)
				worst = error;
			if (worst != ENOENT && worst != EACCES)
				return worst;
		}
		if (!dir[len])
			return worst;
		dir += len + 1;
	}
}

/* In the child; what it tells by @report is errno, negative of chdir(). */
static void become(const struct job *j, const int end[3], int report)
{
	const uint64_t none = 0;
	int i, error = 0;

	SYS(setsid);
	for (i = 0; i < 3; i++)
		SYS(dup3, end[i], i, 0);
	if (j->workdir)
		error = SYS(chdir, j->workdir);
	if (error && j->workdir_try) {
		SYS(chdir, "/");
		error = 0;
	}
	SYS(rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof(none));
	if (!error)
		error = search(j);
	SYS(write, report, &error, sizeof(error));
	SYS(exit_group, 127);
}

void child_start(const struct job *j, struct child *c)
{
	int pipe[4][2], end[3], i, error = 0;

	for (i = 0; i < 4; i++)
		if (SYS(pipe2, pipe[i], O_CLOEXEC) < 0)
			die("no pipes for its command");
	for (i = 0; i < 3; i++)
		end[i] = pipe[i][i > 0];
	c->pid = SYS(clone, SIGCHLD, 0, 0, 0, 0);
	if (c->pid < 0)
		die("no process for its command");
	if (!c->pid)
		become(j, end, pipe[3][1]);
	for (i = 0; i < 3; i++)
		SYS(close, end[i]);
	SYS(close, pipe[3][1]);
	SYS(read, pipe[3][0], &error, sizeof(error));
	SYS(close, pipe[3][0]);
	c->in = pipe[0][1];
	c->out[0] = pipe[1][0];
	c->out[1] = pipe[2][0];
	c->in_workdir = error < 0;
	c->error = error < 0 ? -error : error;
}
