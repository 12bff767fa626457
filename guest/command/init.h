/* SPDX-License-Identifier: MIT */
/* The parts of a command's first process. */
#pragma once

#include "run/frame.h"
#include "guest/command/sys.h"

/* What FRAME_FILE says; all strings stand in memory for good. */
struct job {
	char **argv, **envp; /* NULL-terminated; argv[-1] is free */
	char **modules;	     /* the same */
	const char *workdir;
	bool workdir_try;
	const char *port;
	const char *root; /* NULL: the initramfs is the root */
};

/* A root that cannot be had: -errno, and of what. */
struct trouble {
	int error;
	const char *what;
};

/* What the kernel offers everybody: /dev, /proc, /sys. */
void mount_kernels(void);

/*
 * take_root() - make the job's root the root, with all that a program expects
 *
 * False, with the reason in @t.
 */
bool take_root(const struct job *, struct trouble *t);

/* The program, as a process that has been made. */
struct child {
	int pid;
	int in, out[2];	 /* our ends of its pipes */
	int error;	 /* of execve(), or 0 */
	bool in_workdir; /* the error is chdir()'s */
};
void child_start(const struct job *, struct child *);

/* Serve the channel at @port until the program has ended; does not return. */
void serve(int port, const struct job *, struct child *)
	__attribute__((noreturn));

/* Say how it ended, as FRAME_END, wait for all to go out, and stay. */
void send_end(int port, enum frame_end how, int number, const char *text)
	__attribute__((noreturn));
