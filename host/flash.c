/* SPDX-License-Identifier: MIT */
/*
 * A variable store is written by pwrite() and read through a shared mapping of
 * the same file: both are the page cache, so the guest sees each program at
 * once, a full disk is an error of that program and no SIGBUS, and what was
 * written outlives the process. The others are private mappings: a page takes
 * memory of its own only if it is programmed. An empty bank has none until then.
 *
 * Where firmware begins it is copied into huge pages. It boots in fewer faults so,
 * and on a Cortex-A57 it boots at all: its first translation tables are in flash,
 * and KVM, which there walks them at each fault (erratum 834220), does not get
 * past a table whose own page is not mapped for the guest yet (Linux 7.3).
 */
#include "host/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/remedy.h"
#include "host/output.h"

#define MIB   (1u << 20)
#define HUGE  (2 * MIB)
#define HUGES 2u /* huge pages: more than the code that runs in place has */
#define CHUNK 65536u

struct flash_bank {
	uint8_t *mem;
	uint64_t size;
	int fd; /* of the file that keeps it, or -1 */
};

static int refuse(struct err *e, const char *opt, const char *path, int err)
{
	return err_path(e, -err, opt, path);
}

/* A MiB of erased flash, for as many mappings as it takes. */
static int erased_fd(void)
{
	int fd = memfd_create("erased-flash", MFD_CLOEXEC), err;
	uint8_t *p;

	if (fd < 0)
		return -errno;
	p = ftruncate(fd, MIB) < 0 ? MAP_FAILED
				   : mmap(NULL, MIB, PROT_READ | PROT_WRITE,
					  MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		err = -errno;
		close(fd);
		return err;
	}
	memset(p, 0xff, MIB);
	munmap(p, MIB);
	return fd;
}

/* Give @b its memory, all erased. 0 or -errno. */
static int map_erased(struct flash_bank *b)
{
	int fd = erased_fd(), r = 0;
	uint8_t *mem;
	uint64_t off;

	if (fd < 0)
		return fd;
	mem = mmap(NULL, b->size + HUGE, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		r = -errno;
	else
		mem += -(uintptr_t)mem & (HUGE - 1);
	for (off = 0; off < b->size && !r; off += MIB)
		if (mmap(mem + off, MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
			r = -errno;
	close(fd);
	if (!r)
		b->mem = mem;
	return r;
}

struct flash_bank *flash_open_empty(uint64_t size)
{
	struct flash_bank *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->fd = -1;
	b->size = size;
	return b;
}

/* A bank of @size bytes, a multiple of 1 MiB, all erased; NULL: no memory. */
static struct flash_bank *bank_new(uint64_t size)
{
	struct flash_bank *b = flash_open_empty(size);

	if (b && map_erased(b) < 0) {
		flash_close(b);
		return NULL;
	}
	return b;
}

void flash_close(struct flash_bank *b)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (!b)
		return;
	/*
	 * The memory stays until the process ends, as core/ram.h says, and a
	 * mapping would keep the lock.
	 */
	if (b->fd >= 0) {
		fcntl(b->fd, F_OFD_SETLK, &l);
		close(b->fd);
	}
	free(b);
}

uint8_t *flash_mem(struct flash_bank *b)
{
	return b->mem;
}

static int check_file(int fd, const char *opt, const char *path, uint64_t size,
		      uint64_t *len, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(e, opt, path, errno);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s %s: give a regular file", opt,
			       path);
	if (!st.st_size)
		return err_set(e, -EINVAL, "%s %s: the file is empty; %s", opt,
			       path,
			       !strcmp(opt, "--vars")
				       ? "remove it, and it is made anew"
				       : "was it copied completely?");
	if ((uint64_t)st.st_size > size)
		return err_set(e, -EFBIG,
			       "%s %s: has %llu bytes, but a bank of flash "
			       "only %llu MiB; give a smaller file",
			       opt, path, (unsigned long long)st.st_size,
			       (unsigned long long)size / MIB);
	*len = st.st_size;
	return 0;
}

/* Open to read; whatever it is, nobody waits for it. */
static int open_file(const char *opt, const char *path, uint64_t size,
		     uint64_t *len, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0)
		return refuse(e, opt, path, errno);
	r = check_file(fd, opt, path, size, len, e);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* The file's pages, and the rest of the last one erased. */
static int map_file(struct flash_bank *b, int fd, uint64_t len)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);

	if (mmap(b->mem, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
		 fd, 0) == MAP_FAILED)
		return -errno;
	if (len % page)
		memset(b->mem + len, 0xff, page - len % page);
	return 0;
}

