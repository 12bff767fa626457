/* SPDX-License-Identifier: MIT */
/* Mounts: what every program expects, and the root. */
#include <linux/mount.h>

#include "guest/command/init.h"

static long make_dir(const char *path)
{
	return SYS(mkdirat, AT_FDCWD, path, 0755);
}

static long mount(const char *what, const char *where, const char *type,
		  unsigned long flags, const char *data)
{
	make_dir(where);
	return SYS(mount, what, where, type, flags, data);
}

void mount_kernels(void)
{
	mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* Of these a kernel may have none, and most programs want none. */
static void mount_extras(void)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV;

	mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	      "mode=0620,ptmxmode=0666");
	mount("shm", "/dev/shm", "tmpfs", safe, "mode=1777");
	mount("run", "/run", "tmpfs", safe, "mode=0755");
	mount("cgroup", "/sys/fs/cgroup", "cgroup2", safe | MS_NOEXEC, NULL);
	mount("debug", "/sys/kernel/debug", "debugfs", safe | MS_NOEXEC, NULL);
	SYS(symlinkat, "/proc/self/fd", AT_FDCWD, "/dev/fd");
	SYS(symlinkat, "/proc/self/fd/0", AT_FDCWD, "/dev/stdin");
	SYS(symlinkat, "/proc/self/fd/1", AT_FDCWD, "/dev/stdout");
	SYS(symlinkat, "/proc/self/fd/2", AT_FDCWD, "/dev/stderr");
}

#define NEW "/nestor/root"

/* The host's tree, which it lets nobody change, under one of our own. */
static bool mount_overlay(const char *tag, struct trouble *t)
{
	t->what = "the root (CONFIG_VIRTIO_FS)";
	t->error = -mount(tag, "/nestor/lower", "virtiofs", MS_RDONLY, NULL);
	if (t->error)
		return false;
	t->what = "memory for the root's changes (CONFIG_TMPFS)";
	t->error = -mount("changes", "/nestor/rw", "tmpfs", 0, "mode=0755");
	if (t->error)
		return false;
	make_dir("/nestor/rw/upper");
	make_dir("/nestor/rw/work");
	t->what = "an overlay on the root (CONFIG_OVERLAY_FS)";
	t->error = -mount("root", NEW, "overlay", 0,
			  "lowerdir=/nestor/lower,upperdir=/nestor/rw/upper,"
			  "workdir=/nestor/rw/work");
	return !t->error;
}

static bool move_to(const char *root, struct trouble *t)
{
	static const char *const kernels[] = { "/dev", "/proc", "/sys" };
	unsigned i;

	t->what = "switching to the root";
	t->error = -SYS(chdir, root);
	for (i = 0; !t->error && i < sizeof(kernels) / sizeof(*kernels); i++) {
		make_dir(kernels[i] + 1);
		t->error =
			-SYS(mount, kernels[i], kernels[i] + 1, 0, MS_MOVE, 0);
	}
	if (!t->error)
		t->error = -SYS(mount, ".", "/", 0, MS_MOVE, 0);
	if (!t->error)
		t->error = -SYS(chroot, ".");
	return !t->error;
}

bool take_root(const struct job *j, struct trouble *t)
{
	if (j->root && (!mount_overlay(j->root, t) || !move_to(NEW, t)))
		return false;
	mount_extras();
	return true;
}
