/* SPDX-License-Identifier: MIT */
/*
 * What a program needs to run, as its own file says: read, never executed.
 */
#pragma once

#include <stdint.h>

/* Strings are the caller's to free, by elf_free(). */
struct elf {
	uint16_t machine; /* EM_* */
	char *interp;	  /* its dynamic linker, or NULL */
	char *rpath;	  /* DT_RPATH or NULL */
	char *runpath;	  /* DT_RUNPATH or NULL */
	char **needed;	  /* names of libraries, as in DT_NEEDED */
	unsigned nneeded;
};

/*
 * elf_read() - of the file @fd, a 64-bit little-endian executable or library
 *
 * 0; -ENOEXEC if it is something else, or broken; -errno. Then there is nothing
 * to free.
 */
int elf_read(int fd, struct elf *);
void elf_free(struct elf *);