static int read_at(int fd, uint8_t *buf, size_t len, uint64_t off)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/*
 * The first @n bytes of the file @fd, which has @len, as a copy: all of it, or a
 * multiple of HUGE. Holes take no memory.
 */
static int copy_file(struct flash_bank *b, int fd, uint64_t len, uint64_t n)
{
	uint64_t room = (n + HUGE - 1) & -(uint64_t)HUGE;
	off_t off = 0, hole;
	int r = 0;

	if (mmap(b->mem, room, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return -errno;
	madvise(b->mem, HUGES * HUGE, MADV_HUGEPAGE);
	while (!r && (off = lseek(fd, off, SEEK_DATA)) >= 0 &&
	       (uint64_t)off < n) {
		hole = lseek(fd, off, SEEK_HOLE);
		if ((uint64_t)hole > n)
			hole = n;
		r = read_at(fd, b->mem + off, hole - off, off);
		off = hole;
	}
	/* Behind the last of the data there is none. */
	if (off < 0 && errno != ENXIO)
		return -errno;
	if (n == len)
		memset(b->mem + n, 0xff, room - n);
	return r;
}

/* What the file @path holds, of which the first @copied bytes are a copy. */
static struct flash_bank *open_private(const char *opt, const char *path,
				       uint64_t size, uint64_t copied,
				       struct err *e)
{
	struct flash_bank *b;
	uint64_t len;
	int fd = open_file(opt, path, size, &len, e), r = -ENOMEM;

	if (fd < 0)
		return NULL;
	b = bank_new(size);
	if (b)
		r = map_file(b, fd, len);
	if (!r && copied)
		r = copy_file(b, fd, len, len < copied ? len : copied);
	close(fd);
	if (!r)
		return b;
	refuse(e, opt, path, -r);
	flash_close(b);
	return NULL;
}

struct flash_bank *flash_open_code(const char *path, uint64_t size, bool tags,
				   struct err *e)
{
	return open_private("--firmware", path, size,
			    tags ? size : HUGES * HUGE, e);
}

struct flash_bank *flash_open_scratch(const char *template, uint64_t size,
				      bool tags, struct err *e)
{
	struct flash_bank *b;

	if (template)
		return open_private("--firmware, its variables in", template,
				    size, tags ? size : 0, e);
	b = bank_new(size);
	if (!b)
		err_set(e, -ENOMEM, "no memory for the firmware's variables");
	return b;
}

static int write_at(int fd, const uint8_t *buf, size_t len, uint64_t off)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

int flash_store(struct flash_bank *b, uint64_t off, const void *buf, size_t len)
{
	int r = 0;

	if (b->fd >= 0)
		return write_at(b->fd, buf, len, off);
	if (!b->mem)
		r = map_erased(b);
	if (!r)
		memcpy(b->mem + off, buf, len);
	return r;
}

/* From @off to @size. Interrupted, it goes on from the file's end next time. */
static int fill_erased(int fd, uint64_t off, uint64_t size)
{
	static uint8_t erased[CHUNK];
	int r = 0;

	memset(erased, 0xff, sizeof(erased));
	while (off < size && !r) {
		size_t n = size - off < CHUNK ? size - off : CHUNK;

		r = write_at(fd, erased, n, off);
		off += n;
	}
	return r;
}

/* Holes stay holes. */
static int copy_template(int fd, int from, uint64_t len)
{
	static const uint8_t zero[CHUNK];
	uint8_t *buf = malloc(CHUNK);
	uint64_t off = 0;
	int r = buf ? 0 : -ENOMEM;

	while (off < len && !r) {
		size_t n = len - off < CHUNK ? len - off : CHUNK;

		r = read_at(from, buf, n, off);
		if (!r && memcmp(buf, zero, n) != 0)
			r = write_at(fd, buf, n, off);
		off += n;
	}
	free(buf);
	if (!r && ftruncate(fd, len) < 0)
		r = -errno;
	return r;
}

/* Fills the file @fd with what new variables are. */
static int fill_new(int fd, const char *template, uint64_t size, struct err *e)
{
	uint64_t len = 0;
	int from, r = 0;

	if (template) {
		from = open_file("--firmware, its variables in", template, size,
				 &len, e);
		if (from < 0)
			return from;
		r = copy_template(fd, from, len);
		close(from);
	}
	if (!r)
		r = fill_erased(fd, len, size);
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* The name that open() would make if @path is a link that leads nowhere yet. */
static int final_name(const char *path, char name[PATH_MAX])
{
	char link[PATH_MAX];
	unsigned i;

	if (snprintf(name, PATH_MAX, "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (i = 0; i < 40; i++) {
		ssize_t n = readlink(name, link, sizeof(link) - 1);
		char *slash = strrchr(name, '/');
		size_t dir = slash ? slash + 1 - name : 0;

		if (n < 0)
			return 0;
		link[n] = '\0';
		if (link[0] == '/')
			dir = 0;
		if (dir + n >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(name + dir, link, n + 1);
	}
	return -ELOOP;
}

/* -EEXIST if another VM was faster. */
static int take_name(const char *tmp, const char *name)
{
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some network file systems know no such rename. */
	if (errno == EINVAL && rename(tmp, name) == 0)
		return 0;
	return -errno;
}

/*
 * A temporary file, complete and on the disk, gets the name in one step; if
 * another VM was faster, its file is taken.
 */
static int create_vars(const char *path, const char *template, uint64_t size,
		       struct err *e)
{
	struct temporary tmp;
	char name[PATH_MAX];
	int r = final_name(path, name);
	int fd = r < 0 ? r : output_temporary(AT_FDCWD, name, &tmp);

	if (fd < 0)
		return refuse(e, "--vars", path, -fd);
	e->text[0] = '\0';
	r = fill_new(fd, template, size, e);
	close(fd);
	if (!r)
		r = take_name(tmp.name, name);
	leaving_remove(&tmp.made);
	if (r == -EEXIST)
		return 0;
	return r && !e->text[0] ? refuse(e, "--vars", path, -r) : r;
}

static int lock(int fd, const char *path, struct err *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(e, -EBUSY,
			       "--vars %s: another VM keeps its variables "
			       "there; give each a file of its own",
			       path);
	/* Some network file systems have no locks. */
	log_warn("--vars %s: cannot lock the file", path);
	return 0;
}

static int open_or_create(const char *path, const char *template, uint64_t size,
			  struct err *e)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags), r;

	if (fd < 0 && errno == ENOENT) {
		r = create_vars(path, template, size, e);
		if (r < 0)
			return r;
		fd = open(path, flags);
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
		return err_set(e, -errno,
			       "--vars %s: %s; the firmware must be able to "
			       "write its variables",
			       path, strerror(errno));
	return fd < 0 ? refuse(e, "--vars", path, errno) : fd;
}

struct flash_bank *flash_open_vars(const char *path, const char *template,
				   uint64_t size, struct err *e)
{
	int fd = open_or_create(path, template, size, e), r;
	struct flash_bank *b;
	uint64_t len;

	if (fd < 0)
		return NULL;
	/* A limit on file sizes is the guest's error, not our end. */
	r = check_file(fd, "--vars", path, size, &len, e);
	if (!r)
		r = lock(fd, path, e);
	if (!r && (r = fill_erased(fd, len, size)) < 0)
		refuse(e, "--vars", path, -r);
	b = r ? NULL : bank_new(size);
	if (b && mmap(b->mem, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) !=
			 MAP_FAILED) {
		b->fd = fd;
		return b;
	}
	if (!r)
		refuse(e, "--vars", path, errno);
	flash_close(b);
	close(fd);
	return NULL;
}
