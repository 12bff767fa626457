/* SPDX-License-Identifier: MIT */
/*
 * The first process of a guest that runs one command for `nestor run --`.
 *
 * It is all that such a guest has beside the command's own files: it mounts
 * what programs expect, loads the modules that were packed along, takes the
 * root, opens the channel to the host (run/frame.h), and from then on carries
 * bytes, signals and the end between the command and nestor.
 *
 * It runs without a libc, in one thread, and never returns: when the command
 * has ended it says so and waits for the host to end the machine.
 */
#include <asm/socket.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sockios.h>

#include "guest/command/init.h"

/* Those headers of the kernel's that have these want a libc's beside them. */
#define AF_INET	   2
#define AF_NETLINK 16
#define SOCK_DGRAM 2
#define IFF_UP	   1
struct ifreq {
	char name[16];
	short flags;
	char rest[22];
};

static void *allocate(size_t size)
{
	long p = SYS(mmap, 0, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p < 0 && p > -4096)
		die("no memory");
	return (void *)p;
}

/* All of the file, with a NUL behind it. */
static char *read_file(const char *path, size_t *len)
{
	int fd = SYS(openat, AT_FDCWD, path, O_RDONLY);
	long size = SYS(lseek, fd, 0, 2), n;
	char *buf;

	if (fd < 0 || size < 0)
		die("its initramfs has no command");
	buf = allocate(size + 1);
	SYS(lseek, fd, 0, 0);
	for (*len = 0; (long)*len < size; *len += n) {
		n = SYS(read, fd, buf + *len, size - *len);
		if (n <= 0)
			die("its command cannot be read");
	}
	SYS(close, fd);
	return buf;
}

static void read_job(struct job *j)
{
	size_t len, nargs = 0, nenv = 0, nmods = 0;
	char *buf = read_file(FRAME_FILE, &len), *p, *text;
	/* Each record has two bytes at the least. */
	char **list = allocate((len / 2 * 3 + 4) * sizeof(*list));

	j->argv = list + 1;
	j->envp = j->argv + len / 2 + 1;
	j->modules = j->envp + len / 2 + 1;
	for (p = buf; p < buf + len; p = text + strlen(text) + 1) {
		text = p + 1;
		switch (*p) {
		case RECORD_ARG:
			j->argv[nargs++] = text;
			break;
		case RECORD_ENV:
			j->envp[nenv++] = text;
			break;
		case RECORD_MODULE:
			j->modules[nmods++] = text;
			break;
		case RECORD_WORKDIR_TRY:
			j->workdir_try = true;
			j->workdir = text;
			break;
		case RECORD_WORKDIR:
			j->workdir = text;
			break;
		case RECORD_PORT:
			j->port = text;
			break;
		case RECORD_ROOT:
			j->root = text;
			break;
		}
	}
	if (!nargs || !j->port)
		die("its command is empty");
}

static bool ends(const char *s, const char *with)
{
	const size_t n = strlen(s), m = strlen(with);

	return n >= m && starts(s + n - m, with);
}

static void load_modules(char **module)
{
	for (; *module; module++) {
		int fd = SYS(openat, AT_FDCWD, *module, O_RDONLY | O_CLOEXEC);

		/*
		 * What it was for will say that it is missing. One whose name
		 * has a suffix the kernel is to decompress.
		 */
		SYS(finit_module, fd, "",
		    ends(*module, ".ko") ? 0 : MODULE_INIT_COMPRESSED_FILE);
		SYS(close, fd);
	}
}

/*
 * The channel. Its device comes some time after its driver, which tells of it
 * by a message; to write waits until the host's side is open too.
 */
static int open_port(const char *path)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int news = SYS(socket, AF_NETLINK, SOCK_DGRAM | O_CLOEXEC,
		       NETLINK_KOBJECT_UEVENT);
	const struct {
		long sec, usec;
	} patience = { 60, 0 };
	static char message[8192];
	int fd;

	if (news < 0 || SYS(bind, news, &a, sizeof(a)) < 0)
		die("its kernel has no netlink (CONFIG_NET)");
	SYS(setsockopt, news, SOL_SOCKET, SO_RCVTIMEO_OLD, &patience,
	    sizeof(patience));
	while ((fd = SYS(openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)) < 0)
		if (SYS(recvfrom, news, message, sizeof(message), 0, 0, 0) < 0)
			die("no channel to the host (CONFIG_VIRTIO_CONSOLE, "
			    "CONFIG_VIRTIO_PCI)");
	SYS(close, news);
	return fd;
}

/* Test suites talk to themselves. */
static void loopback_up(void)
{
	struct ifreq r = { .name = "lo", .flags = IFF_UP };
	int fd = SYS(socket, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0);

	SYS(ioctl, fd, SIOCSIFFLAGS, &r);
	SYS(close, fd);
}

int init_main(void);

int init_main(void)
{
	static struct job job;
	struct trouble t = { 0 };
	struct child child;
	int port;

	mount_kernels();
	/* Nothing of ours shall be the command's input or output. */
	while (SYS(openat, AT_FDCWD, "/dev/null", O_RDWR) < 2)
		;
	read_job(&job);
	load_modules(job.modules);
	port = open_port(job.port);
	SYS(sethostname, "nestor", 6);
	loopback_up();
	if (!take_root(&job, &t))
		send_end(port, FRAME_NO_ROOT, t.error, t.what);
	child_start(&job, &child);
	if (child.in_workdir)
		send_end(port, FRAME_NO_ROOT, child.error, job.workdir);
	if (child.error)
		send_end(port, FRAME_NOT_RUN, child.error, job.argv[0]);
	serve(port, &job, &child);
}

asm(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tb init_main\n");
