/* SPDX-License-Identifier: MIT */
/*
 * ELF64 kernels (System V ABI, chapters 4 and 5; ELF for the Arm 64-bit
 * Architecture): bare-metal programs and hypervisors, linked for the physical
 * address at which they run. Nothing is relocated.
 */
#include "machine/arch.h"
#include "machine/image_parts.h"

#include <elf.h>
#include <errno.h>

#include "core/log.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "headers are looked at as the file has them");

#define PHDRS 64

/* The PT_LOAD segments of a file that take memory, checked, in file order. */
struct segments {
	unsigned n;
	Elf64_Phdr ph[PHDRS];
};

static bool overlap(const Elf64_Phdr *a, const Elf64_Phdr *b)
{
	return a->p_paddr < b->p_paddr + b->p_memsz &&
	       b->p_paddr < a->p_paddr + a->p_memsz;
}

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "POWER";
	case EM_LOONGARCH:
		return "LoongArch";
	default:
		return "another machine";
	}
}

static int header_check(struct load *l, const Elf64_Ehdr *eh)
{
	const struct infile *f = &l->file;

	if (l->head.len < sizeof(*eh))
		return infile_err(f, l->e, -ENODATA,
				  "is truncated: its ELF header is cut off; "
				  "get it again");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return infile_err(f, l->e, -ENOEXEC,
				  "is a 32-bit ELF file; give one built for "
				  "AArch64");
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return infile_err(f, l->e, -ENOEXEC,
				  "is a big-endian ELF file; give a "
				  "little-endian one");
	if (eh->e_machine != arch_elf_machine)
		return infile_err(f, l->e, -ENOEXEC,
				  "is an ELF file for %s; give one built for "
				  "AArch64",
				  machine_name(eh->e_machine));
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return infile_err(f, l->e, -ENOEXEC,
				  "is an ELF file that is not linked; give an "
				  "executable");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) || !eh->e_phnum ||
	    eh->e_phnum > PHDRS)
		return infile_err(f, l->e, -ENOEXEC,
				  "has %u program headers of %u bytes; give an "
				  "executable with 1 to %u, of %zu bytes",
				  eh->e_phnum, eh->e_phentsize, PHDRS,
				  sizeof(Elf64_Phdr));
	return 0;
}

/* A segment with bytes in memory, against the file and against RAM. */
static int segment_check(struct load *l, const Elf64_Phdr *ph)
{
	const struct infile *f = &l->file;
	const uint64_t off = ph->p_paddr - arch_map.ram;

	if (ph->p_filesz > ph->p_memsz)
		return infile_err(
			f, l->e, -ENOEXEC,
			"is damaged: a segment has 0x%llx bytes in the "
			"file and 0x%llx in memory; link it again",
			(unsigned long long)ph->p_filesz,
			(unsigned long long)ph->p_memsz);
	if (ph->p_offset > f->size || ph->p_filesz > f->size - ph->p_offset)
		return infile_err(f, l->e, -ENODATA,
				  "is truncated: a segment of 0x%llx bytes at "
				  "0x%llx ends behind the file; get it again",
				  (unsigned long long)ph->p_filesz,
				  (unsigned long long)ph->p_offset);
	if (off <= l->m->ram_size && ph->p_memsz <= l->m->ram_size - off)
		return 0;
	/* Would more memory do? */
	if (off <= 1024 * GIB && ph->p_memsz <= 1024 * GIB)
		return image_too_big(l, off + ph->p_memsz);
	return infile_err(f, l->e, -EFAULT,
			  "has a segment at 0x%llx, outside of RAM; link it "
			  "for RAM, which begins at 0x%llx, or give a Linux "
			  "kernel as Image",
			  (unsigned long long)ph->p_paddr,
			  (unsigned long long)arch_map.ram);
}

static int segments_read(struct load *l, const Elf64_Ehdr *eh,
			 struct segments *s)
{
	const struct infile *f = &l->file;
	const size_t len = eh->e_phnum * sizeof(s->ph[0]);
	unsigned i, j;
	int err;

	if (eh->e_phoff > f->size || len > f->size - eh->e_phoff)
		return infile_err(
			f, l->e, -ENODATA,
			"is truncated: its program headers end behind "
			"the file; get it again");
	err = infile_read(f, eh->e_phoff, s->ph, len, l->e);
	if (err)
		return err;
	s->n = 0;
	for (i = 0; i < eh->e_phnum; i++) {
		if (s->ph[i].p_type != PT_LOAD || !s->ph[i].p_memsz)
			continue;
		err = segment_check(l, &s->ph[i]);
		if (err)
			return err;
		for (j = 0; j < s->n; j++)
			if (overlap(&s->ph[i], &s->ph[j]))
				return infile_err(
					f, l->e, -ENOEXEC,
					"has segments that overlap at 0x%llx; "
					"link it again",
					(unsigned long long)s->ph[i].p_paddr);
		s->ph[s->n++] = s->ph[i];
	}
	if (!s->n)
		return infile_err(f, l->e, -ENOEXEC,
				  "has no segment to load; give an executable");
	return 0;
}

/*
 * The physical address of @entry, which is a virtual one if the file makes a
 * difference between the two.
 */
static bool entry_find(const struct segments *s, uint64_t entry, gpa_t *pc)
{
	unsigned i;

	for (i = 0; i < s->n; i++) {
		const Elf64_Phdr *ph = &s->ph[i];

		if (entry - ph->p_vaddr < ph->p_memsz) {
			*pc = ph->p_paddr + (entry - ph->p_vaddr);
			return true;
		}
	}
	for (i = 0; i < s->n; i++) {
		if (entry - s->ph[i].p_paddr < s->ph[i].p_memsz) {
			*pc = entry;
			return true;
		}
	}
	return false;
}

static int segment_load(struct load *l, const Elf64_Phdr *ph)
{
	struct iovec iov[GMEM_BANKS];
	int i, n, err;

	err = infile_load(&l->file, ph->p_offset, l->mem, ph->p_paddr,
			  ph->p_filesz, l->e);
	if (err)
		return err;
	n = gmem_map(l->mem, ph->p_paddr + ph->p_filesz,
		     ph->p_memsz - ph->p_filesz, iov, GMEM_BANKS);
	if (n < 0)
		return image_too_big(l,
				     ph->p_paddr + ph->p_memsz - arch_map.ram);
	for (i = 0; i < n; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	return 0;
}

int image_load_elf(struct load *l)
{
	gpa_t lo = UINT64_MAX, hi = 0;
	struct segments s;
	Elf64_Ehdr eh;
	unsigned i;
	int err;

	memcpy(&eh, l->head.byte, sizeof(eh));
	err = header_check(l, &eh);
	if (err)
		return err;
	err = segments_read(l, &eh, &s);
	if (err)
		return err;
	if (!entry_find(&s, eh.e_entry, &l->b->entry))
		return infile_err(&l->file, l->e, -ENOEXEC,
				  "has its entry point, 0x%llx, outside of its "
				  "segments; link it again",
				  (unsigned long long)eh.e_entry);
	for (i = 0; i < s.n; i++) {
		const Elf64_Phdr *ph = &s.ph[i];

		if (ph->p_paddr < lo)
			lo = ph->p_paddr;
		if (ph->p_paddr + ph->p_memsz > hi)
			hi = ph->p_paddr + ph->p_memsz;
		err = segment_load(l, ph);
		if (err)
			return err;
	}
	l->b->kind = BOOT_ELF;
	l->b->kernel = (struct range){ .base = lo, .size = hi - lo };
	return 0;
}
