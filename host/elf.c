/* SPDX-License-Identifier: MIT */
/* The program headers and the dynamic section of an ELF file (System V ABI). */
#include "host/elf.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any real file has: bounds for broken ones. */
#define SEGMENTS_MAX 64
#define DYNAMIC_MAX  4096
#define STRING_MAX   4096

struct file {
	int fd;
	Elf64_Phdr ph[SEGMENTS_MAX];
	unsigned nph;
	uint64_t strings; /* offset of the string table in the file */
};

/* All of @len bytes. 0, -ENOEXEC if the file is shorter, -errno. */
static int read_at(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = off > INT64_MAX ? 0 : pread(fd, buf, len, off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

/* A string that ends within the file and STRING_MAX bytes. */
static int read_string(int fd, uint64_t off, char **out)
{
	char buf[STRING_MAX];
	ssize_t n = off > INT64_MAX ? 0 : pread(fd, buf, sizeof(buf), off);

	if (n < 0)
		return -errno;
	if (!memchr(buf, '\0', n))
		return -ENOEXEC;
	free(*out);
	*out = strdup(buf);
	return *out ? 0 : -ENOMEM;
}

static int read_headers(struct file *f, struct elf *e)
{
	Elf64_Ehdr h;
	int r = read_at(f->fd, &h, sizeof(h), 0);

	if (r)
		return r;
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	f->nph = le16toh(h.e_phnum);
	if (f->nph > SEGMENTS_MAX ||
	    le16toh(h.e_phentsize) != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	e->machine = le16toh(h.e_machine);
	return read_at(f->fd, f->ph, f->nph * sizeof(*f->ph),
		       le64toh(h.e_phoff));
}

/* Where in the file is what is loaded at @vaddr? */
static int offset_of(const struct file *f, uint64_t vaddr, uint64_t *off)
{
	unsigned i;

	for (i = 0; i < f->nph; i++) {
		const Elf64_Phdr *p = &f->ph[i];
		uint64_t at = le64toh(p->p_vaddr);

		if (le32toh(p->p_type) == PT_LOAD && vaddr >= at &&
		    vaddr - at < le64toh(p->p_filesz)) {
			*off = le64toh(p->p_offset) + (vaddr - at);
			return 0;
		}
	}
	return -ENOEXEC;
}

static int add_needed(const struct file *f, uint64_t at, struct elf *e)
{
	char **list = reallocarray(e->needed, e->nneeded + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	e->needed = list;
	list[e->nneeded] = NULL;
	return read_string(f->fd, f->strings + at, &list[e->nneeded++]);
}

static int take_entries(const struct file *f, const Elf64_Dyn *dyn, unsigned n,
			struct elf *e)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < n && !r; i++) {
		const uint64_t val = le64toh(dyn[i].d_un.d_val);

		switch (le64toh(dyn[i].d_tag)) {
		case DT_NULL:
			return 0;
		case DT_NEEDED:
			r = add_needed(f, val, e);
			break;
		case DT_RPATH:
			r = read_string(f->fd, f->strings + val, &e->rpath);
			break;
		case DT_RUNPATH:
			r = read_string(f->fd, f->strings + val, &e->runpath);
			break;
		}
	}
	return r;
}

static int read_dynamic(struct file *f, const Elf64_Phdr *p, struct elf *e)
{
	unsigned n = le64toh(p->p_filesz) / sizeof(Elf64_Dyn), i;
	Elf64_Dyn *dyn;
	int r;

	if (le64toh(p->p_filesz) > DYNAMIC_MAX * sizeof(*dyn))
		return -ENOEXEC;
	dyn = malloc(n * sizeof(*dyn) + 1);
	if (!dyn)
		return -ENOMEM;
	r = read_at(f->fd, dyn, n * sizeof(*dyn), le64toh(p->p_offset));
	for (i = 0; i < n && !r; i++) {
		if (le64toh(dyn[i].d_tag) == DT_NULL)
			break;
		if (le64toh(dyn[i].d_tag) == DT_STRTAB)
			r = offset_of(f, le64toh(dyn[i].d_un.d_val),
				      &f->strings);
	}
	if (!r)
		r = take_entries(f, dyn, n, e);
	free(dyn);
	return r;
}

int elf_read(int fd, struct elf *e)
{
	struct file f = { .fd = fd };
	unsigned i;
	int r;

	*e = (struct elf){ 0 };
	r = read_headers(&f, e);
	for (i = 0; i < f.nph && !r; i++) {
		const Elf64_Phdr *p = &f.ph[i];

		if (le32toh(p->p_type) == PT_INTERP)
			r = read_string(fd, le64toh(p->p_offset), &e->interp);
		else if (le32toh(p->p_type) == PT_DYNAMIC)
			r = read_dynamic(&f, p, e);
	}
	if (r)
		elf_free(e);
	return r;
}

void elf_free(struct elf *e)
{
	while (e->nneeded)
		free(e->needed[--e->nneeded]);
	free(e->needed);
	free(e->interp);
	free(e->rpath);
	free(e->runpath);
	*e = (struct elf){ 0 };
}
